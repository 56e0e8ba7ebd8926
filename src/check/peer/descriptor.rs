//! Descriptors that came with a message: what kind of file each is, how it is open, and what it holds.
//! Looking changes nothing; only reading moves the offset.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use rustix::fs::{OFlags, SealFlags, SeekFrom, fcntl_get_seals, fcntl_getfl, seek};

use super::connection::{Connection, Stop, os_errno};
use super::message::{BEYOND, compare};
use crate::check::patience::Deadline;
use crate::check::protocol::{DeedResult, DescriptorSeen, Outcome};
use crate::curriculum::scenario::{Access, FileKind, Seal};
use crate::sys::nsfs;

impl Connection {
    /// Looks at a descriptor that came, and reads it to its end when that is wanted.
    pub(super) fn examine(
        &mut self,
        index: usize,
        holds: Option<&[u8]>,
        deadline: Deadline,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        let fault = || Stop::new(DeedResult::Fault, "find the descriptor");
        let passed = self.passed.get(index).ok_or_else(fault)?;
        outcome.descriptor = look_at(passed)?;
        let Some(holds) = holds else { return Ok(()) };
        outcome.due = holds.len() as u64;
        let mut came = Vec::new();
        let ended = read_to_end(passed, holds.len() + BEYOND, deadline, &mut came);
        let differs = compare(&came, holds, outcome);
        ended?;
        differs.map_or(Ok(()), |result| Err(Stop::new(result, "read")))
    }
}

/// fstat(2), fcntl(2) F_GETFL and lseek(2), none of which changes anything.
fn look_at(passed: &OwnedFd) -> Result<DescriptorSeen, Stop> {
    let failed =
        |errno: rustix::io::Errno| Stop::errno(Errno::from_raw(errno.raw_os_error()), "fcntl");
    let file = File::from(
        passed
            .try_clone()
            .map_err(|error| Stop::errno(os_errno(&error), "fcntl"))?,
    );
    let metadata = file
        .metadata()
        .map_err(|error| Stop::errno(os_errno(&error), "fstat"))?;
    let kind = metadata.file_type();
    let link = std::fs::read_link(format!("/proc/self/fd/{}", passed.as_raw_fd()));
    let link = link.map_or_else(|_| Vec::new(), |link| link.as_os_str().as_bytes().to_vec());
    let kind = if link == b"anon_inode:[eventfd]" {
        FileKind::Eventfd
    } else if link.starts_with(b"/memfd:") {
        FileKind::Memfd
    } else if nsfs::is_network_namespace(passed) {
        FileKind::NetworkNamespace
    } else if kind.is_file() {
        FileKind::Regular
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_fifo() {
        FileKind::Pipe
    } else if kind.is_socket() {
        FileKind::Socket
    } else if kind.is_char_device() || kind.is_block_device() {
        FileKind::Device
    } else {
        FileKind::Other
    };
    let flags = fcntl_getfl(passed).map_err(failed)?;
    let access = if flags.contains(OFlags::PATH) {
        Access::Path
    } else {
        match flags & OFlags::RWMODE {
            OFlags::RDWR => Access::ReadWrite,
            OFlags::WRONLY => Access::Write,
            _ => Access::Read,
        }
    };
    let file_id = (metadata.dev(), metadata.ino());
    Ok(DescriptorSeen {
        file: kind,
        access,
        offset: seek(passed, SeekFrom::Current(0)).ok(),
        seals: seals(passed),
        file_id,
        own_namespace: nsfs::own_network().is_ok_and(|own| own == file_id),
    })
}

/// The seals of a file that can have some (fcntl(2), F_GET_SEALS).
fn seals(passed: &OwnedFd) -> Vec<Seal> {
    let set = fcntl_get_seals(passed).unwrap_or(SealFlags::empty());
    let flag = |seal: &Seal| match seal {
        Seal::Write => SealFlags::WRITE,
        Seal::Grow => SealFlags::GROW,
        Seal::Shrink => SealFlags::SHRINK,
        Seal::Seal => SealFlags::SEAL,
    };
    Seal::all()
        .filter(|seal| set.contains(flag(seal)))
        .collect()
}

/// Reads until the end, at most so many bytes. The descriptor stays as it is: it blocks if it did,
/// so nothing is read before poll(2) says that it would not.
fn read_to_end(
    passed: &OwnedFd,
    most: usize,
    deadline: Deadline,
    came: &mut Vec<u8>,
) -> Result<(), Stop> {
    let mut buffer = [0; 4096];
    while came.len() < most {
        let mut fds = [PollFd::new(passed.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut fds, deadline.poll_timeout()) {
            Ok(0) if deadline.passed() => return Err(Stop::new(DeedResult::TimedOut, "read")),
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(Stop::errno(errno, "poll")),
        }
        let room = buffer.len().min(most - came.len());
        match nix::unistd::read(passed, &mut buffer[..room]) {
            Ok(0) => return Ok(()),
            Ok(count) => came.extend(&buffer[..count]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(Stop::errno(errno, "read")),
        }
    }
    Ok(())
}
