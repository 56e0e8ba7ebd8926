//! The model kernel: AF_UNIX as Linux does it, so far as a program can tell, as values and functions.
//!
//! No input, no output, no clock, no chance: the same calls give the same events. It says what Linux
//! *would* answer; [`crate::differential`] asks Linux and compares. Shapes and names are those of the
//! kernel (`sk_shutdown` is [`socket::Socket::shutdown`], a connection that nobody has accepted is an
//! embryo), so that who reads this can go on in `net/unix/af_unix.c`.
//!
//! Not modelled: urgent data, splice, pidfds, SO_PEEK_OFF, memory pressure, labels of security
//! modules. A call that sleeps is kept, and made to go on by whoever runs the model.

pub mod address;
pub mod call;
pub mod catalogue;
pub mod epoll;
pub mod event;
pub mod fault;
pub mod file;
pub mod guess;
pub mod id;
pub mod kernel;
pub mod moment;
pub mod outcome;
pub mod row;
pub mod run;
pub mod script;
pub mod settings;
pub mod sleeper;
pub mod socket;
mod syscall;
pub mod tree;
pub mod truesize;
