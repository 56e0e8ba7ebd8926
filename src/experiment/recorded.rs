//! Runs that were recorded on another machine, for those that forbid what an experiment needs. What
//! is shown then says so: the observation has what is lacking and where it comes from, and claims
//! about it are not judged.

use serde_json::Value;

use super::Failure;
use super::stage::Stage;

/// Where a run was recorded, and by whom, as a clause that can stand in a sentence.
pub(super) const BY_A_USER: &str = "a run recorded on Linux 6.18.44 by an ordinary user";
/// The same.
pub(super) const BY_ROOT: &str = "a run recorded on Linux 6.18.44 by root";

/// A call of a recorded run: who made it, the call, what it gave.
pub(super) type Line = (&'static str, &'static str, &'static str);

/// One part of a recorded run.
pub(super) struct Part {
    /// `a`, `b`, …
    pub(super) id: &'static str,
    /// [`BY_A_USER`] or [`BY_ROOT`].
    pub(super) source: &'static str,
    /// Its calls, in order.
    pub(super) lines: &'static [Line],
    /// Which of them decides, counted from 0.
    pub(super) decisive: usize,
    /// What was seen.
    pub(super) seen: Value,
}

/// Makes the run, or shows the recorded one where this machine lacks something.
pub(super) fn or_recorded(
    stage: &mut Stage,
    live: impl FnOnce(&mut Stage) -> Result<Value, Failure>,
    recorded: impl FnOnce() -> Vec<Part>,
) -> Result<Value, Failure> {
    // Written down apart, so that no half of a run is shown.
    let mut tried = Stage::default();
    match live(&mut tried) {
        Err(Failure::Lacking(what)) => Ok(show(stage, &what, recorded())),
        Ok(seen) => {
            stage.append(tried);
            Ok(seen)
        }
        Err(failure) => Err(failure),
    }
}

fn show(stage: &mut Stage, lacking: &str, parts: Vec<Part>) -> Value {
    let mut seen = serde_json::Map::new();
    for part in parts {
        stage.part(part.id);
        for (index, (who, call, result)) in part.lines.iter().enumerate() {
            stage.note(&format!("{who}, recorded"), call, result);
            if index == part.decisive {
                stage.mark();
            }
        }
        let mut told = part.seen;
        told["lacking"] = lacking.into();
        told["source"] = part.source.into();
        seen.insert(part.id.to_owned(), told);
    }
    Value::Object(seen)
}
