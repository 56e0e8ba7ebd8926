//! `review`: asks the questions that are due, one by one. Where nobody can be asked it lists them.
//!
//! Every answer is recorded before the next question is asked, so that whatever ends a review early
//! takes nothing away.

use std::io::{self, IsTerminal};

use nix::sys::signal::Signal;

use super::context::{Audience, Context};
use super::error::CommandError;
use super::remembered;
use crate::cli;
use crate::curriculum::Curriculum;
use crate::exit_code::ExitCode;
use crate::mastery::clock::Clock;
use crate::mastery::fsrs::Grade;
use crate::mastery::progress::{Progress, Round};
use crate::mastery::review::session::{Session, Worth};
use crate::mastery::review::{Card, Deck, listing};
use crate::mastery::store::{Answer, Review, Store};
use crate::render::ansi;
use crate::render::markdown::Layout;
use crate::render::review::{self as drawing, Given, Place};
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
        wake,
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
        let Some(given) = asking.ask(card, place)? else {
            let kept = drawing::counted(asked, "is", "are");
            context.say(&format!("Ended early: {kept} answered, and kept."));
            return Ok(ExitCode::Interrupted);
        };
        let worth = worth(card, given);
        if round == Round::Due {
            asked += 1;
            right += usize::from(worth == Worth::Right);
        }
        asking.record(card, given, worth, round);
        asking.tell(card, given, worth, place, deck)?;
        session.answered(worth);
    }
    let progress = remembered::progress(context);
    let after = self::deck(curriculum, &progress);
    context.print_text(&drawing::ending(right, asked, &after, width).apart())?;
    Ok(ExitCode::Success)
}

fn worth(card: &Card<'_>, given: Given) -> Worth {
    let reason = given
        .reason
        .is_none_or(|reason| card.item.reasons[reason].ok);
    if card.item.options[given.option].ok && reason {
        Worth::Right
    } else {
        Worth::Wrong
    }
}

/// Somebody at a terminal who is asked.
struct Asking<'a> {
    context: &'a Context,
    layout: Layout<'a>,
    wake: Wake,
    /// Why there is none was told.
    store: Result<Store, ()>,
}

impl Asking<'_> {
    /// Asks a question. `None` when the input has ended or Ctrl-C was pressed.
    fn ask(&mut self, card: &Card<'_>, place: Place) -> Result<Option<Given>, CommandError> {
        // What comes once more stands in another order, too.
        let time = 2 * card.times + u32::from(place.round == Round::OnceMore);
        let (options, reasons) = card.item.orders_at(time);
        let text = drawing::options(card, place, &options, self.layout);
        self.context.print_text(&text.apart())?;
        let Some(option) = self.choose("Your answer", &options)? else {
            return Ok(None);
        };
        if reasons.is_empty() {
            let reason = None;
            return Ok(Some(Given { option, reason }));
        }
        let text = drawing::reasons(card.item, &reasons, self.layout);
        self.context.print_text(&text)?;
        let reason = self.choose("Your reason", &reasons)?;
        Ok(reason.map(|reason| Given {
            option,
            reason: Some(reason),
        }))
    }

    /// Asks for a letter until there is one; gives the place in the list as it is written.
    fn choose(&mut self, what: &str, order: &[usize]) -> Result<Option<usize>, CommandError> {
        let last = letter(order.len().saturating_sub(1));
        let to = if order.len() == 2 { "or" } else { "to" };
        loop {
            self.context.print(&format!("{what}, a {to} {last}: "))?;
            let Some(line) = self.line()? else {
                self.context.print("\n")?;
                return Ok(None);
            };
            let line = line.trim().to_lowercase();
            let chosen = (0..order.len()).find(|&place| line == letter(place).to_string());
            if let Some(place) = chosen {
                return Ok(Some(order[place]));
            }
        }
    }

    /// A line from the terminal; `None` at its end and at Ctrl-C.
    fn line(&mut self) -> Result<Option<String>, CommandError> {
        let mut line = Vec::new();
        loop {
            match self.wake.wait(Keyboard::Ours, Deadline::after_ms(LONG)) {
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

    fn record(&self, card: &Card<'_>, given: Given, worth: Worth, round: Round) {
        let Ok(store) = &self.store else {
            return;
        };
        let answer = Answer {
            item: &card.item.id.value,
            option: given.option,
            reason: given.reason,
            right: worth == Worth::Right,
        };
        if let Err(error) = store.record_review(Review { answer, round }) {
            remembered::not_recorded(self.context, "this answer is not recorded", &error);
        }
    }

    fn tell(
        &self,
        card: &Card<'_>,
        given: Given,
        worth: Worth,
        place: Place,
        deck: &Deck<'_>,
    ) -> Result<(), CommandError> {
        let round = place.round;
        let mut text = drawing::told(card.item, given, worth, round, self.layout);
        // What was missed today comes back tomorrow, however it went the second time.
        let grade = match (worth, round) {
            (Worth::Right, Round::Due) => Grade::Good,
            _ => Grade::Again,
        };
        let due = card.due_after(grade, deck.today);
        let width = self.layout.width();
        text.append(drawing::comes_back(worth, round, due, deck.today, width));
        self.context.print_text(&text)
    }
}

fn letter(place: usize) -> char {
    char::from(b'a' + u8::try_from(place).unwrap_or(25).min(25))
}
