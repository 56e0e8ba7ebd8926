//! What was done, in numbers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sequence::Pair;
use crate::model::row::Row;

/// What was done.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// What chance was started with.
    pub seed: u64,
    /// Calls that were compared.
    pub calls: u64,
    /// Sequences they were made in.
    pub sequences: u64,
    /// Sequences that ended early, because there was garbage.
    pub garbage: u64,
    /// Calls that slept while other processes went on.
    pub slept: u64,
    /// How many of them another process woke; the others were ended by a signal.
    pub woken: u64,
    /// Sequences that ended early, because two processes would have run at once.
    pub raced: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How often each row of the catalogue decided something.
    pub rows: BTreeMap<String, u64>,
    #[serde(skip)]
    counts: Vec<u64>,
}

impl Report {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            counts: vec![0; Row::COUNT],
            ..Self::default()
        }
    }

    /// Adds what a sequence reached, except its calls.
    pub fn add(&mut self, pair: &Pair) {
        self.sequences += 1;
        self.slept += pair.slept;
        self.woken += pair.woken;
        for (sum, more) in self.counts.iter_mut().zip(pair.kernel.rows()) {
            *sum += more;
        }
    }

    /// With the rows by name.
    pub fn named(mut self) -> Self {
        let reached = self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        self.rows = reached
            .map(|(index, count)| (Row::at(index).to_string(), *count))
            .collect();
        self
    }

    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        self.calls as f64 / self.seconds.max(1e-9)
    }
}
