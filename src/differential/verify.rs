//! Sequence after sequence, until time is over, enough calls were made, or a difference was found.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::generator::{Generator, Range, Who};
use super::report::Report;
use super::sequence::{Divergence, FIRST, KEPT, PATIENCE, Pair, Step, run};
use super::shrink::shrink;
use crate::model::settings::Settings;
use crate::sys::{bare_call as bare, unix_table};

/// Lengths of sequences, in calls.
const LENGTHS: [usize; 5] = [20, 30, 60, 120, 200];

/// The first of the users that several processes are of, and how many pairs of them there are.
const FIRST_USER: u32 = 700_000;
const USERS: u64 = 10_000;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// After so long.
    pub time: Duration,
    /// After so many calls.
    pub calls: u64,
}

/// What comes of it.
#[derive(Debug)]
pub struct Verified {
    /// What was done.
    pub report: Report,
    /// The first difference, as short as it can be.
    pub divergence: Option<Box<Divergence>>,
    /// What the abstract names of that sequence start with.
    pub prefix: String,
}

/// Compares until a limit is reached or the first difference, in this process: it must own all
/// descriptors from 3 on, and be in an empty directory. `progress` is told how far it is, a few times
/// a second.
///
/// # Errors
/// When processes cannot be started.
pub fn verify(
    settings: &Arc<Settings>,
    seed: u64,
    limits: Limits,
    range: &Range,
    mut progress: impl FnMut(&Report),
) -> io::Result<Verified> {
    let mut dice = Dice::new(seed);
    let mut report = Report::new(seed);
    let began = Instant::now();
    let mut told = began;
    loop {
        let range = Range {
            prefix: format!("{}{:x}.", range.prefix, report.sequences),
            users: match range.who {
                Who::One => range.users.clone(),
                // What users have in flight is counted across sequences: each has its own.
                Who::Several => {
                    let user = FIRST_USER + (report.sequences % USERS) as u32 * 2;
                    vec![0, user, user + 1]
                }
            },
            ..range.clone()
        };
        let divergence = sequence(settings, &mut dice, &range, &mut report)?;
        let now = Instant::now();
        let time = now - began;
        report.seconds = time.as_secs_f64();
        if let Some(divergence) = divergence {
            let divergence = Some(shrink(divergence, |calls| {
                wait_for_names(&range);
                run(settings, &range, calls)
            }));
            let prefix = range.prefix;
            return Ok(Verified {
                report,
                divergence,
                prefix,
            });
        }
        if time >= limits.time || report.calls >= limits.calls {
            return Ok(Verified {
                report,
                divergence: None,
                prefix: range.prefix,
            });
        }
        if now - told >= Duration::from_millis(250) {
            told = now;
            progress(&report);
        }
    }
}

/// Waits until nobody has a name of this sequence: what it left may be garbage, which Linux collects in its
/// own time, and whoever finds a name taken finds another difference.
fn wait_for_names(range: &Range) {
    // A prefix that is not there tells nothing.
    if range.prefix.is_empty() {
        return;
    }
    let began = Instant::now();
    while began.elapsed() < PATIENCE
        && matches!(unix_table::has_abstract_name(&range.prefix), Ok(true))
    {
        // Any socket that is released makes Linux look for garbage; so do those of the sequence.
        let _ = bare::close_range(FIRST, KEPT - 1);
        let _ = nix::poll::poll(&mut [], 1_u16);
    }
}

fn sequence(
    settings: &Arc<Settings>,
    dice: &mut Dice,
    range: &Range,
    report: &mut Report,
) -> io::Result<Option<Box<Divergence>>> {
    let length = dice.one(&LENGTHS);
    let mut pair = Pair::fresh(settings, range)?;
    let mut generator = Generator::new(dice, range);
    let mut last = Step::Same;
    while pair.len() < length {
        let (pid, call) = generator.next(&pair.kernel);
        last = pair.call(pid, &call);
        if !matches!(last, Step::Same) {
            break;
        }
    }
    if matches!(last, Step::Same) {
        last = pair.drain();
    }
    report.add(&pair);
    match last {
        Step::Differs(divergence) => {
            report.calls += divergence.calls.len() as u64;
            return Ok(Some(divergence));
        }
        Step::Garbage => report.garbage += 1,
        Step::Raced => report.raced += 1,
        Step::Same | Step::Crowded => {}
    }
    report.calls += pair.len() as u64;
    Ok(None)
}
