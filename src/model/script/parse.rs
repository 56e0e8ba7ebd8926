//! Reads a script line by line: directives, calls of processes, and what they must answer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::token::{Token, cut};
use super::{Action, Asleep, Expected, Line, Mistake, Script, calls, outcomes, words};
use crate::model::call::Call;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Outcome, Wait};
use crate::model::settings::Settings;

/// The process that is meant where none is named.
pub(super) const FIRST: Pid = Pid(0);

/// How often a call may be repeated.
const MOST_TIMES: usize = 10_000;

/// Reads a script.
pub(super) fn script(text: &str) -> Result<Script, Mistake> {
    let mut parser = Parser {
        script: Script::default(),
        present: Present::new(),
        times: 1,
    };
    for (index, line) in text.lines().enumerate() {
        if !line.trim_start().starts_with('#') {
            parser.line(index + 1, line)?;
        }
    }
    Ok(parser.script)
}

/// Reads a line that holds a call and nothing else.
pub(super) fn call(text: &str) -> Result<Call, Mistake> {
    calls::call(1, &cut(1, text)?, 0)
}

/// Reads a line that holds an outcome and nothing else.
pub(super) fn expected(text: &str) -> Result<Expected, Mistake> {
    outcomes::expected(1, &cut(1, text)?, 0)
}

struct Parser {
    script: Script,
    present: Present,
    /// How often the next call is made.
    times: usize,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) -> Result<(), Mistake> {
        let tokens = cut(number, line)?;
        let Some((first, rest)) = tokens.split_first() else {
            return Ok(());
        };
        let whole = first.start..tokens.last().map_or(first.end(), |last| last.end());
        match first.text {
            "process" => self.process(number, *first, rest),
            "repeat" => {
                let times = match rest {
                    [times] => times
                        .text
                        .parse()
                        .ok()
                        .filter(|times| (1..=MOST_TIMES).contains(times)),
                    _ => None,
                };
                self.times = times.ok_or_else(|| {
                    let message = format!("how often is a number from 1 to {MOST_TIMES}");
                    Mistake::new(number, whole, message)
                })?;
                Ok(())
            }
            "collect" if rest.is_empty() => {
                self.push(number, Action::Collect);
                Ok(())
            }
            "collect" => {
                let columns = rest[0].start..whole.end;
                Err(Mistake::new(number, columns, "nothing more belongs here"))
            }
            "woken" | "interrupted" | "expired" => self.roused(number, whole, *first, rest),
            "=" => {
                let expected = outcomes::expected(number, rest, first.end())?;
                match self.script.lines.last_mut() {
                    Some(last @ Line { expected: None, .. }) if last.action != Action::Collect => {
                        last.expected = Some(expected);
                        Ok(())
                    }
                    Some(last) if last.expected.is_some() => {
                        let line = last.number;
                        let message = format!("the call of line {line} has its answer already");
                        Err(Mistake::new(number, whole, message))
                    }
                    _ => {
                        let message = "there is no call before this that could answer";
                        Err(Mistake::new(number, whole, message))
                    }
                }
            }
            _ => {
                let (pid, named, call) = self.caller(number, *first, rest, &tokens)?;
                let call = calls::call(number, call, first.end())?;
                self.present.note(number, named, pid, &call)?;
                self.push(number, Action::Call { pid, call });
                Ok(())
            }
        }
    }

    fn push(&mut self, number: usize, action: Action) {
        self.script.lines.push(Line {
            number,
            action,
            times: std::mem::replace(&mut self.times, 1),
            expected: None,
            asleep: Asleep::Interrupted,
        });
    }

    /// `woken B`, `interrupted B` and `expired B`.
    fn roused(
        &mut self,
        number: usize,
        whole: Range<usize>,
        how: Token<'_>,
        rest: &[Token<'_>],
    ) -> Result<(), Mistake> {
        let how = how.text;
        let [name] = rest else {
            let mistake = Mistake::new(number, whole, format!("one process is {how}"));
            return Err(mistake.with_help(format!("For example: `{how} B`.")));
        };
        let who = words::process_named(name.text).ok_or_else(|| {
            let columns = name.start..name.end();
            Mistake::new(number, columns, format!("`{}` is no process", name.text))
        })?;
        let of_this = |line: &&mut Line| match line.action {
            Action::Call { pid, .. }
            | Action::Woken { pid }
            | Action::Interrupted { pid }
            | Action::Expired { pid } => pid == who,
            Action::Collect => false,
        };
        let asleep = Expected::of(&Outcome::Sleeps(Wait::Other));
        match self.script.lines.iter_mut().rev().find(of_this) {
            Some(last) if last.expected.as_ref() == Some(&asleep) => last.asleep = Asleep::Stays,
            _ => {
                let message = format!("process {} does not sleep", name.text);
                let mistake = Mistake::new(number, whole, message);
                return Err(mistake.with_help(format!(
                    "Only who was said to be `= asleep` in its last call can be {how}."
                )));
            }
        }
        let action = match how {
            "woken" => Action::Woken { pid: who },
            "expired" => Action::Expired { pid: who },
            _ => Action::Interrupted { pid: who },
        };
        self.push(number, action);
        Ok(())
    }

    /// Whose call it is, where that is said, and the call.
    fn caller<'t, 'l>(
        &self,
        number: usize,
        first: Token<'l>,
        rest: &'t [Token<'l>],
        all: &'t [Token<'l>],
    ) -> Result<(Pid, Token<'l>, &'t [Token<'l>]), Mistake> {
        let Some(name) = first.text.strip_suffix(':') else {
            return Ok((FIRST, first, all));
        };
        let pid = words::process_named(name).ok_or_else(|| {
            let columns = first.start..first.end();
            let mistake = Mistake::new(number, columns, format!("`{name}` is no process"));
            mistake.with_help("Processes are called by one capital letter, A to Z.")
        })?;
        Ok((pid, first, rest))
    }

    /// `process B 1000`.
    fn process(
        &mut self,
        number: usize,
        first: Token<'_>,
        rest: &[Token<'_>],
    ) -> Result<(), Mistake> {
        let wrong = |token: Token<'_>, message: String| {
            let mistake = Mistake::new(number, token.start..token.end(), message);
            mistake.with_help("A further process is declared by `process B 1000`.")
        };
        if !self.script.lines.is_empty() {
            let message = "processes are declared before the first call".to_owned();
            return Err(wrong(first, message));
        }
        let [name, user] = rest else {
            let message = "a further process has a name and a user".to_owned();
            return Err(wrong(first, message));
        };
        let Some(pid) = words::process_named(name.text) else {
            return Err(wrong(*name, format!("`{}` is no process", name.text)));
        };
        let Ok(uid) = user.text.parse::<u32>() else {
            return Err(wrong(*user, format!("`{}` is no user's number", user.text)));
        };
        if self.present.kernel.has_process(pid) {
            return Err(wrong(
                *name,
                format!("process {} is there already", name.text),
            ));
        }
        self.present.kernel.add_process(pid);
        self.script.processes.push((pid, uid));
        Ok(())
    }
}

/// Which processes there are: that depends on nothing but fork and exit, so a script says it before
/// it runs.
struct Present {
    kernel: Kernel,
    /// Where a process ended.
    ended: BTreeMap<Pid, usize>,
}

impl Present {
    fn new() -> Self {
        Self {
            kernel: Kernel::new(Arc::new(Settings::default())),
            ended: BTreeMap::new(),
        }
    }

    /// Notes a call; whoever makes it must be there.
    fn note(
        &mut self,
        number: usize,
        named: Token<'_>,
        pid: Pid,
        call: &Call,
    ) -> Result<(), Mistake> {
        let columns = named.start..named.end();
        if !self.kernel.has_process(pid) {
            let name = words::process_name(pid);
            let message = format!("there is no process {name}");
            let mistake = Mistake::new(number, columns, message);
            return Err(match self.ended.get(&pid) {
                Some(line) => mistake.with_help(format!("It exited on line {line}.")),
                None => mistake.with_help(format!(
                    "`process {name} 1000` at the start makes it, and so does `fork`."
                )),
            });
        }
        match call {
            Call::Fork => {
                let child = self.kernel.call(pid, call);
                if let Outcome::Done(Answer::Process(child)) = child
                    && child.0 >= words::MOST_PROCESSES
                {
                    let message = "there are no letters left for one more process";
                    return Err(Mistake::new(number, columns, message));
                }
            }
            Call::Exit => {
                self.kernel.call(pid, call);
                self.ended.insert(pid, number);
            }
            _ => {}
        }
        Ok(())
    }
}
