//! Names: bind(2), getsockname(2), unlink(2), and how an address is looked up.

use super::*;

/// The length of an address that is a family and no more, in bytes.
const FAMILY: i32 = 2;
/// What is between these is a name.
const SHORTEST: i32 = FAMILY + 1;
const LONGEST: i32 = FAMILY + 108;
/// sizeof(struct sockaddr_storage): what is longer no socket ever sees.
const STORAGE: i32 = 128;

impl Address {
    /// `move_addr_to_kernel`
    pub(super) fn check_len(&self) -> Result<()> {
        match self.len {
            0..=STORAGE => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `unix_validate_addr`
    pub(super) fn check(&self) -> Result<()> {
        match (self.family, self.len) {
            (Family::Unix, SHORTEST..=LONGEST) => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The name that a right address is. A path ends at its first zero; in an abstract name every
    /// byte counts that the length covers.
    fn name(&self) -> Name {
        let mut name = self.path.clone();
        name.resize((self.len - FAMILY) as usize, 0);
        if name[0] != 0
            && let Some(end) = name.iter().position(|byte| *byte == 0)
        {
            name.truncate(end);
        }
        name
    }
}

impl Kernel {
    /// `unix_bind`
    pub(super) fn bind(&mut self, pid: Pid, fd: Fd, address: &Address) -> Answer {
        let sock = self.sock(pid, fd)?;
        address.check_len()?;
        if address.len == FAMILY && address.family == Family::Unix {
            self.autobind(sock);
            return Ok(DONE);
        }
        address.check()?;
        let name = address.name();
        match name[0] {
            0 => self.bind_abstract(sock, name)?,
            _ => self.bind_path(sock, name)?,
        }
        Ok(DONE)
    }

    /// `unix_bind_abstract`
    fn bind_abstract(&mut self, sock: SockId, name: Name) -> Result<()> {
        if self.sockets[sock].name.is_some() {
            return Err(Errno::EINVAL);
        }
        let key = (self.sockets[sock].ty, name.clone());
        if self.abstract_names.contains_key(&key) {
            return Err(Errno::EADDRINUSE);
        }
        self.abstract_names.insert(key, sock);
        self.sockets[sock].name = Some(name);
        Ok(())
    }

    /// `unix_bind_bsd`. The inode is made before anybody asks whether the socket has a name, so
    /// that the path is taken is told first. For abstract names it is the other way round.
    fn bind_path(&mut self, sock: SockId, name: Name) -> Result<()> {
        if self.walk(&name)?.is_some() {
            return Err(Errno::EADDRINUSE);
        }
        if self.sockets[sock].name.is_some() {
            return Err(Errno::EINVAL);
        }
        let inode = self.make_inode(&name, Inode::Socket(Some(sock)));
        self.sockets[sock].inode = Some(inode);
        self.sockets[sock].name = Some(name);
        Ok(())
    }

    /// Draws a name for a socket that has none: `unix_autobind`.
    fn autobind(&mut self, sock: SockId) {
        while self.sockets[sock].name.is_none() {
            self.drawn += 1;
            // If somebody has it, the next one is tried.
            let name = format!("\0{:05x}", self.drawn);
            let _ = self.bind_abstract(sock, name.into_bytes());
        }
    }

    /// Whoever asks for credentials can be answered: it has a name.
    pub(super) fn autobind_to_pass(&mut self, sock: SockId) {
        if self.sockets[sock].passcred {
            self.autobind(sock);
        }
    }

    pub(super) fn getsockname(&self, pid: Pid, fd: Fd) -> Answer {
        let sock = self.sock(pid, fd)?;
        Ok(Outcome::Name(self.sockets[sock].name.clone()))
    }

    /// The socket at an address: `unix_find_other`.
    pub(super) fn find(&self, address: &Address, ty: Type) -> Result<SockId> {
        let name = address.name();
        if name[0] == 0 {
            let holder = self.abstract_names.get(&(ty, name));
            return holder.copied().ok_or(Errno::ECONNREFUSED);
        }
        let inode = self.walk(&name)?.ok_or(Errno::ENOENT)?;
        match self.inodes[inode] {
            Inode::Socket(Some(sock)) if self.sockets[sock].ty == ty => Ok(sock),
            Inode::Socket(Some(_)) => Err(Errno::EPROTOTYPE),
            Inode::Socket(None) | Inode::Regular(_) => Err(Errno::ECONNREFUSED),
        }
    }

    /// Lets go of the name of a socket that dies. An abstract name is free then; a path stays, and
    /// leads to nobody. The socket itself remembers: its peer may ask.
    pub(super) fn forget_name(&mut self, sock: SockId) {
        let socket = &self.sockets[sock];
        if let Some(inode) = socket.inode {
            self.inodes[inode] = Inode::Socket(None);
        }
        if let Some(name) = &socket.name {
            let key = (socket.ty, name.clone());
            // What connect(2) made shows the name of its listener, and does not hold it.
            if self.abstract_names.get(&key) == Some(&sock) {
                self.abstract_names.remove(&key);
            }
        }
    }

    pub(super) fn unlink(&mut self, path: &Name) -> Answer {
        self.walk(path)?.ok_or(Errno::ENOENT)?;
        self.directory.remove(path);
        Ok(DONE)
    }

    /// What a path leads to, if anything: `link_path_walk`. There are no directories but one.
    pub(super) fn walk(&self, path: &Name) -> Result<Option<InodeId>> {
        let mut parts = path.split(|byte| *byte == b'/');
        let first = parts.next().and_then(|name| self.directory.get(name)).copied();
        match (first, parts.next()) {
            (Some(_), Some(_)) => Err(Errno::ENOTDIR),
            (None, Some(_)) => Err(Errno::ENOENT),
            (inode, None) => Ok(inode),
        }
    }

    pub(super) fn make_inode(&mut self, path: &Name, inode: Inode) -> InodeId {
        self.inodes.push(inode);
        let inode = self.inodes.len() - 1;
        self.directory.insert(path.clone(), inode);
        inode
    }
}
