//! The grader: finds, builds and runs a learner's program, talks to it, and says what it saw.
//!
//! It judges what the kernel can show and never reads source. What is judged is data
//! ([`crate::curriculum::exercise`]); what was found is data too ([`verdict`]). Drawing it is
//! [`crate::render`]'s, remembering it [`crate::mastery`]'s.

pub mod marker;
pub mod verdict;
