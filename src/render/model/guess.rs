//! A question about what a call comes back with, as text; and what is said to the answer.

use super::Told;
use super::moment::why_so;
use super::table::wrapped;
use super::values::polled;
use super::words::{count, listed, named, shortened};
use crate::model::call::{Events, Flags};
use crate::model::guess::Question;
use crate::model::outcome::{Answer, ControlMessage, Outcome, Received, Reported};
use crate::model::run::Step;
use crate::model::script::{Expected, process_name};
use crate::render::text::{Role, Span, Text};

/// A question with its answers, a number each.
pub fn asked(question: &Question, width: usize) -> Text {
    let mut text = Text::new();
    let title = Span::new(Role::Heading, "What does it come back with?");
    let skip = Span::new(Role::Dim, "   (\u{2192} goes on without an answer)");
    text.lines = wrapped(&[title, skip], width, 2);
    for (place, guess) in question.guesses.iter().enumerate() {
        let spans = [
            Span::new(Role::Key, format!("  {} ", place + 1)),
            Span::new(Role::Plain, words(&guess.answer)),
        ];
        text.lines.extend(wrapped(&spans, width, 4));
    }
    text
}

/// What is said to an answer.
pub fn told(
    question: &Question,
    given: usize,
    step: &Step,
    told_by: Told<'_>,
    width: usize,
) -> Text {
    let mut text = Text::new();
    let mut say = |spans: &[Span]| text.lines.extend(wrapped(spans, width, 2));
    if given == question.right {
        say(&[
            Span::new(Role::Good, "\u{2713} "),
            Span::new(Role::Plain, "That is what it comes back with."),
        ]);
    } else {
        let guess = &question.guesses[given];
        say(&[
            Span::new(Role::Bad, "\u{2717} "),
            Span::new(Role::Plain, format!("You said: {}. ", words(&guess.answer))),
            Span::new(
                Role::Strong,
                format!(
                    "It is: {}.",
                    words(&question.guesses[question.right].answer)
                ),
            ),
        ]);
        if let Some(fault) = guess.because {
            let words = format!(
                "  That answer goes with another rule: {}. Linux does otherwise (row {}).",
                fault.sentence(),
                fault.row()
            );
            say(&[Span::new(Role::Plain, words)]);
        }
    }
    if !matches!(step.outcome, Some(Outcome::Done(_))) {
        text.append(why_so(step, told_by, width));
    }
    text
}

/// An outcome in words.
fn words(answer: &Expected) -> String {
    let outcome = match answer {
        Expected::Exactly(outcome) => outcome,
        Expected::AnyName => return "some name".to_owned(),
    };
    match outcome {
        Outcome::Failed(errno) => format!("-1, errno is {errno:?}"),
        Outcome::BrokenPipe => "-1, errno is EPIPE, and SIGPIPE is sent".to_owned(),
        Outcome::Sleeps(_) => "nothing yet: it sleeps".to_owned(),
        Outcome::Done(answer) => match answer {
            Answer::Number(number) => number.to_string(),
            Answer::Descriptor(fd) => format!("descriptor {fd}"),
            Answer::Pair(one, other) => format!("descriptors {one} and {other}"),
            Answer::Received(received) => of_received(received),
            Answer::Name(None) => "0, and there is no name".to_owned(),
            Answer::Name(Some(name)) => format!("0, and the name {}", named(name)),
            Answer::Credentials(of) => match of.pid {
                Some(pid) => {
                    let name = process_name(pid);
                    format!("process {name}, user {}, group {}", of.uid, of.gid)
                }
                None => "nobody".to_owned(),
            },
            Answer::Ready(events) if *events == Events::default() => "nothing is ready".to_owned(),
            Answer::Ready(events) => polled(*events).replace('|', ", "),
            Answer::Reported(reported) if reported.is_empty() => "nothing is ready".to_owned(),
            Answer::Reported(reported) => {
                let one = |one: &Reported| {
                    let events = polled(one.events).replace("POLL", "EPOLL");
                    format!("{} for {}", events.replace('|', ", "), one.fd)
                };
                listed(&reported.iter().map(one).collect::<Vec<_>>())
            }
            Answer::Process(pid) => format!("process {}", process_name(*pid)),
        },
    }
}

fn of_received(received: &Received) -> String {
    let mut words = match received.count {
        0 => "0 bytes".to_owned(),
        all => format!(
            "{}: {}",
            count(all as u64, "byte"),
            shortened(&received.data)
        ),
    };
    for (flag, name) in [(Flags::TRUNC, "MSG_TRUNC"), (Flags::CTRUNC, "MSG_CTRUNC")] {
        if received.flags.has(flag) {
            words += &format!(", {name} is set");
        }
    }
    for message in &received.control {
        words += &match message {
            ControlMessage::Rights(fds) => {
                let fds: Vec<String> = fds.iter().map(i32::to_string).collect();
                format!(", with descriptor {}", fds.join(", "))
            }
            ControlMessage::Credentials { .. } => ", with credentials".to_owned(),
        };
    }
    words
}
