//! Moves about messages, the descriptors they carry, and files of the stage.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::PathBuf;

use super::talk::path_bytes;
use super::{Failed, GRACE_MS, NO_NAMESPACES, Runner, StageError, Stepped};
use crate::check::arena::Making;
use crate::check::journal;
use crate::check::observation::FileState;
use crate::check::protocol::{
    Bound, Bytes, Deed, DeedResult, DescriptorSeen, Persona, SocketAddress,
};
use crate::curriculum::exercise::Names;
use crate::curriculum::expression;
use crate::curriculum::scenario::{
    At, Binding, ExpectDescriptor, ExpectEntry, ExpectFile, ExpectMessage, FIRST, FieldValue,
    FileContent, MakeFile, OpenSocket, PathKind, SendMessage, SocketType, Who,
};
use crate::sys::spawn::Identity;

impl Runner<'_> {
    /// Where the program listens, or receives.
    pub(super) fn program_address(&self) -> SocketAddress {
        match self.setting.exercise.names {
            Names::Path => SocketAddress::Path(path_bytes(self.place.address.as_os_str())),
            Names::Abstract => SocketAddress::Abstract(Bytes(self.place.name.clone().into_bytes())),
        }
    }

    /// Who a peer becomes; `None`: the program's own user.
    pub(super) fn persona(&self, who: Who) -> Result<Option<Persona>, StageError> {
        let arena = self.setting.arena;
        let stranger = || {
            let gone = || StageError::Fault("no other user can be played".to_owned());
            arena.stranger().ok_or_else(gone)
        };
        let program = arena.identity().map(|identity| identity.gid);
        Ok(match who {
            Who::Program => None,
            Who::Stranger => Some(Persona {
                identity: stranger()?,
                member_of: None,
            }),
            Who::Member => Some(Persona {
                identity: stranger()?,
                member_of: program,
            }),
            Who::Superuser => {
                let identity = Identity { uid: 0, gid: 0 };
                Some(Persona {
                    identity,
                    member_of: None,
                })
            }
        })
    }

    pub(super) fn open_socket(&mut self, opening: &OpenSocket) -> Stepped {
        match self.persona(opening.user)? {
            Some(persona) if !self.peers.contains_key(&opening.peer) => {
                self.start_peer(&opening.peer)?;
                self.become_somebody(&opening.peer, Some(persona))?;
            }
            _ => self.need_peer(&opening.peer)?,
        }
        let bind = match &opening.bind {
            Binding::Nothing => Bound::Nothing,
            Binding::Autobind => Bound::Autobind,
            Binding::Own => {
                let name = format!("client-{}.sock", opening.connection);
                let path = self.place.address.with_file_name(name);
                Bound::To(SocketAddress::Path(path_bytes(path.as_os_str())))
            }
            Binding::At(At::Socket) => Bound::To(self.program_address()),
            Binding::At(At::Other) => Bound::To(SocketAddress::Path(path_bytes(
                self.place.other.as_os_str(),
            ))),
            Binding::Path(path) => {
                Bound::To(SocketAddress::Path(path_bytes(&self.place.fill(path))))
            }
        };
        let deed = Deed::OpenSocket {
            connection: opening.connection.clone(),
            bind,
            asks_credentials: opening.asks_credentials,
        };
        self.connections
            .insert(opening.connection.clone(), opening.peer.clone());
        let stepped = self.traffic(&opening.connection, &deed, GRACE_MS)?;
        if stepped.is_ok() {
            self.unconnected.insert(opening.connection.clone());
        }
        Ok(stepped)
    }

    pub(super) fn send_message(&mut self, message: &SendMessage, within_ms: u64) -> Stepped {
        let unconnected = self.unconnected.contains(&message.connection);
        let deed = Deed::SendMessage {
            connection: message.connection.clone(),
            to: unconnected.then(|| self.program_address()),
            data: self.draw(message.data.clone()),
            pieces: message.pieces,
            attach: message.attach.clone(),
            holds: message
                .attach
                .iter()
                .map(|attached| self.draw(attached.holds.clone()))
                .collect(),
            directory: path_bytes(self.place.directory.as_os_str()),
            credentials: message.credentials,
            full: message.full,
            within_ms,
        };
        self.repeated(&message.connection, &deed, message.times, within_ms)
    }

    pub(super) fn expect_message(&mut self, wanted: &ExpectMessage, within_ms: u64) -> Stepped {
        let deed = Deed::ReceiveMessage {
            connection: wanted.connection.clone(),
            data: self.draw(wanted.data.clone()),
            from: wanted.from,
            program: self.program_address(),
            descriptors: wanted.descriptors,
            room: wanted.room,
            within_ms,
        };
        self.repeated(&wanted.connection, &deed, wanted.times, within_ms)
    }

    /// The same deed so many times, or until it fails.
    fn repeated(&mut self, connection: &str, deed: &Deed, times: u32, within_ms: u64) -> Stepped {
        for _ in 1..times {
            if let Err(failed) = self.traffic(connection, deed, within_ms)? {
                return Ok(Err(failed));
            }
        }
        self.traffic(connection, deed, within_ms)
    }

    pub(super) fn expect_no_message(&mut self, connection: &str, within_ms: u64) -> Stepped {
        if let Err(failed) = self.fall_asleep(FIRST, within_ms)? {
            return Ok(Err(failed));
        }
        let deed = Deed::ExpectNoMessage {
            connection: connection.to_owned(),
        };
        self.traffic(connection, &deed, GRACE_MS)
    }

    pub(super) fn expect_descriptor(
        &mut self,
        wanted: &ExpectDescriptor,
        within_ms: u64,
    ) -> Stepped {
        let look = Deed::ExamineDescriptor {
            connection: wanted.connection.clone(),
            index: wanted.index,
            holds: None,
            within_ms,
        };
        let outcome = self.deed(&wanted.connection, &look, within_ms)?;
        let seen = &outcome.descriptor;
        let same_as = self.same_as(wanted, seen);
        let as_wanted = wanted.file.is_none_or(|file| file.includes(seen.file))
            && wanted.access.is_none_or(|access| access == seen.access)
            && (wanted.offset.is_none() || wanted.offset == seen.offset)
            && wanted.seals.iter().all(|seal| seen.seals.contains(seal))
            && same_as.is_empty();
        self.examined
            .insert(wanted.connection.clone(), seen.file_id);
        if outcome.result == DeedResult::Done && !as_wanted {
            return Ok(Err(Failed {
                deed: Some(outcome),
                same_as,
                ..Failed::new("other-descriptor", FIRST)
            }));
        }
        let stepped = self.judged(outcome)?;
        let (Ok(()), Some(holds)) = (&stepped, &wanted.holds) else {
            return Ok(stepped);
        };
        let read = Deed::ExamineDescriptor {
            connection: wanted.connection.clone(),
            index: wanted.index,
            holds: Some(self.draw(holds.clone())),
            within_ms,
        };
        self.traffic(&wanted.connection, &read, within_ms)
    }

    /// What a descriptor may not be and is: that of another connection, or the checker's namespace.
    fn same_as(&self, wanted: &ExpectDescriptor, seen: &DescriptorSeen) -> String {
        let Some(other) = &wanted.unlike else {
            return String::new();
        };
        if seen.own_namespace {
            return "checker".to_owned();
        }
        match self.examined.get(other) {
            Some(file) if *file == seen.file_id => other.clone(),
            _ => String::new(),
        }
    }

    /// Reads one datagram, which must be an entry for the journal.
    pub(super) fn expect_entry(&mut self, wanted: &ExpectEntry, within_ms: u64) -> Stepped {
        let identity = Deed::Read {
            connection: wanted.of.clone(),
            bytes: Some(0),
            within_ms,
        };
        let peer = self.deed(&wanted.of, &identity, within_ms)?.me;
        let mut fields = Vec::new();
        for field in &wanted.fields {
            let value = match &field.holds {
                FieldValue::Data(data) => self.bytes_of(data),
                FieldValue::Text(text) => {
                    let filled = expression::fill(text, &serde_json::json!({ "peer": peer }));
                    let filled = filled.map_err(|error| StageError::Fault(error.to_string()))?;
                    filled.into_bytes()
                }
            };
            let name = field.name.clone();
            fields.push(journal::Field { name, value });
        }
        let deed = Deed::ReceiveDatagram {
            connection: wanted.connection.clone(),
            within_ms,
        };
        let outcome = self.deed(&wanted.connection, &deed, within_ms)?;
        let wrong = match outcome.result {
            DeedResult::Done => journal::compare(&outcome.datagram.0, &fields, &wanted.without),
            _ => return self.judged(outcome),
        };
        let Some((failed, entry)) = wrong else {
            return Ok(Ok(()));
        };
        Ok(Err(Failed {
            deed: Some(outcome),
            entry,
            ..Failed::new(failed, FIRST)
        }))
    }

    /// Finds out whether the program may make namespaces: a peer of its user tries.
    pub(super) fn try_namespaces(&mut self) -> Result<(), StageError> {
        const TRIES: &str = "namespaces";
        self.need_peer(TRIES)?;
        let outcome = self.deed_of(TRIES, &Deed::EnterNamespaces, GRACE_MS)?;
        self.peers.remove(TRIES);
        match outcome.result {
            DeedResult::Done => Ok(()),
            _ => Err(StageError::CannotJudge(NO_NAMESPACES)),
        }
    }

    /// Ends a peer process and waits for that: what it had open is closed, and nobody has its pid.
    pub(super) fn end_peer(&mut self, peer: &str) -> Stepped {
        let Some(link) = self.peers.remove(peer) else {
            return Err(StageError::Fault(format!("there is no peer `{peer}`")));
        };
        drop(link);
        let others = |_: &String, held_by: &mut String| held_by != peer;
        self.connections.retain(others);
        self.listeners.retain(others);
        self.unconnected
            .retain(|connection| self.connections.contains_key(connection));
        Ok(Ok(()))
    }

    pub(super) fn make_file(&mut self, making: &MakeFile) -> Stepped {
        let path = PathBuf::from(self.place.fill(&making.path));
        let arena = self.setting.arena;
        let made = match &making.content {
            FileContent::Data(data) => {
                let bytes = self.bytes_of(data);
                arena.make(&path, &Making::File(&bytes), making.mode)
            }
            FileContent::Directory => arena.make(&path, &Making::Directory, making.mode),
            FileContent::Fifo => arena.make(&path, &Making::Fifo, making.mode),
            FileContent::Link(to) => {
                let to = self.place.fill(to);
                arena.make(&path, &Making::Link(to.as_ref()), None)
            }
        };
        made.map_err(|error| StageError::Fault(format!("cannot make a file: {error}")))?;
        Ok(Ok(()))
    }

    /// Removes a file; one that is not there is well.
    pub(super) fn remove_file(&mut self, path: &str) -> Stepped {
        let path = PathBuf::from(self.place.fill(path));
        match self.setting.arena.remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StageError::Fault(format!("cannot remove a file: {error}")))
            }
            _ => Ok(Ok(())),
        }
    }

    pub(super) fn expect_file(&mut self, wanted: &ExpectFile) -> Stepped {
        let path = PathBuf::from(self.place.fill(&wanted.path));
        let found = fs::symlink_metadata(&path).ok();
        let kind = found.as_ref().map_or(PathKind::Missing, |found| {
            let kind = found.file_type();
            if kind.is_socket() {
                PathKind::Socket
            } else if kind.is_file() {
                PathKind::Regular
            } else if kind.is_dir() {
                PathKind::Directory
            } else if kind.is_symlink() {
                PathKind::Link
            } else {
                PathKind::Other
            }
        });
        let mode = found.map_or(0, |found| found.permissions().mode() & 0o7777);
        let failed = if kind != wanted.kind {
            "other-file"
        } else if wanted.mode.is_some_and(|wanted| wanted != mode) {
            "other-mode"
        } else {
            return Ok(Ok(()));
        };
        Ok(Err(Failed {
            file: FileState::new(&path, kind, mode, wanted),
            ..Failed::new(failed, FIRST)
        }))
    }

    /// The type of socket that the program listens with, or receives with.
    pub(super) fn program_type(&self) -> SocketType {
        self.setting.exercise.socket
    }
}
