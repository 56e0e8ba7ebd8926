//! From plain data to something a person reads: text with roles, and from there to a terminal.

pub mod ansi;
pub mod claims;
pub mod doctor;
pub mod experiment;
pub mod highlight;
pub mod lesson;
pub mod listing;
pub mod markdown;
pub mod model;
pub mod model_play;
pub mod model_verify;
pub mod pages;
pub mod probe;
pub mod problem;
pub mod review;
pub mod task;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod verdict;
