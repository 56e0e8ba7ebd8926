//! Which sockets are asked for. Pure: a row fits or it does not.

use schemars::JsonSchema;
use serde::Serialize;

use super::row::{Condition, Row};
use crate::sys::sock_diag::{Name, Type};

/// Which sockets are asked for: those that fit every field that is set. The default fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Filter {
    /// Only sockets of this type.
    #[serde(rename = "type")]
    pub kind: Option<Type>,
    /// Only those in this condition.
    pub condition: Option<Condition>,
    /// Only those that this process holds.
    pub pid: Option<u32>,
    /// Only those whose name, or whose other end's name, holds this text. Names are compared as
    /// they are printed: `@` before an abstract one, escapes as `\xNN`, without quotes.
    pub name: Option<String>,
    /// Only those of the service with this slug.
    pub service: Option<String>,
    /// Only the socket with this inode.
    pub inode: Option<u32>,
}

impl Filter {
    /// Whether it fits every socket.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a socket is asked for.
    pub fn fits(&self, row: &Row) -> bool {
        let kind = self.kind.is_none_or(|kind| row.kind == kind);
        let condition = self.condition.is_none_or(|wanted| row.condition == wanted);
        let inode = self.inode.is_none_or(|inode| row.inode == inode);
        let pid = self.pid.is_none_or(|pid| {
            let mut holders = row.holders.processes.iter();
            holders.any(|process| process.pid == pid)
        });
        let service = self.service.as_ref().is_none_or(|slug| {
            let service = row.service.as_ref();
            service.is_some_and(|service| service.id == *slug)
        });
        kind && condition && inode && pid && service && self.name_fits(row)
    }

    fn name_fits(&self, row: &Row) -> bool {
        let Some(wanted) = &self.name else {
            return true;
        };
        let peer = row.peer.as_ref().and_then(|peer| peer.name.as_ref());
        let mut names = row.name.iter().chain(peer);
        names.any(|name| printed(name).contains(wanted.as_str()))
    }
}

/// A name as it is printed, without the quotes that tables put around some.
fn printed(name: &Name) -> String {
    match name {
        Name::Path(path) => path.to_string(),
        Name::Abstract(name) => format!("@{name}"),
    }
}
