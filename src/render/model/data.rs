//! A run of the model as data, for programs: what `model step --json` prints.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::call::{self, Written};
use super::event;
use crate::curriculum::model::Rows;
use crate::json_schema;
use crate::model::event::Event;
use crate::model::run::{self, Run};

/// A script, call by call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Steps {
    /// `ipc-mastery/model-step/1`.
    pub schema: &'static str,
    /// Its calls, in the order of the script.
    pub steps: Vec<Step>,
}

/// A call, and what it did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Step {
    /// The line of the script, from 1 on.
    pub line: usize,
    /// The call as a script has it: `A: send 3 "hello"`.
    pub call: String,
    /// The same in the notation of C, with what came back; null where nobody calls anything.
    pub written: Option<String>,
    /// What came back, as a script has it; null where nothing did.
    pub outcome: Option<String>,
    /// Whether that is what the script says, where it says anything.
    pub as_expected: bool,
    /// What happened, in this order.
    pub events: Vec<Happened>,
}

/// An event, and what it says. Numbers of things are those of the model: none is used twice in a
/// run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Happened {
    /// The event.
    pub event: Event,
    /// The same as a sentence.
    pub says: String,
    /// Where the reason of a refusal is written; null where nothing was refused.
    pub reference: Option<String>,
}

impl Steps {
    /// The name and version of its JSON form.
    pub const SCHEMA: &str = "ipc-mastery/model-step/1";

    /// All steps of a run.
    pub fn of(run: &Run, rows: &Rows) -> Self {
        Self {
            schema: Self::SCHEMA,
            steps: run
                .steps()
                .iter()
                .map(|step| Step::of(step, rows))
                .collect(),
        }
    }

    /// The JSON Schema of its JSON form.
    pub fn json_schema() -> Value {
        json_schema::named::<Self>("ipc-mastery model step --json", Self::SCHEMA)
    }
}

impl Step {
    fn of(step: &run::Step, rows: &Rows) -> Self {
        let made = step.made.as_ref().zip(step.outcome.as_ref());
        let events = step.events.iter().map(|event| Happened {
            says: event::sentence(event, rows),
            reference: super::why(event, rows).map(|why| why.reference.clone()),
            event: event.clone(),
        });
        Self {
            line: step.line.number,
            call: step.line.action.to_string(),
            written: made.map(|((_, call), outcome)| {
                let Written { call, result } = call::written(call, outcome);
                format!("{call} {result}")
            }),
            outcome: step.outcome.as_ref().map(|outcome| format!("{outcome:#}")),
            as_expected: step.is_as_expected(),
            events: events.collect(),
        }
    }
}
