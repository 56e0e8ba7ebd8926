//! `review`: asks the questions that are due, one by one. Where nobody can be asked it lists them.
//!
//! Every answer is recorded before the next question is asked, so that whatever ends a review early
//! takes nothing away.

use std::io::{self, IsTerminal};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::asking::{self, Lines};
use super::context::{Audience, Context};
use super::error::CommandError;
use super::prove::unfit;
use super::remembered;
use crate::cli;
use crate::curriculum::Curriculum;
use crate::exit_code::ExitCode;
use crate::mastery::clock::Clock;
use crate::mastery::fsrs::Grade;
use crate::mastery::progress::{Progress, Round};
use crate::mastery::proof::{Asked, Given, Judged, Wording};
use crate::mastery::review::session::{Session, Worth};
use crate::mastery::review::{Card, Deck, listing};
use crate::mastery::store::{Answer, Review, Store};
use crate::render::ansi;
use crate::render::markdown::Layout;
use crate::render::review::{self as drawing, Place};
use crate::sys::calendar::local_day;
use crate::sys::clock::Deadline;
use crate::sys::wake::{Keyboard, Wake, Woken};

/// Milliseconds after which the wait for an answer begins anew.
const LONG: u64 = 1 << 30;

/// Asks what is due, or prints what was asked for.
///
/// # Errors
/// When the curriculum cannot be loaded or standard output cannot be written.
pub fn run(context: &Context, options: cli::Review) -> Result<ExitCode, CommandError> {
    if options.schema {
        context.print_json(&listing::schema())?;
        return Ok(ExitCode::Success);
    }
    let curriculum = context.curriculum()?;
    let progress = remembered::progress(context);
    if options.export {
        return export(context, &curriculum, &progress);
    }
    let deck = deck(&curriculum, &progress);
    let width = ansi::reading_width();
    if options.due {
        context.print(&format!("{}\n", deck.due().len()))?;
    } else if options.json {
        context.print_json(&listing::of(&deck))?;
    } else if deck.due().is_empty() {
        context.print_text(&drawing::nothing(&deck, width))?;
    } else if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return converse(context, &curriculum, &deck);
    } else {
        context.print_text(&drawing::due(&deck, width))?;
    }
    Ok(ExitCode::Success)
}

/// What comes back, now and here.
pub fn deck<'a>(curriculum: &'a Curriculum, progress: &Progress) -> Deck<'a> {
    let now = Clock::of_environment().now();
    Deck::new(curriculum, progress, now, local_day)
}

fn export(
    context: &Context,
    curriculum: &Curriculum,
    progress: &Progress,
) -> Result<ExitCode, CommandError> {
    for line in listing::exported(curriculum, progress) {
        if context.print_line_json(&line)? == Audience::Gone {
            break;
        }
    }
    Ok(ExitCode::Success)
}

/// Asks all that is due, and once more what was missed.
fn converse(
    context: &Context,
    curriculum: &Curriculum,
    deck: &Deck<'_>,
) -> Result<ExitCode, CommandError> {
    let wake = Wake::new(&[Signal::SIGINT])
        .map_err(|error| CommandError::internal("cannot wait for signals").caused_by(error))?;
    let mut asking = Asking {
        context,
        layout: Layout::new(ansi::reading_width()),
        terminal: Terminal(wake),
        store: Store::open().map_err(|error| {
            remembered::not_recorded(context, "your answers are not recorded", &error);
        }),
    };
    let width = asking.layout.width();
    context.print_text(&drawing::opening(deck, width))?;
    let mut session = Session::new(deck.due());
    let (mut number, mut asked, mut right) = (0, 0, 0);
    while let Some((card, round)) = session.next() {
        number += 1;
        let place = Place {
            round,
            number,
            of: number - 1 + session.left(),
        };
        let question = Question::of(card, round)?;
        let Some(given) = asking.ask(&question, place)? else {
            let kept = drawing::counted(asked, "is", "are");
            context.say(&format!("Ended early: {kept} answered, and kept."));
            return Ok(ExitCode::Interrupted);
        };
        let judged = question.asked.judge(&given, &Value::Null).map_err(unfit)?;
        if round == Round::Due {
            asked += 1;
            right += usize::from(judged.right);
        }
        asking.record(&question, &given, judged.right, round);
        asking.tell(&question, &judged, round, deck)?;
        session.answered(worth(&judged));
    }
    let progress = remembered::progress(context);
    let after = self::deck(curriculum, &progress);
    context.print_text(&drawing::ending(right, asked, &after, width).apart())?;
    Ok(ExitCode::Success)
}

/// Somebody at a terminal who is asked.
struct Asking<'a> {
    context: &'a Context,
    layout: Layout<'a>,
    terminal: Terminal,
    /// Why there is none was told.
    store: Result<Store, ()>,
}

/// A question as it is asked, and by what it was drawn.
struct Question<'a> {
    card: &'a Card<'a>,
    asked: Asked<'a>,
    seed: u64,
    wording: Wording,
}

impl<'a> Question<'a> {
    fn of(card: &'a Card<'a>, round: Round) -> Result<Self, CommandError> {
        let (asked, seed) = card.asked(round);
        Ok(Self {
            card,
            wording: asked.wording(&Value::Null).map_err(unfit)?,
            asked,
            seed,
        })
    }
}

impl Asking<'_> {
    /// Asks a question. `None` when the input has ended or Ctrl-C was pressed.
    fn ask(
        &mut self,
        question: &Question<'_>,
        place: Place,
    ) -> Result<Option<Given>, CommandError> {
        let label = drawing::label(question.card, place);
        let asked = (&question.asked, &question.wording);
        asking::ask(self.context, &mut self.terminal, asked, &label, self.layout)
    }

    fn record(&self, question: &Question<'_>, given: &Given, right: bool, round: Round) {
        let Ok(store) = &self.store else {
            return;
        };
        let kept = question.asked.kept(given, Some(question.seed));
        let answer = Answer {
            item: &question.card.item.id.value,
            kept: &kept,
            right,
        };
        if let Err(error) = store.record_review(Review { answer, round }) {
            remembered::not_recorded(self.context, "this answer is not recorded", &error);
        }
    }

    fn tell(
        &self,
        question: &Question<'_>,
        judged: &Judged,
        round: Round,
        deck: &Deck<'_>,
    ) -> Result<(), CommandError> {
        let mut text = drawing::told(judged, self.layout);
        if !judged.right && round == Round::OnceMore {
            let key = question.asked.key(&Value::Null).map_err(unfit)?;
            text.append(drawing::solution(&question.wording, &key, self.layout));
        }
        // What was missed today comes back tomorrow, however it went the second time.
        let worth = worth(judged);
        let grade = match (worth, round) {
            (Worth::Right, Round::Due) => Grade::Good,
            _ => Grade::Again,
        };
        let due = question.card.due_after(grade, deck.today);
        let width = self.layout.width();
        text.append(drawing::comes_back(worth, round, due, deck.today, width));
        self.context.print_text(&text)
    }
}

fn worth(judged: &Judged) -> Worth {
    match judged.right {
        true => Worth::Right,
        false => Worth::Wrong,
    }
}

/// The learner's terminal.
struct Terminal(Wake);

impl Lines for Terminal {
    /// A line from the terminal; `None` at its end and at Ctrl-C.
    fn line(&mut self) -> Result<Option<String>, CommandError> {
        let mut line = Vec::new();
        loop {
            match self.0.wait(Keyboard::Ours, Deadline::after_ms(LONG)) {
                Ok(Woken::Keys(bytes)) => line.extend(bytes),
                Ok(Woken::Signal(_) | Woken::Gone) => return Ok(None),
                Ok(Woken::Changed | Woken::Time) => {}
                Err(error) => {
                    let told = CommandError::internal("cannot read from the terminal");
                    return Err(told.caused_by(error));
                }
            }
            // The terminal gives whole lines.
            if line.ends_with(b"\n") {
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
        }
    }
}
