//! The model against Linux: the same calls to both, and what they answer compared.
//!
//! [`generator`] makes calls up, [`linux`] has this process make them, [`compare`] says whether two
//! answers are the same, [`sequence`] runs a list of calls, [`shrink`] makes it as short as it can be,
//! [`topic`] says which calls are drawn, [`verify`] goes on until time is over, in a process of its own
//! ([`role`]) that [`session`] starts; what it found is a [`verification`]. [`agents`] are several
//! processes, [`performance`] has them make the calls of a script, one program at a time
//! ([`turnstile`]), [`play`] those that somebody types. What Linux is set to is measured first, in
//! [`measured`].
//!
//! [`examine`] compares a kernel that somebody else wrote, which [`candidate`] talks to, in a child
//! process that [`apart`] starts.

pub mod agents;
pub mod apart;
mod asleep;
pub mod candidate;
pub mod compare;
pub mod dice;
pub mod examine;
pub mod generator;
pub mod linux;
pub mod measured;
pub mod performance;
pub mod play;
pub mod report;
pub mod role;
pub mod sequence;
pub mod session;
pub mod shrink;
pub mod topic;
pub mod turnstile;
pub mod verification;
pub mod verify;
