//! shutdown(2): `unix_shutdown`.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::call::{Events, Fd, How};
use crate::model::fault::Fault;
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::row;
use crate::model::socket::Shut;

impl Kernel {
    pub(super) fn shutdown(&mut self, pid: Pid, fd: Fd, how: How) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        let shut = match how {
            How::Read => Shut {
                receive: true,
                send: false,
            },
            How::Write => Shut {
                receive: false,
                send: true,
            },
            How::Both => Shut::BOTH,
            How::Invalid => return Err(self.refuse(row("G06"), Errno::EINVAL)),
        };
        let socket = self.sock(sock);
        let (peer, connection_based) = (socket.peer, socket.is_connection_based());
        if peer.is_none() {
            if self.wrong(Fault::ShutdownNeedsConnection) {
                return Err(self.refuse(row("G05"), Errno::ENOTCONN));
            }
            self.by(row("G05"));
        }
        self.add_shutdown(sock, shut);
        self.wake(sock, Events::default());
        match peer {
            Some(peer) if connection_based => {
                let seen = shut.seen_from_the_peer();
                let seen = match self.wrong(Fault::ShutReadIsPrivate) {
                    true => Shut {
                        send: false,
                        ..seen
                    },
                    false => seen,
                };
                self.by(row("G04"));
                self.add_shutdown(peer, seen);
                self.wake(peer, Events::default());
            }
            Some(_) => self.by(row("G15")),
            None => {}
        }
        Ok(DONE)
    }
}
