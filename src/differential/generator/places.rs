//! Names and what lies around them: addresses, some of which are none, paths, modes and owners.

use super::{Generator, Wanted};
use crate::model::address::{Address, Family, PATH_MAX};
use crate::model::call::Call;
use crate::model::kernel::Kernel;

/// Paths: two, one in a directory, and a link.
const PATHS: [&str; 4] = ["p", "q", "d/p", "l"];

impl Generator<'_> {
    /// An address: abstract names and paths, and some that are no address.
    pub(super) fn address(&mut self) -> Address {
        let prefix = self.range.prefix.as_bytes();
        match self.dice.below(100) {
            0..48 => {
                let name = self.dice.one(&["0", "1", "2"]);
                Address::abstract_name(&[prefix, name.as_bytes()].concat())
            }
            48..52 => Address::abstract_name(&[prefix, b"0\0"].concat()),
            52..54 => Address::abstract_name(&[prefix, b"0\0x"].concat()),
            54 => {
                let mut name = [prefix, b"long"].concat();
                name.resize(PATH_MAX - 1, 0);
                Address::abstract_name(&name)
            }
            55..88 => Address::path(self.dice.one(&PATHS)),
            88 => Address {
                len: 4,
                ..Address::path("pq")
            },
            89 => Address {
                len: 3,
                ..Address::path("p")
            },
            90 => Address {
                len: 110,
                ..Address::path("p")
            },
            91 => Address {
                path: b"p\0bcd".to_vec(),
                len: 8,
                ..Address::path("p")
            },
            92 => Address {
                path: vec![b'x'; PATH_MAX],
                len: 110,
                family: Family::Unix,
            },
            93 => Address::path(self.dice.one(&["no/p", "f/p", "no", "f", "d"])),
            94 => Address::only(self.dice.one(&[Family::Unix, Family::Unspec])),
            95 => Address::only(Family::Unspec),
            96 => Address {
                family: Family::Inet,
                ..Address::path("p")
            },
            97 => Address {
                len: self.dice.one(&[-1, 0, 1, 111, 128, 129]),
                ..Address::path("p")
            },
            _ => Address::only(Family::Unix),
        }
    }

    /// Who may do what.
    pub(super) fn permissions(&mut self) -> Call {
        let path = self.dice.one(&["p", "q", "d", "f"]).to_owned();
        let mode = self.dice.one(&[0, 0o600, 0o660, 0o722, 0o755, 0o777]);
        match self.dice.below(8) {
            0..3 => Call::Chmod { path, mode },
            3 | 4 => {
                let user = self.dice.one(&self.range.users);
                Call::Chown {
                    path,
                    uid: user,
                    gid: user,
                }
            }
            5 => Call::Umask {
                mask: self.dice.one(&[0, 0o022, 0o077]),
            },
            6 => Call::Mode { path },
            _ => {
                let users = &self.range.users;
                let (real, effective) = (self.dice.one(users), self.dice.one(users));
                Call::SetIds { real, effective }
            }
        }
    }

    /// Paths, modes, and what lies around.
    pub(super) fn surroundings(&mut self, kernel: &Kernel) -> Call {
        let path = self.dice.one(&["p", "q", "d/p", "l", "f", "no"]).to_owned();
        match self.dice.below(12) {
            0..4 => Call::Unlink { path },
            4 => Call::Rename {
                from: path,
                to: self.dice.one(&["p", "q"]).to_owned(),
            },
            5 => Call::Create {
                path: self.dice.one(&["f", "f", "p"]).to_owned(),
            },
            6 => Call::Mkdir {
                path: "d".to_owned(),
                mode: 0o755,
            },
            7 => Call::Symlink {
                target: self.dice.one(&["p", "q", "no"]).to_owned(),
                path: "l".to_owned(),
            },
            8 => Call::Mode { path },
            9 => Call::Umask {
                mask: self.dice.one(&[0, 0o022, 0o077]),
            },
            10 => Call::Fchmod {
                fd: self.fd(kernel, Wanted::Socket),
                mode: self.dice.one(&[0, 0o600, 0o777]),
            },
            _ => {
                let fd = self.fd(kernel, Wanted::Any);
                Call::Seek {
                    fd,
                    offset: self.dice.below(20) as u32,
                }
            }
        }
    }
}
