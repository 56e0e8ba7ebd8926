//! Somebody who knows nothing, a thousand times.

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::question::{Form, Sort};
use ipc_mastery::curriculum::task::{Kind, Task};
use ipc_mastery::mastery::evidence::ledger;
use ipc_mastery::mastery::progress::{
    Kept, LessonProgress, Progress, ProofProgress, ReviewProgress, Round,
};
use ipc_mastery::mastery::proof::{self, Given, Proof};
use ipc_mastery::mastery::review::Deck;
use serde_json::Value;

use super::asking::{DAY, MONDAY, curriculum};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }

    fn letters(&mut self, count: usize, among: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..among).collect();
        for last in (1..among).rev() {
            all.swap(last, self.below(last + 1));
        }
        all.truncate(count);
        all
    }
}

/// An answer in the right form by somebody who knows nothing, and takes numbers from the question.
fn guess(asked: &proof::Asked<'_>, dice: &mut Dice) -> Given {
    match &asked.question.form {
        Form::Choice { options, reasons } => {
            let reason = dice.below(reasons.len());
            Given::Chosen(
                dice.below(options.len()),
                (!reasons.is_empty()).then_some(reason),
            )
        }
        Form::Order { steps, traps } => {
            Given::Places(dice.letters(steps.len(), steps.len() + traps.len()))
        }
        Form::Match { purposes, ask, .. } => {
            Given::Places((0..*ask).map(|_| dice.below(purposes.len())).collect())
        }
        Form::Text(word) if word.sort == Sort::Number => {
            let wording = asked.wording(&Value::Null).unwrap();
            let prompt = wording.prompt.split(|one: char| !one.is_ascii_digit());
            let mut numbers: Vec<&str> = prompt.filter(|word| !word.is_empty()).collect();
            numbers.extend(["0", "1", "2"]);
            Given::Text(numbers[dice.below(numbers.len())].to_owned())
        }
        Form::Text(_) => Given::Text(format!("unix_{}", dice.below(1000))),
    }
}

/// A try at a task that counts: how many answers were right, of how many.
fn record(progress: &mut Progress, task: &Task, at: i64, (right, of): (u32, u32)) {
    let tried = ProofProgress {
        at,
        counts: true,
        right,
        of,
        passed: right == of,
    };
    let tries = progress.proofs.entry(task.slug.clone()).or_default();
    tries.push(tried);
}

/// Three weeks of somebody who reads everything on the first day, then guesses: every task of a
/// level once a day, and every question that is due.
fn guesser(curriculum: &Curriculum, seed: u64) -> Progress {
    let mut dice = Dice(seed);
    let mut progress = Progress::default();
    for lesson in curriculum.lessons() {
        let read = LessonProgress {
            first_read_at: Some(MONDAY),
            finished_at: Some(MONDAY),
            ..LessonProgress::default()
        };
        progress.lessons.insert(lesson.slug.clone(), read);
    }
    for day in 1..=21 {
        let now = MONDAY + day * DAY;
        for task in curriculum.tasks.iter().filter(|task| task.live.is_none()) {
            let proof = Proof::draw(task, seed.wrapping_mul(31).wrapping_add(day as u64));
            let right = proof.asked.iter().filter(|asked| {
                let given = guess(asked, &mut dice);
                proof.judge(asked, &given, &Value::Null).unwrap().right
            });
            let right = right.count() as u32;
            let of = proof.asked.len() as u32;
            record(&mut progress, task, now, (right, of));
        }
        // Who guesses what the kernel will do is right as often as the answers allow; a number is
        // guessed as one of six.
        for task in curriculum
            .tasks
            .iter()
            .filter(|task| task.kind == Kind::Variant)
        {
            let right = task.questions.iter().filter(|question| {
                let chances = match &question.form {
                    Form::Choice { options, reasons } => options.len() * reasons.len().max(1),
                    _ => 6,
                };
                dice.below(chances) == 0
            });
            let (right, of) = (right.count() as u32, task.questions.len() as u32);
            record(&mut progress, task, now, (right, of));
        }
        let due: Vec<(String, Kept, bool)> = {
            let deck = Deck::new(curriculum, &progress, now, |at| at.div_euclid(DAY));
            let cards = deck.due().into_iter();
            cards
                .map(|card| {
                    let (asked, seed) = card.asked(Round::Due);
                    let given = guess(&asked, &mut dice);
                    let right = asked.judge(&given, &Value::Null).unwrap().right;
                    let kept = asked.kept(&given, Some(seed));
                    (card.item.id.value.clone(), kept, right)
                })
                .collect()
        };
        for (item, kept, right) in due {
            let review = ReviewProgress {
                at: now,
                round: Round::Due,
                kept,
                right,
            };
            progress.reviews.entry(item).or_default().push(review);
        }
    }
    progress
}

#[test]
fn none_of_a_thousand_who_guess_for_three_weeks_reaches_level_1() {
    let curriculum = curriculum();
    let first = &curriculum.path.levels[0].outcomes;
    let mut most = 0;
    for seed in 0..1000 {
        let progress = guesser(&curriculum, seed);
        let held = first
            .iter()
            .filter(|outcome| ledger(&curriculum, outcome, &progress).held);
        most = most.max(held.count());
    }
    assert!(most < first.len() / 2, "{most} of {} outcomes", first.len());
}
