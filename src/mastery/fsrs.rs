//! FSRS-6: how long something is remembered, from when it was recalled and when it was not. Pure:
//! numbers in, numbers out; which questions are asked when is [`super::review`]'s.
//!
//! The formulas are the published ones ("The Algorithm", the wiki of open-spaced-repetition/fsrs4anki,
//! section FSRS-6; Ye, Su and Cao, *A Stochastic Shortest Path Algorithm for Optimizing Spaced
//! Repetition Scheduling*, KDD 2022), with their default parameters: one learner's few hundred
//! reviews are too few to fit others. Of its four grades two are used, *again* and *good*; intervals
//! are whole days and are not blurred at random.

/// The default parameters of FSRS-6; the index is that of the formulas.
const W: [f64; 21] = [
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835,
    0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
];

/// How probable it shall be that a question is answered right when it is asked again.
pub const RETENTION: f64 = 0.9;

/// The shortest stability, in days.
const LEAST_STABILITY: f64 = 0.001;

/// The longest interval, in days.
const LONGEST: f64 = 36_500.0;

/// The grade *easy*: nobody gives it, but difficulty tends to what it would be after it.
const EASY: f64 = 4.0;

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Wrong.
    Again,
    /// Right.
    Good,
}

impl Grade {
    /// The grade's number in the formulas: 1 is the lowest of four.
    fn number(self) -> f64 {
        match self {
            Self::Again => 1.0,
            Self::Good => 3.0,
        }
    }
}

/// What FSRS knows of one question and one learner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Days after which it is recalled with a probability of 0.9.
    pub stability: f64,
    /// From 1 to 10.
    pub difficulty: f64,
}

impl Memory {
    /// After the first review.
    pub fn first(grade: Grade) -> Self {
        let stability = match grade {
            Grade::Again => W[0],
            Grade::Good => W[2],
        };
        Self {
            stability,
            difficulty: first_difficulty(grade.number()).clamp(1.0, 10.0),
        }
    }

    /// After another review, so many days after the one before; 0 is on the same day.
    #[must_use]
    pub fn reviewed(self, grade: Grade, days: u32) -> Self {
        let stability = if days == 0 {
            self.stability_on_the_same_day(grade)
        } else {
            let recall = self.recall(days);
            match grade {
                Grade::Again => self.stability_after_a_lapse(recall),
                Grade::Good => self.stability_after_a_recall(recall),
            }
        };
        Self {
            stability: stability.max(LEAST_STABILITY),
            difficulty: self.next_difficulty(grade),
        }
    }

    /// How probable it is that it is recalled so many days after the last review.
    pub fn recall(self, days: u32) -> f64 {
        (1.0 + factor() * f64::from(days) / self.stability).powf(-W[20])
    }

    /// After how many days to ask again: when recall has fallen to [`RETENTION`]; a day at least.
    pub fn interval(self) -> u32 {
        let days = self.stability / factor() * (RETENTION.powf(-1.0 / W[20]) - 1.0);
        days.round_ties_even().clamp(1.0, LONGEST) as u32
    }

    fn stability_on_the_same_day(self, grade: Grade) -> f64 {
        let growth = (W[17] * (grade.number() - 3.0 + W[18])).exp() * self.stability.powf(-W[19]);
        self.stability
            * match grade {
                Grade::Again => growth,
                Grade::Good => growth.max(1.0),
            }
    }

    fn stability_after_a_recall(self, recall: f64) -> f64 {
        let growth = W[8].exp()
            * (11.0 - self.difficulty)
            * self.stability.powf(-W[9])
            * (((1.0 - recall) * W[10]).exp() - 1.0);
        self.stability * (1.0 + growth)
    }

    fn stability_after_a_lapse(self, recall: f64) -> f64 {
        let lapsed = W[11]
            * self.difficulty.powf(-W[12])
            * ((self.stability + 1.0).powf(W[13]) - 1.0)
            * ((1.0 - recall) * W[14]).exp();
        lapsed.min(self.stability / (W[17] * W[18]).exp())
    }

    fn next_difficulty(self, grade: Grade) -> f64 {
        let change = -W[6] * (grade.number() - 3.0);
        let damped = self.difficulty + change * (10.0 - self.difficulty) / 9.0;
        let next = W[7] * first_difficulty(EASY) + (1.0 - W[7]) * damped;
        next.clamp(1.0, 10.0)
    }
}

fn first_difficulty(grade: f64) -> f64 {
    W[4] - (W[5] * (grade - 1.0)).exp() + 1.0
}

/// Makes recall 0.9 after as many days as the stability has.
fn factor() -> f64 {
    0.9_f64.powf(-1.0 / W[20]) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, theirs: f64) -> bool {
        (ours - theirs).abs() <= 1e-9 * theirs.abs()
    }

    fn after(memory: Option<Memory>, grade: Grade, days: u32) -> Memory {
        match memory {
            None => Memory::first(grade),
            Some(memory) => memory.reviewed(grade, days),
        }
    }

    #[test]
    fn every_review_of_the_reference_vectors_leads_to_the_same_memory_and_interval() {
        let vectors = include_str!("../../tests/fixtures/fsrs-6.txt");
        let mut memory = None;
        let mut compared = 0;
        for line in vectors.lines() {
            if line.starts_with('#') {
                memory = None;
                continue;
            }
            let fields: Vec<&str> = line.split(' ').collect();
            let [days, grade, stability, difficulty, interval] = fields[..] else {
                panic!("{line}");
            };
            let grade = match grade {
                "again" => Grade::Again,
                "good" => Grade::Good,
                other => panic!("{other}"),
            };
            let now = after(memory, grade, days.parse().unwrap());
            assert!(
                close(now.stability, stability.parse().unwrap()),
                "{line}: {now:?}"
            );
            assert!(
                close(now.difficulty, difficulty.parse().unwrap()),
                "{line}: {now:?}"
            );
            assert_eq!(now.interval(), interval.parse::<u32>().unwrap(), "{line}");
            memory = Some(now);
            compared += 1;
        }
        assert_eq!(compared, 142);
    }

    /// The published vector of fsrs-rs (`src/inference.rs`) and ts-fsrs (`FSRS-6.test.ts`, "memory
    /// state\[short-term\]").
    #[test]
    fn the_memory_state_is_that_of_the_other_implementations_tests() {
        use Grade::{Again, Good};
        let reviews = [
            (Again, 0),
            (Good, 0),
            (Good, 1),
            (Good, 3),
            (Good, 8),
            (Good, 21),
        ];
        let memory = reviews
            .into_iter()
            .fold(None, |memory, (grade, days)| {
                Some(after(memory, grade, days))
            })
            .unwrap();
        assert!((memory.stability - 53.626_91).abs() < 1e-4, "{memory:?}");
        assert!((memory.difficulty - 6.357_486_7).abs() < 1e-4, "{memory:?}");
    }

    /// The published vector of ts-fsrs (`FSRS-6.test.ts`, "ivl_history"); py-fsrs 6.3.2 gives the
    /// same. Its intervals of 0 days are steps of minutes, which we have none of: there only the
    /// memory is carried on.
    #[test]
    fn the_intervals_are_those_of_another_implementations_test() {
        let lapses = [6, 7];
        let theirs = [0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21];
        let mut memory = None;
        let mut days = 0;
        for (place, interval) in theirs.into_iter().enumerate() {
            let grade = if lapses.contains(&place) {
                Grade::Again
            } else {
                Grade::Good
            };
            let now = after(memory, grade, days);
            if interval > 0 {
                assert_eq!(now.interval(), interval, "review {place}");
            }
            memory = Some(now);
            days = interval;
        }
    }

    #[test]
    fn a_question_is_asked_again_when_recall_has_fallen_to_the_wanted_retention() {
        let mut memory = Memory::first(Grade::Good);
        for _ in 0..6 {
            let days = memory.interval();
            assert!((memory.recall(days) - RETENTION).abs() < 0.02, "{memory:?}");
            assert!(memory.recall(days + 30) < memory.recall(days));
            memory = memory.reviewed(Grade::Good, days);
        }
        assert!((memory.recall(0) - 1.0).abs() < f64::EPSILON);
    }
}
