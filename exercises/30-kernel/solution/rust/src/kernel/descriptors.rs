//! Sockets come into being, and descriptors lead to them: socket(2), socketpair(2), dup(2),
//! close(2), fcntl(2), getsockopt(2), fork(2).

use std::collections::VecDeque;
use std::mem;

use super::*;

/// SOCK_TYPE_MASK: bits of a type that are not flags.
const TYPE_MASK: i32 = 0xf;
/// SOCK_MAX: types that there may ever be.
const TYPES: i32 = 11;
/// AF_UNIX
const FAMILY: i32 = 1;
/// The first descriptor that is given out; those below are taken.
const LOWEST: Fd = 3;

impl Kernel {
    pub(super) fn socket(&mut self, pid: Pid, ty: i32, protocol: i32, new: New) -> Answer {
        let ty = unix_type(ty, protocol)?;
        let fd = self.free(pid).next().ok_or(Errno::EMFILE)?;
        let sock = self.new_sock(ty);
        self.give(pid, fd, sock, new);
        Ok(Outcome::Fd(fd))
    }

    pub(super) fn socketpair(&mut self, pid: Pid, ty: i32, protocol: i32, new: New) -> Answer {
        if ty & !TYPE_MASK != 0 {
            return Err(Errno::EINVAL);
        }
        // Both numbers are taken before anybody looks what the sockets are to be.
        let mut free = self.free(pid);
        let (Some(first), Some(second)) = (free.next(), free.next()) else {
            return Err(Errno::EMFILE);
        };
        drop(free);
        let ty = unix_type(ty, protocol)?;
        let (a, b) = (self.new_sock(ty), self.new_sock(ty));
        for (fd, sock, peer) in [(first, a, b), (second, b, a)] {
            self.sockets[sock].peer = Some(peer);
            self.sockets[sock].state = State::Established;
            self.sockets[sock].peercred = Some(self.creds_of(pid));
            self.give(pid, fd, sock, new);
        }
        Ok(Outcome::Fds(first, second))
    }

    pub(super) fn close(&mut self, pid: Pid, fd: Fd) -> Answer {
        self.file(pid, fd)?;
        self.uninstall(pid, fd);
        Ok(DONE)
    }

    pub(super) fn dup(&mut self, pid: Pid, fd: Fd) -> Answer {
        let file = self.file(pid, fd)?;
        let new = self.free(pid).next().ok_or(Errno::EMFILE)?;
        self.install(pid, new, file, false);
        Ok(Outcome::Fd(new))
    }

    pub(super) fn dup2(&mut self, pid: Pid, fd: Fd, to: Fd) -> Answer {
        let file = self.file(pid, fd)?;
        if fd == to {
            return Ok(Outcome::Fd(to));
        }
        if to < 0 || to >= self.processes[&pid].limit {
            return Err(Errno::EBADF);
        }
        self.uninstall(pid, to);
        self.install(pid, to, file, false);
        Ok(Outcome::Fd(to))
    }

    pub(super) fn set_nonblock(&mut self, pid: Pid, fd: Fd, on: bool) -> Answer {
        let file = self.file(pid, fd)?;
        self.files[file].nonblock = on;
        Ok(DONE)
    }

    pub(super) fn get_nonblock(&self, pid: Pid, fd: Fd) -> Answer {
        let file = self.file(pid, fd)?;
        Ok(Outcome::Number(self.files[file].nonblock.into()))
    }

    pub(super) fn set_cloexec(&mut self, pid: Pid, fd: Fd, on: bool) -> Answer {
        let descriptor = self.process(pid).descriptors.get_mut(&fd).ok_or(Errno::EBADF)?;
        descriptor.cloexec = on;
        Ok(DONE)
    }

    pub(super) fn get_cloexec(&self, pid: Pid, fd: Fd) -> Answer {
        let descriptor = self.processes[&pid].descriptors.get(&fd).ok_or(Errno::EBADF)?;
        Ok(Outcome::Number(descriptor.cloexec.into()))
    }

    pub(super) fn limit_files(&mut self, pid: Pid, limit: Fd) -> Answer {
        self.process(pid).limit = limit;
        Ok(DONE)
    }

    pub(super) fn getsockopt(&mut self, pid: Pid, fd: Fd, option: SockOption) -> Answer {
        let sock = self.sock(pid, fd)?;
        let socket = &mut self.sockets[sock];
        Ok(match option {
            SockOption::Type => Outcome::Number(match socket.ty {
                Type::Stream => 1,
                Type::Dgram => 2,
                Type::Seqpacket => 5,
            }),
            SockOption::Domain => Outcome::Number(FAMILY.into()),
            SockOption::Protocol => Outcome::Number(0),
            SockOption::Acceptconn => Outcome::Number((socket.state == State::Listening).into()),
            SockOption::Error => {
                let error = socket.error.take();
                Outcome::Number(error.map_or(0, |errno| errno as i64))
            }
            SockOption::Peercred => {
                let nobody = Creds { pid: None, uid: u32::MAX, gid: u32::MAX };
                Outcome::Creds(socket.peercred.unwrap_or(nobody))
            }
            SockOption::Passcred => Outcome::Number(socket.passcred.into()),
        })
    }

    /// A child has descriptors of its own, which lead to the same files.
    pub(super) fn fork(&mut self, pid: Pid) -> Answer {
        // There are letters for so many, and no more.
        let child = ('A'..='Z').find(|letter| *letter > self.last).ok_or(Errno::EAGAIN)?;
        self.last = child;
        let Process { descriptors, limit } = &self.processes[&pid];
        let process = Process { descriptors: descriptors.clone(), limit: *limit };
        for descriptor in process.descriptors.values() {
            self.files[descriptor.file].references += 1;
        }
        self.processes.insert(child, process);
        Ok(Outcome::Process(child))
    }

    pub(super) fn exit(&mut self, pid: Pid) -> Answer {
        for descriptor in mem::take(&mut self.process(pid).descriptors).into_values() {
            self.fput(descriptor.file);
        }
        self.processes.remove(&pid);
        Ok(Outcome::Process(pid))
    }

    // ---- what these and other calls are made of -------------------------------------------------

    fn process(&mut self, pid: Pid) -> &mut Process {
        self.processes.get_mut(&pid).expect("nobody but a process calls")
    }

    /// Descriptors that are free, the lowest first: `get_unused_fd_flags`.
    pub(super) fn free(&self, pid: Pid) -> impl Iterator<Item = Fd> {
        let Process { descriptors, limit } = &self.processes[&pid];
        (LOWEST..*limit).filter(|fd| !descriptors.contains_key(fd))
    }

    /// Lets a free descriptor lead to a file: `fd_install`.
    pub(super) fn install(&mut self, pid: Pid, fd: Fd, file: FileId, cloexec: bool) {
        self.files[file].references += 1;
        self.process(pid).descriptors.insert(fd, Descriptor { file, cloexec });
    }

    fn uninstall(&mut self, pid: Pid, fd: Fd) {
        if let Some(descriptor) = self.process(pid).descriptors.remove(&fd) {
            self.fput(descriptor.file);
        }
    }

    /// Drops a reference. Only the last one closes anything.
    pub(super) fn fput(&mut self, file: FileId) {
        self.files[file].references -= 1;
        if self.files[file].references == 0
            && let Kind::Socket(sock) = self.files[file].kind
        {
            self.release_sock(sock);
        }
    }

    pub(super) fn open_file(&mut self, kind: Kind, nonblock: bool) -> FileId {
        self.files.push(File { kind, nonblock, references: 0 });
        self.files.len() - 1
    }

    /// Opens a socket at a free descriptor.
    pub(super) fn give(&mut self, pid: Pid, fd: Fd, sock: SockId, new: New) {
        self.sockets[sock].accepted = true;
        let file = self.open_file(Kind::Socket(sock), new.nonblock);
        self.install(pid, fd, file, new.cloexec);
    }

    pub(super) fn new_sock(&mut self, ty: Type) -> SockId {
        self.sockets.push(Socket {
            ty,
            state: State::Closed,
            peer: None,
            name: None,
            inode: None,
            rcv_shutdown: false,
            send_shutdown: false,
            error: None,
            queue: VecDeque::new(),
            waiting: VecDeque::new(),
            backlog: self.boot.max_dgram_qlen as usize,
            passcred: false,
            peercred: None,
            accepted: false,
            dead: false,
        });
        self.sockets.len() - 1
    }
}

/// `__sock_create` and `unix_create`
fn unix_type(ty: i32, protocol: i32) -> Result<Type> {
    if !(0..TYPES).contains(&ty) {
        return Err(Errno::EINVAL);
    }
    if protocol != 0 && protocol != FAMILY {
        return Err(Errno::EPROTONOSUPPORT);
    }
    match ty {
        1 => Ok(Type::Stream),
        // SOCK_RAW is an old name for datagrams.
        2 | 3 => Ok(Type::Dgram),
        5 => Ok(Type::Seqpacket),
        _ => Err(Errno::ESOCKTNOSUPPORT),
    }
}
