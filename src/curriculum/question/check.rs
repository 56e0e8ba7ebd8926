//! Whether a question can be answered however it is drawn: every text can be filled, one answer is
//! right and no other, and none that is told to be wrong is right. It takes too long for every start
//! of the program; `lint` asks for it, and whoever loads a pack.

use serde_json::{Map, Value};

use super::{Answer, Form, Question, Sort, Truth, Word, is_number, normal};
use crate::curriculum::dice::Dice;
use crate::curriculum::expression;

/// How many draws of a question are looked at: all of them where there are no more, else so many.
const MOST: u64 = 512;

impl Question {
    /// Whether it can be answered, whatever is drawn for it: a question of a lesson, or of a task
    /// that looks at nothing.
    ///
    /// # Errors
    /// What is wrong with the first draw that cannot be answered.
    pub fn answerable(&self) -> Result<(), String> {
        let draws = self.draws.iter();
        let all = draws.fold(1, |all: u64, draw| all.saturating_mul(draw.count()));
        for number in 0..all.min(MOST) {
            let drawn = match all <= MOST {
                true => self.nth(number),
                false => self.drawn(&mut Dice::new(number, &self.id.value)),
            };
            let words = drawn.iter();
            let words: Vec<String> = words
                .map(|(name, value)| format!("`{name}` = {value}"))
                .collect();
            let told = |message| match words.is_empty() {
                true => message,
                false => format!("with {}: {message}", words.join(", ")),
            };
            Drawn(&drawn).question(self).map_err(told)?;
        }
        Ok(())
    }

    /// One of all draws, by its number.
    fn nth(&self, mut number: u64) -> Map<String, Value> {
        let draws = self.draws.iter();
        draws
            .map(|draw| {
                let value = draw.nth(number % draw.count());
                number /= draw.count();
                (draw.name.clone(), value)
            })
            .collect()
    }
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
