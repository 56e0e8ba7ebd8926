//! `prove`, and what tasks, reviews and programs together come to: outcomes that are held. A learner
//! here knows every answer from the curriculum's files, reads questions as they are printed, and has
//! nothing but the program, on days of a simulated clock. Others only guess.

#[path = "../asked/mod.rs"]
mod asked;
#[path = "../home/mod.rs"]
mod home;
#[path = "../terminal/mod.rs"]
mod terminal;

mod asking;
mod guesser;
mod knowing;
mod learner;
mod solving;
mod tasks;
