//! Spaced review: which questions come back, and when. Pure: a curriculum, a progress and a day in,
//! plain data out. How long something is remembered is [`super::fsrs`]'s; asking is others' work.
//!
//! Every quiz item of a finished lesson is a card, due for the first time on the day after. What a
//! review came to decides the next date by FSRS-6; what was missed comes back the next day whatever
//! FSRS says, and once more at the end of its session ([`session`]). A belief that a learner was
//! sure of in a prediction, and the kernel refuted, brings the questions about it back 1 and 6 days
//! later too; how sure somebody is of a quiz item is not asked, so nothing else is known to be a
//! confident error. Days are local ones, counted from 1970-01-01, and end at midnight.

pub mod listing;
pub mod session;

use std::collections::VecDeque;

use super::fsrs::{Grade, Memory};
use super::progress::{LessonProgress, Progress, ReviewProgress, Round};
use super::proof::Asked;
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::Lesson;
use crate::curriculum::question::Question;

/// A local day, counted from 1970-01-01.
pub type Day = i64;

/// Questions asked in one day at most; those that come once more at the end of a session are not
/// counted.
pub const A_DAY: usize = 20;

/// From this confidence on, in percent, a wrong prediction is a confident error.
const SURE: u8 = 90;

/// How often a question is drawn at most until it differs from the last time.
const UNLIKE: u64 = 32;

/// After how many days a confident error comes back, whatever FSRS says.
const AFTER_A_CONFIDENT_ERROR: [Day; 2] = [1, 6];

/// A question that comes back.
#[derive(Clone, Debug)]
pub struct Card<'a> {
    /// Where it was learnt.
    pub lesson: &'a Lesson,
    /// The question.
    pub item: &'a Question,
    /// What FSRS knows of it; `None` before its first review.
    pub memory: Option<Memory>,
    /// The day of its last review.
    pub last: Option<Day>,
    /// The day from which on it is to be asked.
    pub due: Day,
    /// How often it was due and answered.
    pub times: u32,
    /// How often that answer was wrong.
    pub misses: u32,
    /// By what it was drawn last; `None` as its lesson shows it.
    pub drawn: Option<u64>,
}

/// All cards on one day.
#[derive(Clone, Debug)]
pub struct Deck<'a> {
    /// The day.
    pub today: Day,
    /// Every card, in the order of the path.
    pub cards: Vec<Card<'a>>,
    /// How many questions were asked today already.
    pub asked: usize,
}

/// The next day that has questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The day.
    pub day: Day,
    /// How many questions there will be, if none is answered before.
    pub questions: usize,
}

impl<'a> Deck<'a> {
    /// The cards of everything that was finished. `day_of` gives the local day of a moment in
    /// seconds since the epoch, of which `now` is the present one.
    pub fn new(
        curriculum: &'a Curriculum,
        progress: &Progress,
        now: i64,
        day_of: impl Fn(i64) -> Day,
    ) -> Self {
        let today = day_of(now);
        let mut cards = Vec::new();
        for lesson in curriculum.lessons() {
            let Some(known) = progress.lessons.get(&lesson.slug) else {
                continue;
            };
            let Some(finished) = known.finished_at else {
                continue;
            };
            let errors = confident_errors(lesson, known);
            for item in &lesson.quiz {
                let reviews = progress.reviews.get(&item.id.value);
                let reviews = reviews.map_or(&[][..], Vec::as_slice);
                let extra = errors
                    .iter()
                    .filter(|error| is_about(item, error.misconception))
                    .flat_map(|error| {
                        let day = day_of(error.at);
                        AFTER_A_CONFIDENT_ERROR.map(|after| day + after)
                    });
                let first = day_of(finished) + 1;
                cards.push(card(lesson, item, first, reviews, extra, &day_of));
            }
        }
        let asked = progress.reviews.values().flatten();
        let asked = asked
            .filter(|review| review.round == Round::Due && day_of(review.at) == today)
            .count();
        Self {
            today,
            cards,
            asked,
        }
    }

    /// What is to be asked today, in that order: what has waited longest goes first when there is
    /// more than a day takes, and modules take turns. The same every time on one day.
    pub fn due(&self) -> Vec<&Card<'a>> {
        let mut due: Vec<&Card<'a>> = self.overdue().collect();
        let seed = self.today as u64;
        due.sort_by_key(|card| (card.due, scatter(seed, &card.item.id.value)));
        due.truncate(A_DAY.saturating_sub(self.asked));
        due.sort_by_key(|card| scatter(seed, &card.item.id.value));
        taking_turns(due)
    }

    /// How many are due beyond what a day takes: they wait until tomorrow.
    pub fn waiting(&self) -> usize {
        let room = A_DAY.saturating_sub(self.asked);
        self.overdue().count().saturating_sub(room)
    }

    /// The next day after today that has questions; `None` when there are no cards but today's.
    pub fn upcoming(&self) -> Option<Upcoming> {
        let waiting = self.waiting();
        let later = self.cards.iter().map(|card| card.due);
        let next = later.filter(|&due| due > self.today).min();
        let day = if waiting > 0 { self.today + 1 } else { next? };
        let due = |card: &&Card<'_>| card.due > self.today && card.due <= day;
        let questions = waiting + self.cards.iter().filter(due).count();
        Some(Upcoming {
            day,
            questions: questions.min(A_DAY),
        })
    }

    fn overdue(&self) -> impl Iterator<Item = &Card<'a>> {
        self.cards.iter().filter(|card| card.due <= self.today)
    }
}

impl<'a> Card<'a> {
    /// The question as it is asked now, and by what it was drawn: another seed and another order of
    /// answers each time, and where something is drawn, other values than the last time.
    pub fn asked(&self, round: Round) -> (Asked<'a>, u64) {
        let time = u64::from(self.times) * 2;
        let due = self.unlike(time, self.drawn);
        match round {
            Round::Due => due,
            Round::OnceMore => self.unlike(time + 1, Some(due.1)),
        }
    }

    /// The question for a time, drawn unlike before if it can be.
    fn unlike(&self, time: u64, before: Option<u64>) -> (Asked<'a>, u64) {
        let draw = |attempt: u64| {
            let seed = time | (attempt << 32);
            (Asked::alone(self.item, Some(seed)), seed)
        };
        if self.item.draws.is_empty() {
            return draw(0);
        }
        let before = Asked::alone(self.item, before).names;
        let mut draws = (0..UNLIKE).map(draw);
        let unlike = draws.find(|(asked, _)| asked.names != before);
        unlike.unwrap_or_else(|| draw(0))
    }

    /// The day it comes back when it is answered so today.
    pub fn due_after(&self, grade: Grade, today: Day) -> Day {
        match grade {
            Grade::Again => today + 1,
            Grade::Good => {
                today + Day::from(remembered(self.memory, grade, self.last, today).interval())
            }
        }
    }

    /// How probable it is that it is answered right today; `None` before its first review.
    pub fn recall(&self, today: Day) -> Option<f64> {
        Some(self.memory?.recall(days_between(self.last?, today)))
    }
}

/// A prediction that somebody was sure of and the kernel refuted.
#[derive(Clone, Copy, Debug)]
struct ConfidentError<'a> {
    at: i64,
    misconception: &'a str,
}

fn confident_errors<'a>(lesson: &'a Lesson, known: &LessonProgress) -> Vec<ConfidentError<'a>> {
    let parts = lesson.experiment.iter().flat_map(|plan| &plan.parts);
    let predictions = parts.flat_map(|part| &part.predictions);
    predictions
        .filter_map(|prediction| {
            let made = known.predictions.get(&prediction.id)?;
            let sure = made.confidence.is_some_and(|percent| percent >= SURE);
            let option = prediction.options.get(made.option as usize)?;
            (sure && made.agreed == Some(false)).then_some(ConfidentError {
                at: made.at,
                misconception: &option.misconception.as_ref()?.value,
            })
        })
        .collect()
}

/// Whether one of an item's wrong answers comes from this misconception.
fn is_about(item: &Question, misconception: &str) -> bool {
    let mut named = item.form.misconceptions();
    named.any(|named| named.value == misconception)
}

fn card<'a>(
    lesson: &'a Lesson,
    item: &'a Question,
    first: Day,
    reviews: &[ReviewProgress],
    extra: impl Iterator<Item = Day>,
    day_of: impl Fn(i64) -> Day,
) -> Card<'a> {
    let mut card = Card {
        lesson,
        item,
        memory: None,
        last: None,
        due: first,
        times: 0,
        misses: 0,
        drawn: None,
    };
    let mut missed = None;
    for review in reviews {
        let day = day_of(review.at);
        let grade = if review.right {
            Grade::Good
        } else {
            Grade::Again
        };
        let memory = remembered(card.memory, grade, card.last, day);
        if grade == Grade::Again {
            missed = Some(day);
        }
        let days = if missed == Some(day) {
            1
        } else {
            memory.interval()
        };
        card.due = day + Day::from(days);
        card.memory = Some(memory);
        card.last = Some(day);
        card.drawn = review.kept.seed;
        if review.round == Round::Due {
            card.times += 1;
            card.misses += u32::from(!review.right);
        }
    }
    let last = card.last;
    let sooner = extra.filter(|&day| day >= first && last.is_none_or(|last| day > last));
    card.due = sooner.fold(card.due, Day::min);
    card
}

fn remembered(memory: Option<Memory>, grade: Grade, last: Option<Day>, day: Day) -> Memory {
    match (memory, last) {
        (Some(memory), Some(last)) => memory.reviewed(grade, days_between(last, day)),
        _ => Memory::first(grade),
    }
}

/// Days from one to another; none when the clock was set back.
fn days_between(from: Day, to: Day) -> u32 {
    u32::try_from(to.saturating_sub(from).max(0)).unwrap_or(u32::MAX)
}

/// Puts cards so that two of one module follow each other only where nothing else is left.
fn taking_turns<'c, 'a>(cards: Vec<&'c Card<'a>>) -> Vec<&'c Card<'a>> {
    let mut modules: Vec<(&str, VecDeque<&'c Card<'a>>)> = Vec::new();
    for card in cards {
        let slug = card.lesson.module.as_str();
        match modules.iter_mut().find(|(module, _)| *module == slug) {
            Some((_, cards)) => cards.push_back(card),
            None => modules.push((slug, VecDeque::from([card]))),
        }
    }
    let mut out: Vec<&'c Card<'a>> = Vec::new();
    loop {
        let last = out.last().map(|card| card.lesson.module.as_str());
        // Of those that have most left the first, and the module just asked only when it is alone.
        let best = modules
            .iter_mut()
            .rev()
            .filter(|(_, cards)| !cards.is_empty())
            .max_by_key(|(module, cards)| (Some(*module) != last, cards.len()));
        match best.and_then(|(_, cards)| cards.pop_front()) {
            Some(card) => out.push(card),
            None => return out,
        }
    }
}

/// A number that a seed and a name give every time, and that looks like any other.
fn scatter(seed: u64, name: &str) -> u64 {
    // FNV-1a, then the last steps of SplitMix64.
    let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;
