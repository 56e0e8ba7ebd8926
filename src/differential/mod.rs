//! The model against Linux: the same calls to both, and what they answer compared.
//!
//! [`generator`] makes calls up, [`linux`] has this process make them, [`compare`] says whether two
//! answers are the same, [`sequence`] runs a list of calls and makes it as short as it can be,
//! [`verify`] goes on until time is over, in a process of its own ([`role`]) that
//! [`session`] starts. [`agents`] plays scripts of several processes. What Linux is set to is
//! measured first, in [`measured`]. [`play`] has calls made one by one, as somebody types them.

pub mod agents;
pub mod compare;
pub mod dice;
pub mod generator;
pub mod linux;
pub mod measured;
pub mod play;
pub mod report;
pub mod role;
pub mod sequence;
pub mod session;
pub mod verify;
