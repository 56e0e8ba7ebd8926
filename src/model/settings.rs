//! What differs between kernels and machines: limits, sizes, and details that came with a release.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;

/// How much memory a buffer takes that holds so many bytes: `skb->truesize`.
///
/// It depends on page size, allocator and release, so a kernel is asked and not computed; see
/// [`super::truesize`] for a table to use where none can be asked.
pub trait Truesize: Send + Sync {
    /// Of one piece of a stream.
    fn stream(&self, len: usize) -> u32;
    /// Of a datagram or a packet.
    fn packet(&self, len: usize) -> u32;
}

/// What a model kernel is set to.
#[derive(Clone)]
pub struct Settings {
    /// Sizes of buffers.
    pub truesize: Arc<dyn Truesize>,
    /// The most that one piece of a stream holds, in bytes.
    pub largest_piece: usize,
    /// `net.core.wmem_default`, in bytes.
    pub wmem_default: u32,
    /// `net.core.wmem_max`, in bytes.
    pub wmem_max: u32,
    /// What SO_SNDBUF is at least, in bytes: `SOCK_MIN_SNDBUF`.
    pub least_sndbuf: u32,
    /// `net.core.somaxconn`.
    pub somaxconn: u32,
    /// `net.unix.max_dgram_qlen`.
    pub max_dgram_qlen: u32,
    /// Bytes in a page.
    pub page: usize,
    /// What depends on the release.
    pub quirks: Quirks,
    /// An error that was put in on purpose, to see whether it is found.
    pub fault: Option<Fault>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("wmem_default", &self.wmem_default)
            .field("max_dgram_qlen", &self.max_dgram_qlen)
            .field("quirks", &self.quirks)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// Details that came with a release. They are found by asking the kernel, not by its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// A datagram socket tests last whether it is connected (row H40, from about 6.14 on).
    pub connected_is_tested_last: bool,
    /// One empty packet that was not read makes no reset (row I18, from about 6.16 on).
    pub an_empty_packet_makes_no_reset: bool,
    /// A set of epoll(7) has an ioctl(2) of its own, which refuses with another errno (row L26, from 6.9
    /// on).
    pub epoll_has_its_own_ioctl: bool,
    /// What waits for accept(2) has SO_PASSCRED if its listener had it when it connected (row E24, from
    /// about 6.16 on); before, if the listener has it when it is accepted.
    pub options_are_inherited_at_connect: bool,
    /// epoll_wait(2) looks at its descriptor before it looks at the number of events (row L26, from about
    /// 6.15 on).
    pub epoll_wait_looks_at_its_set_first: bool,
    /// A counter of eventfd(2) takes eight bytes and no more (row O17, from about 6.10 on); before, it took
    /// the first eight.
    pub counters_take_eight_bytes: bool,
    /// Files without a place in any tree, as those of eventfd(2) and epoll(7), have no mode that could be
    /// changed (row N17, from about 6.16 on).
    pub anonymous_files_have_no_mode: bool,
    /// Whether a datagram tells who sent it is settled before it waits for room (row H49, from about 6.17
    /// on).
    pub credentials_are_settled_before_waiting: bool,
}

impl Default for Settings {
    /// Linux 6.18 on x86-64 as it comes.
    fn default() -> Self {
        Self {
            truesize: Arc::new(super::truesize::Computed),
            largest_piece: 36_544,
            wmem_default: 212_992,
            wmem_max: 212_992,
            least_sndbuf: 4_608,
            somaxconn: 4_096,
            max_dgram_qlen: 10,
            page: 4_096,
            quirks: Quirks {
                connected_is_tested_last: true,
                an_empty_packet_makes_no_reset: true,
                epoll_has_its_own_ioctl: true,
                options_are_inherited_at_connect: true,
                epoll_wait_looks_at_its_set_first: true,
                counters_take_eight_bytes: true,
                anonymous_files_have_no_mode: true,
                credentials_are_settled_before_waiting: true,
            },
            fault: None,
        }
    }
}
