//! Changes of sockets.

use nix::errno::Errno;

use super::Kernel;
use crate::model::call::Type;
use crate::model::event::Event;
use crate::model::id::{FileId, Pid, SockId};
use crate::model::outcome::Credentials;
use crate::model::socket::{Shut, Socket, State};

impl Kernel {
    /// A new socket: `unix_create1`.
    pub(in crate::model) fn create_sock(&mut self, ty: Type) -> SockId {
        let sock = SockId(self.socks.len() as u32);
        self.socks.push(Socket {
            ty,
            state: State::Close,
            peer: None,
            name: None,
            node: None,
            shutdown: Shut::default(),
            error: None,
            queue: Default::default(),
            backlog: self.settings.max_dgram_qlen,
            sndbuf: self.settings.wmem_default,
            charged: 0,
            passcred: false,
            sndtimeo: None,
            rcvtimeo: None,
            peercred: None,
            mode: 0o777,
            owner: 0,
            dead: false,
            embryo: true,
            file: None,
        });
        self.emit(|| Event::SocketCreated { sock, ty });
        sock
    }

    /// Gives a socket its open file description: `sock_graft`.
    pub(super) fn graft(&mut self, sock: SockId, file: FileId) {
        let socket = &mut self.socks[sock.index()];
        socket.embryo = false;
        socket.file = Some(file);
    }

    /// Sets `sk_state`.
    pub(in crate::model) fn set_state(&mut self, sock: SockId, after: State) {
        let before = std::mem::replace(&mut self.socks[sock.index()].state, after);
        if before != after {
            self.emit(|| Event::SocketState {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets `unix_peer`.
    pub(in crate::model) fn set_peer(&mut self, sock: SockId, after: Option<SockId>) {
        let before = std::mem::replace(&mut self.socks[sock.index()].peer, after);
        if before != after {
            self.emit(|| Event::Peer {
                sock,
                before,
                after,
            });
        }
    }

    /// Adds to `sk_shutdown`; nothing takes away from it.
    pub(in crate::model) fn add_shutdown(&mut self, sock: SockId, shut: Shut) {
        let before = self.sock(sock).shutdown;
        let after = before.and(shut);
        self.socks[sock.index()].shutdown = after;
        if before != after {
            self.emit(|| Event::Shutdown {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets `sk_err`.
    pub(in crate::model) fn set_error(&mut self, sock: SockId, after: Option<Errno>) {
        let before = std::mem::replace(&mut self.socks[sock.index()].error, after);
        if before != after {
            self.emit(|| Event::Pending {
                sock,
                before,
                after,
            });
        }
    }

    /// Tells the error that waits, and forgets it: `sock_error`.
    pub(in crate::model) fn take_error(&mut self, sock: SockId) -> Option<Errno> {
        let error = self.sock(sock).error;
        self.set_error(sock, None);
        error
    }

    /// Sets `sk_max_ack_backlog`.
    pub(in crate::model) fn set_backlog(&mut self, sock: SockId, after: u32) {
        let before = std::mem::replace(&mut self.socks[sock.index()].backlog, after);
        self.emit(|| Event::Backlog {
            sock,
            before,
            after,
        });
    }

    /// Sets `sk_sndbuf`, in bytes.
    pub(in crate::model) fn set_sndbuf(&mut self, sock: SockId, after: u32) {
        let before = std::mem::replace(&mut self.socks[sock.index()].sndbuf, after);
        if before != after {
            self.emit(|| Event::SendBuffer {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets `SO_PASSCRED`.
    pub(in crate::model) fn set_passcred(&mut self, sock: SockId, after: bool) {
        let before = std::mem::replace(&mut self.socks[sock.index()].passcred, after);
        if before != after {
            self.emit(|| Event::PassCred {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets `SO_SNDTIMEO`, in milliseconds; 0 is for ever.
    pub(in crate::model) fn set_sndtimeo(&mut self, sock: SockId, ms: u32) {
        let after = (ms > 0).then_some(ms);
        let before = std::mem::replace(&mut self.socks[sock.index()].sndtimeo, after);
        if before != after {
            self.emit(|| Event::SendLimit {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets `SO_RCVTIMEO`, in milliseconds; 0 is for ever.
    pub(in crate::model) fn set_rcvtimeo(&mut self, sock: SockId, ms: u32) {
        let after = (ms > 0).then_some(ms);
        let before = std::mem::replace(&mut self.socks[sock.index()].rcvtimeo, after);
        if before != after {
            self.emit(|| Event::ReceiveLimit {
                sock,
                before,
                after,
            });
        }
    }

    /// Sets the permission bits of its inode in sockfs.
    pub(in crate::model) fn set_sock_mode(&mut self, sock: SockId, after: u32) {
        let before = std::mem::replace(&mut self.socks[sock.index()].mode, after);
        if before != after {
            self.emit(|| Event::SocketMode {
                sock,
                before,
                after,
            });
        }
    }

    /// Notes who owns its inode in sockfs.
    pub(in crate::model) fn set_sock_owner(&mut self, sock: SockId, after: u32) {
        let before = std::mem::replace(&mut self.socks[sock.index()].owner, after);
        if before != after {
            self.emit(|| Event::SocketOwner {
                sock,
                before,
                after,
            });
        }
    }

    /// Notes for SO_PEERCRED who a process is now: `init_peercred`, with effective ids.
    pub(in crate::model) fn remember_process(&mut self, sock: SockId, pid: Pid) {
        let process = self.process(pid);
        let of = Credentials {
            pid: Some(pid),
            uid: process.euid,
            gid: process.egid,
        };
        self.set_peercred(sock, Some(of));
    }

    /// Sets what SO_PEERCRED says: `copy_peercred`.
    pub(in crate::model) fn set_peercred(&mut self, sock: SockId, of: Option<Credentials>) {
        self.socks[sock.index()].peercred = of;
        if let Some(of) = of {
            self.emit(|| Event::PeerCredentials { sock, of });
        }
    }

    /// Charges memory to a socket, or takes it back, in bytes: `skb_set_owner_w`, `sock_wfree`.
    pub(super) fn charge(&mut self, sock: SockId, after: u32) {
        let before = std::mem::replace(&mut self.socks[sock.index()].charged, after);
        self.emit(|| Event::Charged {
            sock,
            before,
            after,
        });
    }

    /// Marks a socket as dead: `sock_orphan`.
    pub(in crate::model) fn bury(&mut self, sock: SockId) {
        let socket = &mut self.socks[sock.index()];
        socket.dead = true;
        socket.file = None;
        self.emit(|| Event::SocketDied { sock });
    }
}
