//! What a peer answers to a deed.

use serde::{Deserialize, Serialize};

use super::Bytes;
use crate::curriculum::scenario::{Access, FileKind, Seal};
use crate::differential::examine::Disagreement;

/// What a peer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it went.
    pub result: DeedResult,
    /// The errno's name, when a call failed.
    pub errno: String,
    /// The call that failed, or that was waited in.
    pub call: String,
    /// Bytes sent on this connection so far.
    pub sent: u64,
    /// Bytes received on this connection so far.
    pub received: u64,
    /// Bytes that were due when the deed began.
    pub due: u64,
    /// How many of the bytes received in this deed are as they must be.
    pub same: u64,
    /// Where the first NUL is in the bytes due, if there is one.
    pub first_nul: Option<u64>,
    /// Descriptors attached on this connection so far.
    pub descriptors_sent: u64,
    /// Where in the bytes due those are that came in their place, if they are there.
    pub found_at: Option<u64>,
    /// What was measured of the program's queue.
    pub queue: Queue,
    /// A window of the bytes due, around the first difference.
    pub window_due: Bytes,
    /// The window of the bytes received at the same place.
    pub window_received: Bytes,
    /// Offset of the windows in the bytes due.
    pub window_at: u64,
    /// The process at the other end, as recorded at listen (SO_PEERCRED).
    pub server: Option<Credentials>,
    /// Who this peer is.
    pub me: Credentials,
    /// Inode of the pipe passed last.
    pub pipe_inode: u64,
    /// Sockets that were made.
    pub made: Vec<Made>,
    /// What came of filters of frames.
    pub filters: FiltersSeen,
    /// The message that was read last.
    pub message: MessageSeen,
    /// The descriptor that was looked at last.
    pub descriptor: DescriptorSeen,
    /// The datagram that was read as it came.
    pub datagram: Bytes,
    /// Where a stream of frames was cut.
    pub cut: CutSeen,
    /// How often the same was asked.
    pub asked: AskedSeen,
    /// Where the program, as a kernel, parts from Linux.
    pub disagreement: Option<Disagreement>,
    /// The connection that all this is about.
    pub connection: String,
    /// Inode of its socket, at our end.
    pub inode: u64,
    /// Another connection on which bytes have come and were not read; empty: none.
    pub elsewhere: String,
    /// The connection on which the wrong bytes that came had been sent; empty: none.
    pub stray: String,
    /// When it was over.
    pub at_us: u64,
}

/// A socket that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its inode (fstat(2)).
    pub inode: u64,
}

/// What the program has sent on a connection and we have not read. It is measured at our end and
/// in the kernel's tables; the program is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Bytes that wait to be read (SIOCINQ).
    pub bytes: u64,
    /// Those, and all that were read: what the kernel has taken from the program.
    pub taken: u64,
    /// Kernel memory of what waits, as the program's SIOCOUTQ would tell, in bytes.
    pub memory: u64,
    /// The limit of that, in bytes: while `memory` is less, a call that sends is taken. 0 when the
    /// program does not have its end open.
    pub limit: u64,
    /// Whether the program has closed its end.
    pub closed: bool,
}

/// A message, as recvmsg(2) gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSeen {
    /// Whether one came.
    pub came: bool,
    /// Its bytes; of a longer one as many as were asked for.
    pub bytes: u64,
    /// Whether it was longer than what is due (MSG_TRUNC).
    pub longer: bool,
    /// Descriptors that came with it.
    pub descriptors: u64,
    /// Whether descriptors had no room (MSG_CTRUNC).
    pub control_cut: bool,
    /// The sender's name, as /proc/net/unix would show it; empty: it has none.
    pub from: Bytes,
    /// Whether that is the program's address.
    pub from_program: bool,
}

/// A descriptor that came, as fstat(2), fcntl(2) and lseek(2) tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptorSeen {
    /// What kind of file.
    pub file: FileKind,
    /// How it is open.
    pub access: Access,
    /// Where its offset stood, in bytes; `None`: it has none.
    pub offset: Option<u64>,
    /// The seals of a memfd.
    pub seals: Vec<Seal>,
    /// Device and inode.
    pub file_id: (u64, u64),
    /// Whether it is the network namespace that the peer itself is in.
    pub own_namespace: bool,
}

/// What came of the filters of frames behind a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiltersSeen {
    /// Connections that were made.
    pub connections: u64,
    /// Frames that were sent whole on them, as a right filter counts.
    pub frames: u64,
    /// Whether one of the filters did other than a right one.
    pub shown: bool,
}

/// Where a stream of frames stopped being what it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutSeen {
    /// Whole frames before that.
    pub frames: u64,
    /// Bytes of a frame that was begun there.
    pub inside: u64,
    /// Whether all frames came.
    pub all: bool,
}

/// What came of asking again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedSeen {
    /// How often it was asked.
    pub times: u64,
    /// How often the reply was a refusal.
    pub refused: u64,
}

/// Process, user and group (unix(7), struct ucred).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// How a deed went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeedResult {
    /// As it should.
    #[default]
    Done,
    /// The deadline passed.
    TimedOut,
    /// The stream ended too early.
    End,
    /// ECONNRESET.
    Reset,
    /// Other bytes came.
    Mismatch,
    /// More bytes came than were due.
    Extra,
    /// A call failed; see `errno`.
    Errno,
    /// The name is not the socket that became ready.
    Replaced,
    /// The right message, from somebody else.
    OtherSender,
    /// The right message, with other descriptors than it must have.
    OtherDescriptors,
    /// The program, as a kernel, answers otherwise than Linux.
    OtherAnswer,
    /// The deed makes no sense: a fault of the exercise.
    Fault,
}
