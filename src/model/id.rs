//! Numbers of things in the model. None is used twice in one run, so that a picture can follow a
//! thing through its whole life.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl $name {
            /// Its place among its like.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A process.
    Pid,
    "process "
);
id!(
    /// An open file description: what open(2) calls the thing that descriptors refer to.
    FileId,
    "file "
);
id!(
    /// A socket.
    SockId,
    "socket "
);
id!(
    /// A buffer in a queue: `struct sk_buff`.
    SkbId,
    "buffer "
);
id!(
    /// A pipe.
    PipeId,
    "pipe "
);
id!(
    /// A set of epoll(7).
    EpollId,
    "epoll "
);
id!(
    /// A node of the file system.
    NodeId,
    "node "
);
