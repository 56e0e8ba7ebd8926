//! What was done, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::row::Row;

/// What was done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// What chance was started with.
    pub seed: u64,
    /// Calls that were compared.
    pub calls: u64,
    /// Sequences they were made in.
    pub sequences: u64,
    /// Sequences that ended early, because there was garbage.
    pub garbage: u64,
    /// How long it took.
    pub time: Duration,
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

    /// Adds what a sequence reached.
    pub fn add_rows(&mut self, rows: &[u64]) {
        for (sum, more) in self.counts.iter_mut().zip(rows) {
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
        self.calls as f64 / self.time.as_secs_f64().max(1e-9)
    }
}
