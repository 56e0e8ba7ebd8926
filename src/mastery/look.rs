//! What a live task is asked about: runs its experiment, or looks at this machine with its probe.
//! Beside the store the only place in this room that does something; what is drawn and judged is
//! [`super::proof`]'s.

use std::path::Path;

use serde_json::Value;

use super::proof::Proof;
use crate::curriculum::services::Catalogue;
use crate::curriculum::task::Live;
use crate::experiment::{self, ExperimentError, Observation};
use crate::probe::{self, ProbeError};

/// What is to be looked at for one try of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// An experiment is run.
    Experiment {
        /// Its name.
        name: String,
        /// Its parameters, drawn ones among them.
        params: serde_json::Map<String, Value>,
    },
    /// A probe looks, by name.
    Probe(String),
}

/// What was seen for a task.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What expressions and texts are over.
    pub obs: Value,
    /// The calls of the experiment, where one ran.
    pub observation: Option<Observation>,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The experiment did not run.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The probe saw nothing.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The task names a probe that there is not.
    #[error("there is no probe `{name}`")]
    UnknownProbe {
        /// The name.
        name: String,
    },
    /// What the probe saw cannot be written as JSON.
    #[error("what the probe saw cannot be written down")]
    Unwritable(#[source] serde_json::Error),
}

impl Look {
    /// What is to be looked at for this try; `None` for a task that asks about nothing live, or
    /// about a scene.
    pub fn of(proof: &Proof<'_>) -> Option<Self> {
        match proof.task.live.as_ref()? {
            Live::Experiment { name, .. } => Some(Self::Experiment {
                name: name.value.clone(),
                params: proof.params.clone(),
            }),
            Live::Probe(name) => Some(Self::Probe(name.value.clone())),
            // It stands as long as the task does, so whoever does the task keeps it.
            Live::Scene(_) => None,
        }
    }

    /// Looks. It takes as long as the experiment or the probe does.
    ///
    /// # Errors
    /// When the experiment cannot run here or the probe sees nothing.
    pub fn look(&self, catalogue: &Catalogue) -> Result<Seen, LookError> {
        match self {
            Self::Experiment { name, params } => {
                let seen = experiment::run(name, params, Path::new(experiment::OURSELVES))?;
                Ok(Seen {
                    obs: seen.obs.clone(),
                    observation: Some(seen),
                })
            }
            Self::Probe(name) => {
                let known = probe::Name::parse(name)
                    .ok_or_else(|| LookError::UnknownProbe { name: name.clone() })?;
                let seen = probe::collect(&known.into(), catalogue)?;
                Ok(Seen {
                    obs: serde_json::to_value(&seen).map_err(LookError::Unwritable)?,
                    observation: None,
                })
            }
        }
    }
}
