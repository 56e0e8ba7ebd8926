//! Bits and numbers of the kernel, by the names of its manual pages.

use nix::fcntl::SealFlag;
use nix::libc;

/// Names of bits.
fn names(bits: u64, table: &[(u64, &'static str)]) -> Vec<&'static str> {
    let set = table.iter().filter(|&&(bit, _)| bits & bit == bit);
    set.map(|&(_, name)| name).collect()
}

/// `EPOLL*`, but for `EPOLLERR` and `EPOLLHUP`, which the kernel always adds.
pub(super) fn epoll(events: u32) -> Vec<&'static str> {
    names(
        events.into(),
        &[
            (0x1, "EPOLLIN"),
            (0x2, "EPOLLPRI"),
            (0x4, "EPOLLOUT"),
            (0x40, "EPOLLRDNORM"),
            (0x80, "EPOLLRDBAND"),
            (0x100, "EPOLLWRNORM"),
            (0x200, "EPOLLWRBAND"),
            (0x400, "EPOLLMSG"),
            (0x2000, "EPOLLRDHUP"),
            (1 << 28, "EPOLLEXCLUSIVE"),
            (1 << 29, "EPOLLWAKEUP"),
            (EPOLLONESHOT, "EPOLLONESHOT"),
            (1 << 31, "EPOLLET"),
        ],
    )
}

const EPOLLONESHOT: u64 = 1 << 30;

/// `EP_PRIVATE_BITS` of fs/eventpoll.c: what stays of a watch that has fired with `EPOLLONESHOT`.
const EPOLL_PRIVATE: u64 = 0xf << 28;

/// Whether a watch has fired with `EPOLLONESHOT`, and is silent.
pub(super) fn epoll_spent(events: u32) -> bool {
    let events = u64::from(events);
    events & EPOLLONESHOT != 0 && events & !EPOLL_PRIVATE == 0
}

/// `IN_*` of inotify(7).
pub(super) fn inotify(mask: u32) -> Vec<&'static str> {
    const ALL: u32 = 0xfff;
    let mut rest = mask;
    let mut found = Vec::new();
    if mask & ALL == ALL {
        found.push("IN_ALL_EVENTS");
        rest &= !ALL;
    }
    found.extend(names(
        rest.into(),
        &[
            (0x1, "IN_ACCESS"),
            (0x2, "IN_MODIFY"),
            (0x4, "IN_ATTRIB"),
            (0x8, "IN_CLOSE_WRITE"),
            (0x10, "IN_CLOSE_NOWRITE"),
            (0x20, "IN_OPEN"),
            (0x40, "IN_MOVED_FROM"),
            (0x80, "IN_MOVED_TO"),
            (0x100, "IN_CREATE"),
            (0x200, "IN_DELETE"),
            (0x400, "IN_DELETE_SELF"),
            (0x800, "IN_MOVE_SELF"),
            (0x0400_0000, "IN_EXCL_UNLINK"),
            (0x8000_0000, "IN_ONESHOT"),
        ],
    ));
    found
}

/// `FAN_*` of fanotify_mark(2).
pub(super) fn fanotify(mask: u64) -> Vec<&'static str> {
    names(
        mask,
        &[
            (0x1, "FAN_ACCESS"),
            (0x2, "FAN_MODIFY"),
            (0x4, "FAN_ATTRIB"),
            (0x8, "FAN_CLOSE_WRITE"),
            (0x10, "FAN_CLOSE_NOWRITE"),
            (0x20, "FAN_OPEN"),
            (0x40, "FAN_MOVED_FROM"),
            (0x80, "FAN_MOVED_TO"),
            (0x100, "FAN_CREATE"),
            (0x200, "FAN_DELETE"),
            (0x400, "FAN_DELETE_SELF"),
            (0x800, "FAN_MOVE_SELF"),
            (0x1000, "FAN_OPEN_EXEC"),
            (0x8000, "FAN_FS_ERROR"),
            (0x1_0000, "FAN_OPEN_PERM"),
            (0x2_0000, "FAN_ACCESS_PERM"),
            (0x4_0000, "FAN_OPEN_EXEC_PERM"),
            (0x0800_0000, "FAN_EVENT_ON_CHILD"),
            (0x1000_0000, "FAN_RENAME"),
            (0x4000_0000, "FAN_ONDIR"),
        ],
    )
}

/// `F_SEAL_*` of fcntl(2).
pub(super) fn seals(seals: SealFlag) -> Vec<&'static str> {
    names(
        u64::from(seals.bits().cast_unsigned()),
        &[
            (0x1, "F_SEAL_SEAL"),
            (0x2, "F_SEAL_SHRINK"),
            (0x4, "F_SEAL_GROW"),
            (0x8, "F_SEAL_WRITE"),
            (0x10, "F_SEAL_FUTURE_WRITE"),
            (0x20, "F_SEAL_EXEC"),
        ],
    )
}

/// A clock of clock_gettime(2).
pub(super) fn clock(number: i32) -> String {
    let name = match number {
        libc::CLOCK_REALTIME => "CLOCK_REALTIME",
        libc::CLOCK_MONOTONIC => "CLOCK_MONOTONIC",
        libc::CLOCK_BOOTTIME => "CLOCK_BOOTTIME",
        libc::CLOCK_REALTIME_ALARM => "CLOCK_REALTIME_ALARM",
        libc::CLOCK_BOOTTIME_ALARM => "CLOCK_BOOTTIME_ALARM",
        other => return format!("clock {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_fired_once_has_only_its_flags_left() {
        assert_eq!(epoll(0xc000_0019), ["EPOLLIN", "EPOLLONESHOT", "EPOLLET"]);
        assert!(!epoll_spent(0xc000_0019));
        assert!(epoll_spent(0xc000_0000));
        assert!(!epoll_spent(0x8000_0000), "without EPOLLONESHOT");
    }

    #[test]
    fn all_events_have_one_name() {
        assert_eq!(inotify(0xfff), ["IN_ALL_EVENTS"]);
        assert_eq!(inotify(0x102), ["IN_MODIFY", "IN_CREATE"]);
    }

    #[test]
    fn clocks_and_seals_are_named_as_in_their_manual_pages() {
        assert_eq!(clock(1), "CLOCK_MONOTONIC");
        assert_eq!(clock(99), "clock 99");
        assert_eq!(
            seals(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SEAL),
            ["F_SEAL_SEAL", "F_SEAL_WRITE"]
        );
    }
}
