//! bind(2): `unix_bind`.

use nix::errno::Errno;

use super::{DONE, Result};
use crate::model::address::{Address, Family, HEADER, PATH_MAX};
use crate::model::call::Fd;
use crate::model::fault::Fault;
use crate::model::id::{Pid, SockId};
use crate::model::kernel::Kernel;
use crate::model::outcome::Answer;
use crate::model::row::{Row, row};
use crate::model::tree::{Last, May, NodeKind};

/// `sizeof(struct sockaddr_storage)`: a longer address is refused before the socket sees it.
const LONGEST: i32 = 128;

impl Kernel {
    pub(super) fn bind(&mut self, pid: Pid, fd: Fd, address: &Address) -> Result<Answer> {
        let (_, sock) = self.sock_at(pid, fd)?;
        self.check_length(address)?;
        if address.is_unnamed() {
            if self.sock(sock).name.is_some() {
                self.by(row("B06"));
                return Ok(DONE);
            }
            self.by(row("B05"));
            self.autobind(sock);
            return Ok(DONE);
        }
        self.check_address(address)?;
        if address.name().is_abstract() {
            self.bind_abstract(sock, address)
        } else {
            self.bind_path(pid, sock, address)
        }
    }

    /// `move_addr_to_kernel`.
    pub(super) fn check_length(&mut self, address: &Address) -> Result<()> {
        if !(0..=LONGEST).contains(&address.len) {
            return Err(self.refuse(row("A06"), Errno::EINVAL));
        }
        Ok(())
    }

    /// `unix_validate_addr`.
    pub(super) fn check_address(&mut self, address: &Address) -> Result<()> {
        if address.is_valid() {
            return Ok(());
        }
        let row = match address {
            Address { len, .. } if *len > HEADER + PATH_MAX as i32 => row("A05"),
            Address {
                family: Family::Unix,
                ..
            } => row("A06"),
            _ => row("A07"),
        };
        Err(self.refuse(row, Errno::EINVAL))
    }

    /// `unix_bind_abstract`.
    fn bind_abstract(&mut self, sock: SockId, address: &Address) -> Result<Answer> {
        let name = match self.wrong(Fault::TrailingZerosDoNotCount) {
            true => trimmed(address).name(),
            false => address.name(),
        };
        let taken = self.holder(self.sock(sock).ty, &name).is_some();
        if self.wrong(Fault::AbstractInUseFirst) && taken {
            return Err(self.refuse(row("B08"), Errno::EADDRINUSE));
        }
        if self.sock(sock).name.is_some() {
            return Err(self.refuse(row("B12"), Errno::EINVAL));
        }
        if taken {
            return Err(self.refuse(row("B08"), Errno::EADDRINUSE));
        }
        let row = match name.bytes.as_slice() {
            [_] => row("B04"),
            bytes if bytes.len() == PATH_MAX => row("B02"),
            bytes if bytes[1..].contains(&0) => row("B03"),
            _ => row("B13"),
        };
        self.by(row);
        self.name_abstract(sock, name);
        Ok(DONE)
    }

    /// `unix_bind_bsd`.
    fn bind_path(&mut self, pid: Pid, sock: SockId, address: &Address) -> Result<Answer> {
        let name = address.name();
        let path = String::from_utf8_lossy(name.as_path().unwrap_or_default()).into_owned();
        if self.wrong(Fault::BoundIsTestedBeforePath) && self.sock(sock).name.is_some() {
            return Err(self.refuse(row("A14"), Errno::EINVAL));
        }
        let place = self.tree().walk(self.process(pid), &path, Last::Kept);
        let place = place.map_err(|errno| self.refuse(row("A17"), errno))?;
        if place.node.is_some() {
            let row = match self.sock(sock).name {
                Some(_) => row("A15"),
                None => row("A08"),
            };
            return Err(self.refuse(row, Errno::EADDRINUSE));
        }
        if !self.tree().may(self.process(pid), place.parent, May::Write) {
            return Err(self.refuse(row("N08"), Errno::EACCES));
        }
        let mask = match self.wrong(Fault::UmaskIsIgnored) {
            true => 0,
            false => self.process(pid).umask,
        };
        let mode = self.sock(sock).mode & !mask;
        self.by(row("N01"));
        let node = self.make_node(pid, &place, NodeKind::Socket(None), mode);
        if self.sock(sock).name.is_some() {
            // The node was made first, and is taken away again.
            self.remove_path(&place.path);
            return Err(self.refuse(row("A14"), Errno::EINVAL));
        }
        self.by(self.row_of_path(address));
        self.name_path(sock, name, node);
        Ok(DONE)
    }

    fn row_of_path(&self, address: &Address) -> Row {
        let covered = (address.len - HEADER) as usize;
        match address.path.len() {
            PATH_MAX.. => row("A04"),
            len if covered < len => row("A03"),
            len if covered == len => row("A02"),
            _ if address.path.contains(&0) => row("A16"),
            _ => row("A01"),
        }
    }
}

fn trimmed(address: &Address) -> Address {
    let mut name = address.name().bytes;
    while name.len() > 1 && name.last() == Some(&0) {
        name.pop();
    }
    Address::abstract_name(&name[1..])
}
