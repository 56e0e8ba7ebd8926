//! Whether a question can be answered however it is drawn: every text can be filled, one answer is
//! right and no other, and none that is told to be wrong is right.

use serde_json::{Map, Value};

use super::{Answer, Form, Question, Sort, Truth, Word, is_number, normal};
use crate::curriculum::dice::Dice;
use crate::curriculum::expression;

/// How often a question is drawn to look at it.
const TIMES: u64 = 100;

/// Says what is wrong with the first draw that cannot be answered.
pub(super) fn answerable(question: &Question) -> Result<(), String> {
    let times = if question.draws.is_empty() { 1 } else { TIMES };
    for seed in 0..times {
        let mut dice = Dice::new(seed, &question.id.value);
        let draws = question.draws.iter();
        let drawn: Map<String, Value> = draws
            .map(|draw| (draw.name.clone(), draw.value(&mut dice)))
            .collect();
        let words: Vec<String> = drawn
            .iter()
            .map(|(name, value)| format!("`{name}` = {value}"))
            .collect();
        let told = |message| match words.is_empty() {
            true => message,
            false => format!("with {}: {message}", words.join(", ")),
        };
        Drawn(&drawn).question(question).map_err(told)?;
    }
    Ok(())
}

/// What was drawn.
struct Drawn<'a>(&'a Map<String, Value>);

impl Drawn<'_> {
    fn question(&self, question: &Question) -> Result<(), String> {
        self.fill(&question.prompt)?;
        match &question.form {
            Form::Choice { options, reasons } => {
                self.answers(options)?;
                self.answers(reasons)
            }
            Form::Order { steps, traps } => {
                let steps = steps.iter().map(|one| (&one.text, &one.say));
                self.distinct(steps.chain(traps.iter().map(|one| (&one.text, &one.say))))
            }
            Form::Match {
                lines, purposes, ..
            } => {
                self.distinct(lines.iter().map(|one| (&one.text, &one.say)))?;
                self.distinct(purposes.iter().map(|one| (&one.text, &one.text)))
            }
            Form::Text(word) => self.word(word),
        }
    }

    fn answers(&self, answers: &[Answer]) -> Result<(), String> {
        self.distinct(answers.iter().map(|one| (&one.text, &one.say)))?;
        let mut right = 0;
        let mut decided = true;
        for answer in answers {
            right += usize::from(match &answer.truth {
                Truth::Fixed(right) => *right,
                Truth::When(when) => {
                    decided = false;
                    expression::holds(&when.value, self.0).map_err(|error| error.to_string())?
                }
            });
        }
        match right {
            1 => Ok(()),
            // That a list without expressions has no right answer is said where it is read.
            _ if decided => Ok(()),
            _ => Err(format!("{right} answers are right")),
        }
    }

    /// Texts, each with what is said to it.
    fn distinct<'t>(
        &self,
        texts: impl Iterator<Item = (&'t String, &'t String)>,
    ) -> Result<(), String> {
        let mut seen: Vec<String> = Vec::new();
        for (text, say) in texts {
            let text = self.fill(text)?;
            self.fill(say)?;
            if seen.contains(&text) && !text.is_empty() {
                return Err(format!("`{text}` is there twice"));
            }
            seen.push(text);
        }
        Ok(())
    }

    fn word(&self, word: &Word) -> Result<(), String> {
        let mut right = Vec::new();
        for accepted in &word.accept {
            right.push(self.fill(&accepted.value)?);
        }
        if let Some(equals) = &word.equals {
            let value = expression::value(&equals.value, self.0);
            right.push(value.map_err(|error| error.to_string())?);
        }
        let number = word.sort == Sort::Number;
        if let Some(other) = right.iter().find(|one| number && !is_number(one)) {
            return Err(format!("`{other}` is no whole number"));
        }
        let right: Vec<String> = right.iter().map(|one| normal(one)).collect();
        for wrong in &word.wrong {
            self.fill(&wrong.say)?;
            let wrong = normal(&self.fill(&wrong.text)?);
            if right.contains(&wrong) {
                return Err(format!("`{wrong}` is told to be wrong, and is right"));
            }
        }
        self.fill(&word.say)?;
        self.fill(&word.why)?;
        Ok(())
    }

    fn fill(&self, text: &str) -> Result<String, String> {
        if self.0.is_empty() {
            return Ok(text.to_owned());
        }
        expression::fill(text, self.0).map_err(|error| error.to_string())
    }
}
