//! What each system call does, as a straight list of checks in the kernel's order. Each check names
//! the row of the catalogue that it stands for.

mod accept;
mod bind;
mod connect;
mod control;
mod create;
mod descriptor;
mod epoll;
mod file;
mod find;
mod listen;
mod name;
mod option;
mod poll;
mod process;
mod readwrite;
mod receive;
mod release;
mod send;
mod shutdown;
mod sleep;

use nix::errno::Errno;

use self::epoll::Operation;
pub(super) use self::receive::Gathered;
use self::receive::{Control, Wanted};
use super::call::{Call, Fd};
use super::file::Kind;
use super::id::{FileId, Pid, SockId};
use super::kernel::Kernel;
use super::outcome::{Answer, Outcome, Stop, Wait};
use super::row::{Row, row};

/// What a call comes back with, on its way.
type Result<T> = std::result::Result<T, Stop>;

/// Nothing to tell.
const DONE: Answer = Answer::Number(0);

impl Kernel {
    /// A process makes a system call. One that sleeps is given up at once; [`Kernel::begin`] lets it
    /// sleep.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn call(&mut self, pid: Pid, call: &Call) -> Outcome {
        let outcome = self.attempt(pid, call);
        self.drop_parked();
        outcome
    }

    /// A call as far as it comes.
    fn attempt(&mut self, pid: Pid, call: &Call) -> Outcome {
        self.begin_afresh();
        let answer = self.dispatch(pid, call);
        self.release_files();
        self.ended(answer)
    }

    fn dispatch(&mut self, pid: Pid, call: &Call) -> Result<Answer> {
        match call {
            Call::Socket {
                ty,
                protocol,
                birth,
            } => self.socket(pid, *ty, *protocol, *birth),
            Call::Socketpair {
                ty,
                protocol,
                birth,
            } => self.socketpair(pid, *ty, *protocol, *birth),
            Call::Bind { fd, address } => self.bind(pid, *fd, address),
            Call::Listen { fd, backlog } => self.listen(pid, *fd, *backlog),
            Call::Connect { fd, address } => self.connect(pid, *fd, address),
            Call::Accept { fd, birth } => self.accept(pid, *fd, *birth),
            Call::Send {
                fd,
                payload,
                flags,
                to,
                control,
            } => {
                let (file, sock) = self.sock_at(pid, *fd)?;
                let message = send::Message {
                    payload,
                    flags: *flags,
                    to: to.as_ref(),
                    control,
                };
                self.send(pid, file, sock, &message)
            }
            Call::Receive {
                fd,
                len,
                flags,
                control,
            } => {
                let (file, sock) = self.sock_at(pid, *fd)?;
                let wanted = Wanted {
                    len: *len,
                    flags: *flags,
                    control: Control::Delivered(*control),
                };
                let received = self.receive(pid, file, sock, wanted)?;
                Ok(Answer::Received(received))
            }
            Call::Write { fd, payload } => self.write(pid, *fd, payload),
            Call::Writev { fd, pieces } => self.writev(pid, *fd, pieces),
            Call::Read { fd, len } => self.read(pid, *fd, *len),
            Call::Shutdown { fd, how } => self.shutdown(pid, *fd, *how),
            Call::Close { fd } => self.close(pid, *fd),
            Call::Dup { fd } => self.dup(pid, *fd),
            Call::Dup2 { fd, to } => self.dup2(pid, *fd, *to),
            Call::SetNonblock { fd, on } => {
                let file = self.file_at(pid, *fd)?;
                self.by(row("C10"));
                self.set_nonblock(file, *on);
                Ok(DONE)
            }
            Call::GetNonblock { fd } => {
                let file = self.any_file_at(pid, *fd)?;
                Ok(Answer::Number(i64::from(self.file(file).nonblock)))
            }
            Call::SetCloexec { fd, on } => {
                self.any_file_at(pid, *fd)?;
                self.set_cloexec(pid, *fd, *on);
                Ok(DONE)
            }
            Call::GetCloexec { fd } => {
                self.any_file_at(pid, *fd)?;
                let slot = self.process(pid).descriptors[fd];
                Ok(Answer::Number(i64::from(slot.cloexec)))
            }
            Call::Getsockname { fd } => self.getsockname(pid, *fd),
            Call::Getpeername { fd } => self.getpeername(pid, *fd),
            Call::Getsockopt { fd, option } => self.getsockopt(pid, *fd, *option),
            Call::Setsockopt { fd, option } => self.setsockopt(pid, *fd, *option),
            Call::Inq { fd } => self.inq(pid, *fd),
            Call::Outq { fd } => self.outq(pid, *fd),
            Call::Poll { fd, events } => Ok(self.poll(pid, *fd, *events)),
            Call::Epoll { birth } => self.epoll_create(pid, *birth),
            Call::EpollAdd {
                fd,
                target,
                interest,
            } => self.epoll_ctl(pid, *fd, *target, Operation::Add(*interest)),
            Call::EpollModify {
                fd,
                target,
                interest,
            } => self.epoll_ctl(pid, *fd, *target, Operation::Modify(*interest)),
            Call::EpollDelete { fd, target } => {
                self.epoll_ctl(pid, *fd, *target, Operation::Delete)
            }
            Call::EpollWait { fd, most } => self.epoll_wait(pid, *fd, *most),
            Call::Pipe { birth } => self.pipe2(pid, *birth),
            Call::Eventfd { value, birth } => self.eventfd(pid, *value, *birth),
            Call::Open { path, access } => self.open(pid, path, *access),
            Call::Create { path } => self.creat(pid, path),
            Call::Mkdir { path, mode } => self.mkdir(pid, path, *mode),
            Call::Symlink { target, path } => self.symlink(pid, target, path),
            Call::Unlink { path } => self.unlink(pid, path),
            Call::Rename { from, to } => self.rename(pid, from, to),
            Call::Chmod { path, mode } => self.chmod(pid, path, *mode),
            Call::Chown { path, uid, gid } => self.chown(pid, path, *uid, *gid),
            Call::Fchmod { fd, mode } => self.fchmod(pid, *fd, *mode),
            Call::Mode { path } => self.mode(pid, path),
            Call::Umask { mask } => Ok(self.umask(pid, *mask)),
            Call::Chdir { path } => self.chdir(pid, path),
            Call::Seek { fd, offset } => self.seek(pid, *fd, *offset),
            Call::Fork => Ok(Answer::Process(self.copy_process(pid))),
            Call::Exit => Ok(self.exit(pid)),
            Call::SetIds { real, effective } => self.set_ids(pid, *real, *effective),
            Call::LimitFiles { limit } => self.limit_files(pid, *limit),
        }
    }

    /// What a descriptor refers to, unless it only stands for a path: `fdget`.
    fn file_at(&mut self, pid: Pid, fd: Fd) -> Result<FileId> {
        let file = self.any_file_at(pid, fd)?;
        match self.file(file).kind.is_path_only() {
            true => Err(self.refuse(row("J29"), Errno::EBADF)),
            false => Ok(file),
        }
    }

    /// What a descriptor refers to: `fdget_raw`.
    fn any_file_at(&mut self, pid: Pid, fd: Fd) -> Result<FileId> {
        match self.descriptor(pid, fd) {
            Some(file) => Ok(file),
            None => Err(self.refuse(row("C19"), Errno::EBADF)),
        }
    }

    /// The socket that a descriptor refers to: `sockfd_lookup_light`.
    fn sock_at(&mut self, pid: Pid, fd: Fd) -> Result<(FileId, SockId)> {
        let file = self.file_at(pid, fd)?;
        match self.file(file).kind {
            Kind::Socket(sock) => Ok((file, sock)),
            _ => Err(self.refuse(row("C19"), Errno::ENOTSOCK)),
        }
    }

    /// What becomes of a call that cannot go on: it fails by this row, or sleeps.
    fn wait(&mut self, nonblock: bool, empty: Row, wait: Wait) -> Stop {
        match nonblock {
            true => self.refuse(empty, Errno::EAGAIN),
            false if self.is_interrupted() => self.refuse(row("O15"), Errno::EINTR),
            false => Stop::Sleeps(wait),
        }
    }
}
