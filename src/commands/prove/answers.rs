//! Asks one question of a task in lines: shows it, reads an answer, asks again when the answer is
//! none. Works at a terminal and through a pipe alike.

use std::io::{self, BufRead};

use serde_json::Value;

use super::shell::Shell;
use super::unfit;
use crate::commands::context::Context;
use crate::commands::error::CommandError;
use crate::curriculum::task::Form;
use crate::mastery::proof::{Asked, Given, Proof};
use crate::render::markdown::Layout;
use crate::render::task as drawing;

/// Somebody who answers.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    context: &'a Context,
    /// Where a line that begins with `!` goes, instead of being an answer.
    pub(super) shell: Option<Shell>,
}

/// What somebody says who is asked whether to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// To begin.
    Yes,
    /// Nothing more: the input has ended.
    Left,
}

/// How many letters an answer has.
#[derive(Clone, Copy)]
enum Count {
    Exactly(usize),
    Any,
}

impl<'a> Asking<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            shell: None,
        }
    }

    /// Waits until somebody is ready.
    pub(super) fn ready(&mut self) -> Result<Ready, CommandError> {
        let line = self.line("Press Enter when you are ready")?;
        Ok(line.map_or(Ready::Left, |_| Ready::Yes))
    }

    /// Asks a question. `None` when the input has ended.
    pub(super) fn ask(
        &mut self,
        proof: &Proof<'_>,
        asked: &Asked<'_>,
        obs: &Value,
        place: drawing::Place,
        layout: Layout<'_>,
    ) -> Result<Option<Given>, CommandError> {
        let fill = |text: &str| proof.text(asked, text, obs).map_err(unfit);
        let prompt = fill(&asked.question.prompt)?;
        let shown = |order: &[usize], texts: &[&str]| -> Result<Vec<String>, CommandError> {
            order.iter().map(|&index| fill(texts[index])).collect()
        };
        let first = asked.shown.len();
        Ok(match &asked.question.form {
            Form::Choice { options, reasons } => {
                let texts: Vec<&str> = options.iter().map(|one| one.text.as_str()).collect();
                let options = shown(&asked.shown, &texts)?;
                let drawn = drawing::question(place, &prompt, &[], &options, layout);
                self.context.print_text(&drawn)?;
                let chosen = self.letters("Your answer", first, Count::Exactly(1))?;
                let Some(option) = chosen.map(|places| places[0]) else {
                    return Ok(None);
                };
                if reasons.is_empty() {
                    return Ok(Some(Given::Chosen(option, None)));
                }
                let texts: Vec<&str> = reasons.iter().map(|one| one.text.as_str()).collect();
                let reasons = shown(&asked.second, &texts)?;
                self.context
                    .print_text(&drawing::because(&reasons, layout))?;
                let count = reasons.len();
                let chosen = self.letters("Your reason", count, Count::Exactly(1))?;
                chosen.map(|places| Given::Chosen(option, Some(places[0])))
            }
            Form::Order { steps, traps } => {
                let texts = steps.iter().map(|one| one.text.as_str());
                let texts: Vec<&str> = texts
                    .chain(traps.iter().map(|one| one.text.as_str()))
                    .collect();
                let statements = shown(&asked.shown, &texts)?;
                let drawn = drawing::question(place, &prompt, &[], &statements, layout);
                self.context.print_text(&drawn)?;
                let what = format!(
                    "The letters of the {} that belong there, in order",
                    steps.len()
                );
                self.letters(&what, first, Count::Any)?.map(Given::Places)
            }
            Form::Match {
                lines, purposes, ..
            } => {
                let lines: Vec<String> = asked
                    .second
                    .iter()
                    .map(|&index| lines[index].text.clone())
                    .collect();
                let texts: Vec<&str> = purposes.iter().map(|one| one.text.as_str()).collect();
                let purposes = shown(&asked.shown, &texts)?;
                let drawn = drawing::question(place, &prompt, &lines, &purposes, layout);
                self.context.print_text(&drawn)?;
                let what = format!("A letter for each line, 1 to {}", lines.len());
                let count = Count::Exactly(lines.len());
                self.letters(&what, first, count)?.map(Given::Places)
            }
            Form::Text(_) => {
                let drawn = drawing::question(place, &prompt, &[], &[], layout);
                self.context.print_text(&drawn)?;
                self.word("Your answer")?.map(Given::Text)
            }
        })
    }

    /// Asks for letters until there are as many as needed; gives their places.
    fn letters(
        &mut self,
        what: &str,
        among: usize,
        count: Count,
    ) -> Result<Option<Vec<usize>>, CommandError> {
        let last = char::from(b'a' + u8::try_from(among.saturating_sub(1)).unwrap_or(25).min(25));
        let range = match count {
            Count::Exactly(1) => format!("{what}, a to {last}: "),
            Count::Exactly(_) | Count::Any => format!("{what}, such as {}: ", example(last)),
        };
        loop {
            let Some(line) = self.word(&range)? else {
                return Ok(None);
            };
            let places: Option<Vec<usize>> = line
                .chars()
                .filter(|sign| !sign.is_whitespace() && *sign != ',')
                .map(|sign| {
                    let sign = sign.to_ascii_lowercase();
                    ('a'..=last)
                        .contains(&sign)
                        .then(|| sign as usize - 'a' as usize)
                })
                .collect();
            let fits = |places: &Vec<usize>| match count {
                Count::Exactly(count) => places.len() == count,
                Count::Any => !places.is_empty(),
            };
            if let Some(places) = places.filter(fits) {
                return Ok(Some(places));
            }
            self.context.say(&match count {
                Count::Exactly(1) => format!("Answer with a letter from a to {last}."),
                Count::Exactly(count) => format!("Answer with {count} letters from a to {last}."),
                Count::Any => format!("Answer with letters from a to {last}."),
            });
        }
    }

    /// Asks until a line holds something. `None` when the input has ended.
    fn word(&mut self, question: &str) -> Result<Option<String>, CommandError> {
        let question = question.strip_suffix(": ").unwrap_or(question);
        loop {
            match self.line(question)? {
                Some(line) if line.is_empty() => {}
                line => return Ok(line),
            }
        }
    }

    /// Asks for a line, which may be empty; the shell has those that are for it. `None` when the
    /// input has ended.
    fn line(&mut self, question: &str) -> Result<Option<String>, CommandError> {
        loop {
            self.context.print(&format!("{question}: "))?;
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line)? == 0 {
                self.context.print("\n")?;
                return Ok(None);
            }
            let line = line.trim();
            match (&self.shell, line.strip_prefix('!')) {
                (Some(shell), Some(command)) => {
                    if let Some(trouble) = shell.run(command.trim()) {
                        self.context.say(&trouble);
                    }
                }
                _ => return Ok(Some(line.to_owned())),
            }
        }
    }
}

fn example(last: char) -> &'static str {
    if last < 'c' { "b a" } else { "b a c" }
}
