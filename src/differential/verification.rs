//! What `model verify` found, as data: rows of the catalogue, and calls made up by chance.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::report::Report;
use super::role::Difference;
use crate::json_schema;

/// Where more than one row in so many differs, nothing is compared further.
const TOO_MANY: usize = 50;

/// What was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verification {
    /// `ipc-mastery/model-verify/1`.
    pub schema: &'static str,
    /// The rows of the catalogue.
    pub rows: RowsRun,
    /// What chance found; null where so many rows differ that nothing was compared further.
    pub chance: Option<Chance>,
}

/// What the rows of the catalogue gave.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct RowsRun {
    /// How often each was played.
    pub played: BTreeMap<String, u64>,
    /// Those that this kernel answers otherwise, at least once.
    pub differ: Vec<RowDiffers>,
    /// Those that take several users, or root, where we are not root.
    pub skipped: BTreeSet<String>,
}

/// A row that this kernel answers otherwise.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RowDiffers {
    /// Which.
    pub row: String,
    /// The call.
    pub call: String,
    /// What the row says.
    pub says: String,
    /// What this kernel answers.
    pub answers: String,
}

/// What calls made up by chance gave.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Chance {
    /// The error that was put into the model on purpose; null: none.
    pub fault: Option<&'static str>,
    /// What one process did.
    pub one: Report,
    /// What several did, of different users; null where this user cannot start them, and where one
    /// process found a difference already.
    pub several: Option<Report>,
    /// Where the model and this kernel differ; null: nowhere.
    pub difference: Option<Difference>,
}

impl Verification {
    /// The name and version of its JSON form.
    pub const SCHEMA: &str = "ipc-mastery/model-verify/1";

    /// The JSON Schema of its JSON form.
    pub fn json_schema() -> Value {
        json_schema::named::<Self>("ipc-mastery model verify --json", Self::SCHEMA)
    }
}

impl RowsRun {
    /// One more.
    pub fn add(&mut self, row: String, differs: Option<[String; 3]>) {
        *self.played.entry(row.clone()).or_default() += 1;
        let known = self.differ.iter().any(|other| other.row == row);
        if let (Some([call, says, answers]), false) = (differs, known) {
            self.differ.push(RowDiffers {
                row,
                call,
                says,
                answers,
            });
        }
    }

    /// Whether so many differ that this is not the AF_UNIX of Linux.
    pub fn are_of_another_system(&self) -> bool {
        self.differ.len() * TOO_MANY > self.played.len()
    }

    /// How often the rows were played, each as often as this, once all are.
    pub fn passes(&self) -> u64 {
        self.played.values().copied().max().unwrap_or(1)
    }
}
