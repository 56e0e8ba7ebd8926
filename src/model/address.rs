//! Addresses: what a program passes as `struct sockaddr_un`, and the name that the kernel keeps.

use serde::{Serialize, Serializer};

/// Bytes before the path in `struct sockaddr_un`.
pub const HEADER: i32 = 2;
/// Size of `sun_path`.
pub const PATH_MAX: usize = 108;

/// The family that an address says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_UNIX`.
    Unix,
    /// `AF_UNSPEC`.
    Unspec,
    /// `AF_INET`, as an example of any other.
    Inet,
}

/// An address as a program passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `sun_family`.
    pub family: Family,
    /// What `sun_path` starts with; zeros follow.
    pub path: Vec<u8>,
    /// `addrlen`.
    pub len: i32,
}

impl Address {
    /// A path with its terminating zero, as unix(7) wants it.
    pub fn path(path: &str) -> Self {
        let path = path.as_bytes().to_vec();
        let len = HEADER + path.len() as i32 + 1;
        Self {
            family: Family::Unix,
            path,
            len,
        }
    }

    /// An abstract name, counted exactly.
    pub fn abstract_name(name: &[u8]) -> Self {
        let path = [b"\0", name].concat();
        let len = HEADER + path.len() as i32;
        Self {
            family: Family::Unix,
            path,
            len,
        }
    }

    /// A family and nothing else.
    pub fn only(family: Family) -> Self {
        Self {
            family,
            path: Vec::new(),
            len: HEADER,
        }
    }

    /// The bytes that `addrlen` covers after the family.
    fn covered(&self) -> Vec<u8> {
        let len = (self.len - HEADER).clamp(0, PATH_MAX as i32) as usize;
        let mut covered = self.path.clone();
        covered.resize(len.max(covered.len()), 0);
        covered.truncate(len);
        covered
    }

    /// Whether it is only a family: what bind(2) takes for a wish to be given a name.
    pub fn is_unnamed(&self) -> bool {
        self.len == HEADER && self.family == Family::Unix
    }

    /// Whether the kernel takes it for a name: `unix_validate_addr`.
    pub fn is_valid(&self) -> bool {
        self.len > HEADER && self.len <= HEADER + PATH_MAX as i32 && self.family == Family::Unix
    }

    /// The name that it means, of a valid address: `unix_mkname_bsd`.
    pub fn name(&self) -> Name {
        let covered = self.covered();
        match covered.first() {
            Some(0) | None => Name { bytes: covered },
            Some(_) => {
                let end = covered.iter().position(|byte| *byte == 0);
                let mut bytes = covered;
                bytes.truncate(end.unwrap_or(bytes.len()));
                bytes.push(0);
                Name { bytes }
            }
        }
    }
}

/// A name as the kernel keeps it: `struct unix_address`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// All after the family; that of a path ends with a zero.
    pub bytes: Vec<u8>,
}

impl Name {
    /// `addrlen` that getsockname(2) reports.
    pub fn address_len(&self) -> i32 {
        HEADER + self.bytes.len() as i32
    }

    /// Whether it is abstract and not a path.
    pub fn is_abstract(&self) -> bool {
        matches!(self.bytes.first(), Some(0) | None)
    }

    /// The path without its terminating zero; `None` for an abstract name.
    pub fn as_path(&self) -> Option<&[u8]> {
        (!self.is_abstract()).then(|| &self.bytes[..self.bytes.len() - 1])
    }
}

/// As scripts write it: `path:server`, `abstract:server`.
impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
