//! The grader: finds, builds and runs a learner's program, talks to it, and says what it saw.
//!
//! It judges what the kernel can show and never reads source. What is judged is data
//! ([`crate::curriculum::exercise`]); what was found is data too ([`verdict`]). Drawing it is
//! [`crate::render`]'s, remembering it [`crate::mastery`]'s.

mod arena;
mod blame;
mod bounds;
mod build;
mod bwrap;
pub mod cache;
pub mod cancel;
mod capture;
mod diagnose;
mod journal;
mod judge;
mod link;
pub mod lint;
mod listing;
pub mod locate;
pub mod marker;
pub mod observation;
mod patience;
mod payload;
pub mod peer;
mod prepare;
mod program;
mod protocol;
pub mod sanitizer;
mod second;
mod stage;
pub mod starter;
pub mod supervisor;
mod wording;

pub use judge::{AfterFailure, Again, CheckError, Containment, Progress, Request, run};
pub use program::Target;
mod trace;
pub mod verdict;
pub mod watch;
