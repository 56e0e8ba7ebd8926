//! Master Linux inter-process communication on your own running kernel.
//!
//! The rooms, and what each may know, are in `ARCHITECTURE.md`; `tests/architecture.rs` holds them
//! to it. Arrows run downwards in the order below: nothing knows anything above itself.

pub mod cli;
pub mod commands;

pub mod tui;

pub mod render;

pub mod mastery;

pub mod check;
pub mod experiment;
pub mod probe;

pub mod curriculum;

pub mod differential;
pub mod model;

pub mod sys;

pub mod exit_code;
pub mod json_schema;
pub mod untrusted;
