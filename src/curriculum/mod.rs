//! What is taught: typed, validated, with places for every mistake.
//!
//! Everything a learner reads lives in `curriculum/` and `exercises/`; this room turns those files
//! into values and knows nothing of screens, probes, programs or progress. Loading finds all
//! mistakes of all files at once.

pub mod claim;
pub mod correction;
pub mod dice;
pub mod exercise;
pub mod expression;
pub mod glossary;
pub mod guidance;
pub mod lesson;
mod load;
pub mod manual;
pub mod misconception;
pub mod model;
pub mod module;
pub mod pages;
pub mod path;
pub mod problem;
pub mod project;
pub mod question;
pub mod quick_reference;
pub mod reader;
pub mod scenario;
pub mod schema;
pub mod services;
pub mod source;
pub mod staged;
pub mod task;

pub use load::{Curriculum, LoadError};
