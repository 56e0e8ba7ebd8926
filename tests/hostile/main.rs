//! The grader against programs that would take the machine, or the grader itself, down: it
//! survives, names the cause, and nothing of them is left. Each runs in a pid namespace of its own.
//!
//! What a program may use is `limits`; what it leaves is `leaving`; what it does to the grader is
//! `attacks`; what happens to the grader from outside is `blows`.

mod attacks;
mod blows;
mod cage;
mod leaving;
mod limits;
