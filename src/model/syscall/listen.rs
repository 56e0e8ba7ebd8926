//! listen(2): `unix_listen`.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::Fd;
use crate::model::fault::Fault;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::sleeper::Woken;
use crate::model::socket::State;

impl Kernel {
    pub(super) fn listen(&mut self, pid: Pid, fd: Fd, backlog: i32) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        let socket = self.sock(sock);
        if !socket.is_connection_based() {
            return Err(self.refuse(row("E02"), Errno::EOPNOTSUPP));
        }
        if socket.name.is_none() && !self.wrong(Fault::ListenNeedsNoName) {
            return Err(self.refuse(row("E01"), Errno::EINVAL));
        }
        if socket.state == State::Established {
            return Err(self.refuse(row("E03"), Errno::EINVAL));
        }
        if socket.state == State::Listen {
            self.by(row("E04"));
        }
        // A negative number is a very large one.
        let backlog = (backlog as u32).min(self.settings().somaxconn);
        let backlog = match self.wrong(Fault::BacklogIsExact) {
            true => backlog.saturating_sub(1),
            false => backlog,
        };
        self.by(row("E08"));
        if backlog > self.sock(sock).backlog {
            self.wake_peers(sock, Woken::All);
        }
        self.set_backlog(sock, backlog);
        self.set_state(sock, State::Listen);
        self.by(row("K08"));
        self.remember_process(sock, pid);
        Ok(DONE)
    }
}
