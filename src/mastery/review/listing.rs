//! What programs are told: `review --json`, and a line of `review --export`. Dates are local days,
//! moments are seconds since the epoch.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Card, Deck};
use crate::curriculum::Curriculum;
use crate::curriculum::question::Question as Item;
use crate::json_schema;
use crate::mastery::progress::{Progress, ReviewProgress, Round};
use crate::mastery::proof::Asked;
use crate::sys::calendar::date_of;

/// The name of what `review --json` prints.
const DUE: &str = "ipc-mastery/review/1";

/// The name of a line of `review --export`.
const ANSWER: &str = "ipc-mastery/review-answer/1";

/// What `review --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Listing {
    /// The name and version of this form.
    pub schema: &'static str,
    /// The local date.
    pub today: String,
    /// How many questions are to be asked today.
    pub due: u32,
    /// How many more are due, and wait until tomorrow because a day takes no more.
    pub waiting: u32,
    /// How many were asked today already.
    pub asked_today: u32,
    /// How many questions come back at all.
    pub cards: u32,
    /// The next date after today that has questions.
    pub next: Option<Next>,
    /// What is to be asked today, in that order.
    pub questions: Vec<Question>,
}

/// The next date that has questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Next {
    /// The local date.
    pub date: String,
    /// How many questions there will be then, if none is answered before.
    pub questions: u32,
}

/// A question that is due.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Question {
    /// The quiz item's id.
    pub item: String,
    /// The slug of its lesson.
    pub lesson: String,
    /// The slug of its module.
    pub module: String,
    /// What kind of question it is: `choice`, `two-tier`, `order`, `match`, `number` or
    /// `identifier`.
    pub kind: &'static str,
    /// The question, in markdown, as it is drawn this time.
    pub prompt: String,
    /// The local date on which it became due.
    pub due: String,
    /// How often it was due and answered.
    pub times: u32,
    /// How often that answer was wrong.
    pub misses: u32,
    /// How probable it is that it is answered right now, by FSRS-6; `null` before its first review.
    pub recall: Option<f64>,
}

/// How much is due: what `path --json` says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many questions are to be asked today.
    pub due: u32,
    /// How many more are due, and wait until tomorrow because a day takes no more.
    pub waiting: u32,
    /// The next date after today that has questions.
    pub next: Option<Next>,
}

/// A line of `review --export`: one answer given in a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported<'a> {
    /// The name and version of this form.
    pub schema: &'static str,
    /// The quiz item's id.
    pub item: &'a str,
    /// The slug of its lesson; `None` when it is taught no more.
    pub lesson: Option<&'a str>,
    /// The answer.
    pub answer: &'a ReviewProgress,
    /// The misconception behind it, if it is wrong, and was foreseen, and is taught still.
    pub misconception: Option<String>,
}

/// What is due, as `review --json` prints it.
pub fn of(deck: &Deck<'_>) -> Listing {
    let Summary { due, waiting, next } = summary(deck);
    let questions = deck.due().into_iter().map(|card| Question {
        item: card.item.id.value.clone(),
        lesson: card.lesson.slug.clone(),
        module: card.lesson.module.clone(),
        kind: card.item.form.word(),
        prompt: prompt(card),
        due: date_of(card.due),
        times: card.times,
        misses: card.misses,
        recall: card.recall(deck.today),
    });
    Listing {
        schema: DUE,
        today: date_of(deck.today),
        due,
        waiting,
        asked_today: deck.asked as u32,
        cards: deck.cards.len() as u32,
        next,
        questions: questions.collect(),
    }
}

/// How much is due.
pub fn summary(deck: &Deck<'_>) -> Summary {
    Summary {
        due: deck.due().len() as u32,
        waiting: deck.waiting() as u32,
        next: deck.upcoming().map(|next| Next {
            date: date_of(next.day),
            questions: next.questions as u32,
        }),
    }
}

/// Every answer given in a review, question by question, each with its oldest first.
pub fn exported<'a>(
    curriculum: &'a Curriculum,
    progress: &'a Progress,
) -> impl Iterator<Item = Exported<'a>> {
    progress.reviews.iter().flat_map(|(id, answers)| {
        let found = curriculum.lessons().find_map(|lesson| {
            let item = lesson.quiz.iter().find(|item| item.id.value == *id)?;
            Some((lesson, item))
        });
        answers.iter().map(move |answer| Exported {
            schema: ANSWER,
            item: id,
            lesson: found.map(|(lesson, _)| lesson.slug.as_str()),
            answer,
            misconception: found.and_then(|(_, item)| misconception(item, answer)),
        })
    })
}

/// The question of a card as it is drawn this time.
fn prompt(card: &Card<'_>) -> String {
    let (asked, _) = card.asked(Round::Due);
    let filled = asked.text(&card.item.prompt, &Value::Null);
    filled.unwrap_or_else(|_| card.item.prompt.clone())
}

/// The first misconception behind an answer to this item.
fn misconception(item: &Item, answer: &ReviewProgress) -> Option<String> {
    let asked = Asked::alone(item, answer.kept.seed);
    let given = asked.given(&answer.kept)?;
    let judged = asked.judge(&given, &Value::Null).ok()?;
    judged.notes.into_iter().find_map(|note| note.misconception)
}

/// The JSON Schema (draft 7) of what `review --json` prints.
pub fn schema() -> Value {
    json_schema::named::<Listing>("ipc-mastery review --json", DUE)
}
