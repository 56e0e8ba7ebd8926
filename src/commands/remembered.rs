//! Progress for subcommands that show it and change nothing: where it cannot be read, they go on
//! without and say so.

use super::context::Context;
use crate::mastery::progress::Progress;
use crate::mastery::store::{Store, StoreError};

/// What is remembered; nothing when nothing was recorded yet. When it cannot be read, standard
/// error says why, and nothing is remembered for this run.
pub fn progress(context: &Context) -> Progress {
    let read = || -> Result<Progress, StoreError> {
        match Store::open_if_present()? {
            Some(store) => store.snapshot(),
            None => Ok(Progress::default()),
        }
    };
    read().unwrap_or_else(|error| {
        not_recorded(context, "your progress is not shown", &error);
        Progress::default()
    })
}

/// Says on standard error that progress could not be read or recorded, why, and what to do.
pub fn not_recorded(context: &Context, what: &str, error: &StoreError) {
    context.say(&format!("note: {what}: {error}"));
    if let Some(cause) = std::error::Error::source(error) {
        context.say(&format!("  cause: {cause}"));
    }
    context.say(&format!("  hint: {}", error.hint()));
}
