//! Moves about sockets that are only there, and about the lines a program prints about them.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

use super::talk::unexpected;
use super::{Failed, GRACE_MS, Runner, StageError, Stepped};
use crate::check::listing::{self, Found, Listing, SocketContext, TableState};
use crate::check::observation::{LineState, SocketFound};
use crate::check::payload;
use crate::check::protocol::{Answer, Bytes, Deed, Making, Order, SocketAddress};
use crate::curriculum::scenario::{
    Listed, MakeSocket, Namespace, SocketName, SocketState, SocketType, Start, Unlisted, Wait,
};
use crate::untrusted::Untrusted;

/// The peer process that holds such sockets.
const HOLDER: &str = "holder";
/// The instance that is started when a line is missing.
const AGAIN: &str = "again";

/// In how many runs a line must be missing, the first among them.
const RUNS: usize = 4;

/// The state of sockets after `close-socket`.
const CLOSED: &str = "closed";

/// Sockets that one step has made.
pub(super) struct Group {
    making: MakeSocket,
    state: &'static str,
    has_client: bool,
    made: Vec<OneSocket>,
}

impl Group {
    fn has_unique_names(&self) -> bool {
        let name = self.making.name.as_ref();
        name.is_some_and(|name| name.namespace != Namespace::Relative)
    }
}

/// What a run of the program has printed, with the kernel's table as it was then.
struct OneRun {
    printed: Vec<u8>,
    table: Vec<u8>,
}

impl OneRun {
    fn lacks(&self, line: &[u8]) -> bool {
        Listing(&self.printed).find(line) == Found::Missing
    }
}

#[derive(Clone)]
struct OneSocket {
    inode: u64,
    /// As the kernel shows it.
    name: Vec<u8>,
}

/// A socket whose line is not as it must be, and all that is seen about that.
pub(super) struct AboutSocket {
    pub(super) socket: SocketFound,
    pub(super) line: LineState,
    pub(super) table: TableState,
}

impl Runner<'_> {
    pub(super) fn make_socket(&mut self, making: &MakeSocket, within_ms: u64) -> Stepped {
        self.need_peer(HOLDER)?;
        let mut addresses = Vec::new();
        for number in 0..making.count {
            let number = (making.count > 1).then_some(number);
            let name = making.name.as_ref();
            addresses.push(name.map(|name| self.address(name, number)));
        }
        let mut names: Vec<Vec<u8>> = addresses
            .iter()
            .map(|address| address.as_ref().map_or_else(Vec::new, SocketAddress::shown))
            .collect();
        if making.state == SocketState::Accepted {
            let of = making.to.as_ref().and_then(|to| self.sockets.get(to));
            let name = of
                .and_then(|of| of.made.first())
                .map(|one| one.name.clone());
            names = vec![name.unwrap_or_default(); addresses.len()];
        }
        let deed = Deed::MakeSockets {
            socket: making.socket.clone(),
            making: Making {
                kind: making.kind,
                state: making.state,
                file: making.file,
            },
            addresses,
            to: making.to.clone(),
            within_ms,
        };
        let outcome = self.deed_of(HOLDER, &deed, within_ms)?;
        if outcome.made.len() != names.len() {
            return Err(StageError::Fault(format!(
                "cannot make the socket `{}`: {} {}",
                making.socket, outcome.call, outcome.errno
            )));
        }
        if let Some(to) = making.to.as_ref().and_then(|to| self.sockets.get_mut(to)) {
            to.has_client = true;
        }
        let made = outcome.made.iter().zip(names);
        let group = Group {
            making: making.clone(),
            state: making.state.word(),
            has_client: false,
            made: made
                .map(|(made, name)| OneSocket {
                    inode: made.inode,
                    name,
                })
                .collect(),
        };
        self.sockets.insert(making.socket.clone(), group);
        Ok(Ok(()))
    }

    /// Closes sockets; their files stay.
    pub(super) fn close_socket(&mut self, socket: &str) -> Stepped {
        let deed = Deed::CloseSockets {
            socket: socket.to_owned(),
        };
        let outcome = self.deed_of(HOLDER, &deed, GRACE_MS)?;
        self.group(socket)?.state = CLOSED;
        self.judged(outcome)
    }

    /// An address in the stage's directory.
    fn address(&mut self, name: &SocketName, number: Option<u32>) -> SocketAddress {
        let draw = self.draw(name.name.clone());
        let mut bytes = payload::bytes(&draw.payload, draw.seed, draw.place);
        if let Some(number) = number {
            bytes.extend(format!("{number:03}").into_bytes());
        }
        let address = &self.place.address;
        let directory = address.parent().unwrap_or(address).as_os_str().as_bytes();
        let in_front = match name.namespace {
            Namespace::Relative => Vec::new(),
            Namespace::Path => [directory, b"/"].concat(),
            // The kernel counts the NUL before an abstract name; it is added when it is bound.
            Namespace::Abstract => [directory, b"/"].concat(),
        };
        let nul = usize::from(name.namespace == Namespace::Abstract);
        let mut whole = [in_front, bytes].concat();
        if let Some(wanted) = name.bytes {
            whole.resize((wanted as usize).saturating_sub(nul).max(whole.len()), b'n');
        }
        match name.namespace {
            Namespace::Path => SocketAddress::Path(Bytes(whole)),
            Namespace::Relative => SocketAddress::Relative {
                directory: Bytes(directory.to_vec()),
                name: Bytes(whole),
            },
            Namespace::Abstract => SocketAddress::Abstract(Bytes(whole)),
        }
    }

    /// Each of the sockets must have its line, and no other.
    pub(super) fn expect_listed(&mut self, wanted: &Listed, within_ms: u64) -> Stepped {
        let mut runs = vec![self.printed_with_table(&wanted.name, within_ms)?];
        for label in &wanted.sockets {
            let ones = self.group(label)?.made.clone();
            for one in &ones {
                let line = self.fill(&wanted.text, label, one)?;
                // The kernel shows its table a page at a time, and whatever comes or goes meanwhile
                // can hide a socket: what is missing in all runs is missing.
                let mut missing = 0;
                while missing < RUNS && runs.get(missing).is_none_or(|run| run.lacks(&line)) {
                    if runs.len() == missing {
                        runs.push(self.run_again(&wanted.name, within_ms)?);
                    } else {
                        missing += 1;
                    }
                }
                let run = runs.get(missing).unwrap_or(&runs[0]);
                let found = Listing(&run.printed).find(&line);
                let (outcome, got) = match found {
                    Found::Right => continue,
                    Found::Different(got) => ("listed-otherwise", got),
                    Found::Missing => ("not-listed", &b""[..]),
                };
                // A relative name may be anybody's; the others have our directory in them.
                let unique = self.group(label)?.has_unique_names();
                let similar = match found {
                    Found::Missing if unique => {
                        let mut runs = runs.iter().map(|run| Listing(&run.printed));
                        runs.find_map(|listing| listing.containing(&one.name))
                    }
                    _ => None,
                };
                let about = LineState::of_listing(&line, got, similar.unwrap_or_default());
                return Ok(Err(self.failed(
                    outcome,
                    &wanted.name,
                    label,
                    one,
                    about,
                    &runs,
                )?));
            }
        }
        Ok(Ok(()))
    }

    /// None of the sockets may have a line that begins, or ends, like this.
    pub(super) fn expect_unlisted(&mut self, unwanted: &Unlisted, within_ms: u64) -> Stepped {
        let run = self.printed_with_table(&unwanted.name, within_ms)?;
        let printed = &run.printed;
        for label in &unwanted.sockets {
            let ones = self.group(label)?.made.clone();
            for one in &ones {
                let starts = self.fill(&unwanted.starts, label, one)?;
                let ends = self.fill(&unwanted.ends, label, one)?;
                let is_it = |line: &&[u8]| line.starts_with(&starts) && line.ends_with(&ends);
                if let Some(line) = Listing(printed).lines().find(is_it) {
                    let about = LineState::of_listing(b"", line, b"");
                    let runs = std::slice::from_ref(&run);
                    let failed = self.failed("listed", &unwanted.name, label, one, about, runs)?;
                    return Ok(Err(failed));
                }
            }
        }
        Ok(Ok(()))
    }

    fn failed(
        &mut self,
        outcome: &'static str,
        name: &str,
        label: &str,
        one: &OneSocket,
        line: LineState,
        runs: &[OneRun],
    ) -> Result<Failed, StageError> {
        let ours = self.ours();
        let compare = |run: &OneRun| TableState::compare(&run.table, Listing(&run.printed), &ours);
        let table = TableState::of_runs(runs.iter().map(compare));
        let group = self.group(label)?;
        let making = &group.making;
        let (kind, file) = match &making.name {
            None => ("none", "none"),
            Some(name) if name.namespace == Namespace::Abstract => ("abstract", "none"),
            Some(name) => (name.namespace.word(), making.file.word()),
        };
        let socket = SocketFound {
            label: label.to_owned(),
            inode: one.inode,
            socket_type: making.kind.word(),
            state: group.state,
            kind,
            file,
            name: Untrusted::from(one.name.as_slice()).to_string(),
            name_bytes: one.name.len(),
            utf8: std::str::from_utf8(&one.name).is_ok(),
            has_client: group.has_client,
        };
        Ok(Failed {
            listed: Some(Box::new(AboutSocket {
                socket,
                line,
                table,
            })),
            ..Failed::new(outcome, name)
        })
    }

    /// Inodes, as they are written, of the stage's sockets that can be reached by name.
    fn ours(&self) -> BTreeSet<Vec<u8>> {
        let reachable = |group: &&Group| {
            let named = group.making.name.is_some() && group.making.kind == SocketType::Dgram;
            group.state == SocketState::Listening.word() || (named && group.state != CLOSED)
        };
        let groups = self.sockets.values().filter(reachable);
        groups
            .flat_map(|group| &group.made)
            .map(|one| one.inode.to_string().into_bytes())
            .collect()
    }

    /// All that an instance has printed, to the end.
    fn printed(&mut self, name: &str, within_ms: u64) -> Result<Vec<u8>, StageError> {
        let order = Order::AwaitPrinted {
            name: name.to_owned(),
            within_ms,
        };
        match self.order(&order, within_ms)? {
            Answer::Printed { output } => Ok(output.0),
            other => Err(unexpected(&other)),
        }
    }

    /// The same, with the table as it is then.
    fn printed_with_table(&mut self, name: &str, within_ms: u64) -> Result<OneRun, StageError> {
        let printed = self.printed(name, within_ms)?;
        let table = listing::read_table();
        Ok(OneRun { printed, table })
    }

    /// What another run of the program prints, started as this instance was.
    fn run_again(&mut self, name: &str, within_ms: u64) -> Result<OneRun, StageError> {
        self.note("a line is missing: runs the program once more".to_owned());
        let Some(start) = self.starts.get(name).cloned() else {
            return Err(StageError::Fault(format!("`{name}` was not started")));
        };
        let again = Start {
            name: AGAIN.to_owned(),
            wait: Wait::Exit,
            ..start
        };
        // However this run goes, what it printed counts; how it must end is another step's.
        drop(self.start(&again, within_ms)?);
        self.printed_with_table(AGAIN, within_ms)
    }

    fn fill(&mut self, text: &str, label: &str, one: &OneSocket) -> Result<Vec<u8>, StageError> {
        let socket = SocketContext {
            inode: one.inode,
            kind: self.group(label)?.making.kind.word(),
            name: listing::as_characters(&one.name),
        };
        listing::fill(text, &serde_json::json!({ "socket": socket }))
            .map_err(|error| StageError::Fault(error.to_string()))
    }

    fn group(&mut self, label: &str) -> Result<&mut Group, StageError> {
        self.sockets
            .get_mut(label)
            .ok_or_else(|| StageError::Fault(format!("there is no socket `{label}`")))
    }
}
