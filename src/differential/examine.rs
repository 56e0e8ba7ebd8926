//! Compares a kernel that somebody wrote with Linux: sequences of a topic, drawn with the model's help and
//! answered by Linux in this very process; or a script, played by several processes. The first
//! disagreement is made as short as it can be.
//!
//! The program is reached through [`super::candidate`]; before each sequence it is told to begin anew. What
//! is said to the learner about a disagreement is [`crate::check`]'s.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, Silence};
use super::compare::{self, Names};
use super::dice::Dice;
use super::generator::{Generator, Range, Who};
use super::performance::{Performance, Performed};
use super::sequence::{KEPT, Pair, Step};
use super::shrink::{Shown, shrink};
use super::topic::Topic;
use crate::model::call::Call;
use crate::model::event::Event;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::{Answer, Outcome};
use crate::model::script::{Action, Expected, Script};
use crate::model::settings::Settings;
use crate::sys::inherited;

/// Lengths of sequences, in calls.
const LENGTHS: [usize; 4] = [10, 20, 40, 80];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long may be spent on making a disagreement short.
const SHRINKING: Duration = Duration::from_secs(5);
/// Where the program's connection is kept: beyond the descriptors of agents.
pub const CHANNEL: RawFd = KEPT + 50;
/// What a program that stopped amid a sequence is shown of it: the last calls.
const SHOWN: usize = 12;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// Calls that were answered as Linux answers them.
    pub calls: u64,
    /// Sequences they were made in.
    pub sequences: u64,
    /// Where the program and Linux part.
    pub disagreement: Option<Disagreement>,
}

/// Where they part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// In what.
    pub about: About,
    /// Calls that show it, as lines of a script; the last is answered otherwise.
    pub calls: Vec<String>,
    /// Whether calls before these are left out.
    pub cut: bool,
    /// What Linux answers.
    pub linux: String,
    /// What the program answers; nothing when it says nothing.
    pub program: String,
    /// The row of the catalogue whose check refuses the call, and its errno; empty where none does.
    pub refused: (String, String),
}

/// What two answers differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The program says nothing.
    Silence(Silence),
    /// What the program says is no outcome.
    Form,
    /// The program knows no such call.
    Unknown,
    /// Linux refuses, the program does not.
    Allowed,
    /// The program refuses, Linux does not.
    Refused,
    /// Both refuse, each with another errno.
    Errno,
    /// One of them sleeps.
    Sleep,
    /// The number of a new descriptor.
    Descriptor,
    /// Bytes, or how many there are.
    Data,
    /// Flags of what was received.
    Flags,
    /// Control messages.
    Control,
    /// A name.
    Name,
    /// What poll(2) says.
    Readiness,
    /// Credentials.
    Credentials,
    /// A number, or an answer of another kind.
    Number,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Examination {
    /// Calls of a topic, made up by chance.
    Topic {
        /// Which.
        topic: Topic,
        /// What chance starts with.
        seed: u64,
        /// How many calls at least.
        calls: u64,
    },
    /// A script.
    Script(String),
}

/// A disagreement within a sequence.
struct Found {
    calls: Vec<(Pid, Call)>,
    linux: Outcome,
    program: String,
    about: About,
}

impl Shown for Found {
    fn calls(&self) -> &[(Pid, Call)] {
        &self.calls
    }
}

/// What a program is told when a machine begins.
struct Boot {
    uid: u32,
    gid: u32,
    max_dgram_qlen: u32,
    somaxconn: u32,
}

impl std::fmt::Display for Boot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            uid,
            gid,
            max_dgram_qlen,
            somaxconn,
        } = self;
        write!(
            f,
            "boot uid={uid} gid={gid} max-dgram-qlen={max_dgram_qlen} somaxconn={somaxconn}"
        )
    }
}

/// Compares, in this process: it must own all descriptors from 3 on but [`CHANNEL`], which leads to the
/// program, have one thread, and be in an empty directory. Abstract names begin with `prefix`.
///
/// # Errors
/// When the program's socket cannot be used, processes cannot be started, or a script is wrong.
pub fn examine(
    examination: &Examination,
    settings: Settings,
    prefix: &str,
) -> io::Result<Examined> {
    let channel = inherited::take(CHANNEL)?;
    let mut examiner = Examiner {
        candidate: Candidate::new(channel, PATIENCE),
        boot: Boot {
            uid: nix::unistd::getuid().as_raw(),
            gid: nix::unistd::getgid().as_raw(),
            max_dgram_qlen: settings.max_dgram_qlen,
            somaxconn: settings.somaxconn,
        },
        settings: Arc::new(settings),
        examined: Examined::default(),
    };
    match examination {
        Examination::Topic { topic, seed, calls } => {
            examiner.topic(*topic, *seed, *calls, prefix)?;
        }
        Examination::Script(script) => examiner.script(script, prefix)?,
    }
    Ok(examiner.examined)
}

struct Examiner {
    candidate: Candidate,
    boot: Boot,
    settings: Arc<Settings>,
    examined: Examined,
}

impl Examiner {
    fn topic(&mut self, topic: Topic, seed: u64, calls: u64, prefix: &str) -> io::Result<()> {
        let mut dice = Dice::new(seed);
        while self.examined.calls < calls {
            let range = Range {
                prefix: format!("{prefix}{:x}.", self.examined.sequences),
                privileged: false,
                users: vec![self.boot.uid],
                who: Who::One,
                topic,
            };
            let length = dice.one(&LENGTHS);
            let mut pair = Pair::fresh(&self.settings, &range)?;
            let mut generator = Generator::new(&mut dice, &range);
            let mut step = Step::Same;
            while pair.len() < length && matches!(step, Step::Same) {
                let (pid, call) = generator.next(&pair.kernel);
                step = pair.call(pid, &call);
            }
            if matches!(step, Step::Same) {
                pair.drain();
            }
            self.examined.sequences += 1;
            let Some(found) = self.part(&pair)? else {
                self.examined.calls += pair.len() as u64;
                continue;
            };
            self.examined.disagreement = Some(self.shortened(found, &range)?);
            return Ok(());
        }
        Ok(())
    }

    /// Where the program parts from what a pair was answered.
    fn part(&mut self, pair: &Pair) -> io::Result<Option<Found>> {
        let answered: Vec<_> = pair.answered().collect();
        let mut lines = vec![self.boot.to_string()];
        lines.extend(answered.iter().map(|((pid, call), _)| line(*pid, call)));
        let answers = self.candidate.ask(&lines)?;
        let mut names = Names::default();
        let calls = |count: usize| answered[..count].iter().map(|(call, _)| (*call).clone());
        for (place, (_, linux)) in answered.iter().enumerate() {
            // The first answer is that to `boot`.
            let Some(program) = answers.lines.get(place + 1) else {
                let silence = answers.silence.unwrap_or(Silence::Ended);
                return Ok(Some(Found {
                    calls: calls(place + 1).collect(),
                    linux: linux.without_signal(),
                    program: String::new(),
                    about: About::Silence(silence),
                }));
            };
            if let Some(about) = difference(linux, program, &mut names) {
                return Ok(Some(Found {
                    calls: calls(place + 1).collect(),
                    linux: linux.without_signal(),
                    program: program.clone(),
                    about,
                }));
            }
        }
        Ok(None)
    }

    /// A disagreement as it is told, about the same as what was found first.
    fn shortened(&mut self, found: Found, range: &Range) -> io::Result<Disagreement> {
        let about = found.about;
        let prefix = range.prefix.clone();
        if let About::Silence(_) = about {
            // Whoever says nothing cannot be asked again.
            return Ok(self.told(found, &prefix));
        }
        let settings = Arc::clone(&self.settings);
        let began = Instant::now();
        let mut failed = None;
        let found = shrink(found, |calls| {
            if began.elapsed() > SHRINKING || failed.is_some() {
                return None;
            }
            let mut pair = Pair::fresh(&settings, range).ok()?;
            for (pid, call) in calls {
                if !matches!(pair.call(*pid, call), Step::Same) {
                    return None;
                }
            }
            match self.part(&pair) {
                Ok(part) => part.filter(|part| part.about == about),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(self.told(found, &prefix)),
        }
    }

    fn told(&self, found: Found, prefix: &str) -> Disagreement {
        let mut kernel = Kernel::new(Arc::clone(&self.settings)).with_events();
        kernel.give_ids(Pid(0), self.boot.uid, self.boot.gid);
        for (pid, call) in &found.calls {
            kernel.take_events();
            kernel.call(*pid, call);
        }
        let refused = refused(&kernel.take_events());
        let from = match found.about {
            About::Silence(_) => found.calls.len().saturating_sub(SHOWN),
            _ => 0,
        };
        let plain = |text: String| text.replace(prefix, "n");
        let calls = found.calls[from..].iter();
        Disagreement {
            about: found.about,
            calls: calls.map(|(pid, call)| plain(line(*pid, call))).collect(),
            cut: from > 0,
            linux: plain(Expected::of(&found.linux).to_string()),
            program: plain(found.program),
            refused: refused
                .filter(|(_, errno)| found.linux.to_string().contains(errno))
                .unwrap_or_default(),
        }
    }

    /// A script, played by processes, a line after the other. Names in it are `@n…`.
    fn script(&mut self, text: &str, prefix: &str) -> io::Result<()> {
        let wrong = |mistake: crate::model::script::Mistake| io::Error::other(mistake.to_string());
        let script = Script::parse(&text.replace("abstract:n", &format!("abstract:{prefix}")))
            .map_err(wrong)?;
        let mut performance = Performance::start(&script, &self.settings)?;
        let mut names = Names::default();
        let mut said = Vec::new();
        let booted = self.candidate.ask(&[self.boot.to_string()])?;
        let mut silence = booted.silence;
        for line in &script.lines {
            let Performed {
                linux,
                model,
                events,
            } = performance.run(line)?;
            let asked = line.action.to_string();
            said.push(asked.replace(prefix, "n"));
            let answers = match silence {
                None => self.candidate.ask(&[asked])?,
                Some(_) => Default::default(),
            };
            silence = silence.or(answers.silence);
            let program = answers.lines.first().cloned().unwrap_or_default();
            let linux = match linux {
                Some(Expected::Exactly(outcome)) => outcome,
                _ => Outcome::Done(Answer::Number(0)),
            };
            let about = match silence {
                Some(silence) => Some(About::Silence(silence)),
                None => difference(&linux, &program, &mut names),
            };
            if let Some(about) = about {
                let refused = refused(&events);
                let model_agrees =
                    model.is_none_or(|model| Expected::of(&model) == Expected::of(&linux));
                self.examined.disagreement = Some(Disagreement {
                    about,
                    calls: said,
                    cut: false,
                    linux: linux.without_signal().to_string().replace(prefix, "n"),
                    program: program.replace(prefix, "n"),
                    refused: refused.filter(|_| model_agrees).unwrap_or_default(),
                });
                return Ok(());
            }
            self.examined.calls += 1;
        }
        self.examined.sequences += 1;
        Ok(())
    }
}

/// The row and the errno of the check that refused, if one did.
fn refused(events: &[Event]) -> Option<(String, String)> {
    events.iter().find_map(|event| match event {
        Event::Refused { row, errno } => Some((row.to_string(), format!("{errno:?}"))),
        _ => None,
    })
}

fn line(pid: Pid, call: &Call) -> String {
    let action = Action::Call {
        pid,
        call: call.clone(),
    };
    action.to_string()
}

/// In what a program's answer is not that of Linux, if it is not.
fn difference(linux: &Outcome, program: &str, names: &mut Names) -> Option<About> {
    let program = match program.parse() {
        Ok(Expected::Exactly(outcome)) => outcome,
        Ok(Expected::AnyName) | Err(_) => return Some(About::Form),
    };
    // A program does not tell how much of a buffer for control messages it used.
    // Nor is it asked about signals.
    let (program, linux) = (program.without_signal(), linux.without_signal());
    let Expected::Exactly(linux) = Expected::of(&linux) else {
        return Some(About::Form);
    };
    if compare::same(&linux, &program, names) {
        return None;
    }
    Some(match (&linux, &program) {
        (_, Outcome::Failed(Errno::ENOSYS)) => About::Unknown,
        (Outcome::Sleeps(_), _) | (_, Outcome::Sleeps(_)) => About::Sleep,
        (Outcome::Done(_), Outcome::Failed(_) | Outcome::BrokenPipe) => About::Refused,
        (Outcome::Failed(_) | Outcome::BrokenPipe, Outcome::Done(_)) => About::Allowed,
        (Outcome::Failed(_) | Outcome::BrokenPipe, _) => About::Errno,
        (Outcome::Done(linux), Outcome::Done(program)) => match (linux, program) {
            (Answer::Descriptor(_), Answer::Descriptor(_))
            | (Answer::Pair(..), Answer::Pair(..)) => About::Descriptor,
            (Answer::Received(linux), Answer::Received(program)) => {
                if linux.count != program.count || linux.data != program.data {
                    About::Data
                } else if linux.flags != program.flags {
                    About::Flags
                } else if linux.control != program.control {
                    About::Control
                } else {
                    About::Name
                }
            }
            (Answer::Name(_), Answer::Name(_)) => About::Name,
            (Answer::Ready(_), Answer::Ready(_)) => About::Readiness,
            (Answer::Credentials(_), Answer::Credentials(_)) => About::Credentials,
            _ => About::Number,
        },
    })
}
