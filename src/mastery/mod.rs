//! What the learner knows: progress that survives, and where it stands on the path.
//!
//! [`store`] remembers (SQLite, several processes at once), [`progress`] is what it remembers as
//! plain data, [`path`] compares that with the curriculum, [`review`] tells which questions to ask
//! again and when, by [`fsrs`], [`proof`] draws tasks and judges answers to them, [`look`] sees what
//! live ones are about, [`evidence`] tells which outcomes are held, [`project`] how far a project is.
//! Nothing here draws, asks or judges: a verdict comes from [`crate::check`], and only one that says it
//! is evidence counts as passed.

pub mod clock;
pub mod evidence;
pub mod fsrs;
pub mod location;
pub mod look;
pub mod path;
pub mod progress;
pub mod project;
pub mod proof;
pub mod review;
pub mod store;
