//! Moves on connections: connecting as a peer process, and traffic that must go well.

use std::path::Path;

use super::talk::path_bytes;
use super::{Failed, GRACE_MS, Runner, StageError, Stepped};
use crate::check::link::Link;
use crate::check::observation::FiltersState;
use crate::check::patience::Deadline;
use crate::check::program::Program;
use crate::check::protocol::{Bytes, Deed, DeedResult, Due, Outcome, Persona, Queue};
use crate::curriculum::exercise::Answers;
use crate::curriculum::scenario::{FIRST, Filters, Payload, SocketType, Who};

/// Why a stage with more clients than we may have descriptors is not judged.
const NO_ROOM_FOR_A_CROWD: &str = "This stage has more clients at once than the tester may have descriptors here (RLIMIT_NOFILE, getrlimit(2)).";
/// Why a stage that needs descriptors in flight is not judged.
const TOO_MANY_IN_FLIGHT: &str = "Your user has more descriptors in flight than the tester may open here (RLIMIT_NOFILE; ETOOMANYREFS in unix(7)).";
/// How long a connection is waited for between two looks at whether the program still runs, in
/// milliseconds.
const ACCEPT_MS: u64 = 100;
/// How long a program that nothing more goes to may take to fall asleep before it is tried again, in
/// milliseconds.
const SLEEP_MS: u64 = 300;

/// Where and how a peer listens.
pub(super) struct Listening<'a> {
    /// The path.
    pub(super) path: &'a Path,
    /// Connections that may wait.
    pub(super) backlog: u32,
    /// Permissions of the name.
    pub(super) mode: Option<u32>,
    /// The type of socket.
    pub(super) kind: SocketType,
}

impl Runner<'_> {
    pub(super) fn connect(
        &mut self,
        connection: &str,
        peer: &str,
        send_buffer: Option<u32>,
        user: Who,
        within_ms: u64,
    ) -> Stepped {
        let persona = self.persona(user)?;
        let persona = match persona {
            // It becomes that user when it connects, and is nobody's peer before.
            Some(_) if !self.peers.contains_key(peer) => {
                self.start_peer(peer)?;
                persona
            }
            _ => {
                self.need_peer(peer)?;
                None
            }
        };
        self.connections
            .insert(connection.to_owned(), peer.to_owned());
        let deed = Deed::Connect {
            connection: connection.to_owned(),
            kind: self.program_type(),
            to: self.program_address(),
            inode: self.ready,
            send_buffer,
            user: persona,
            within_ms,
        };
        let stepped = self.traffic(connection, &deed, within_ms)?;
        if stepped.is_err() {
            self.connections.remove(connection);
        }
        Ok(stepped)
    }

    /// Starts the peer process of that name, if it is not there.
    pub(super) fn need_peer(&mut self, peer: &str) -> Result<(), StageError> {
        if self.peers.contains_key(peer) {
            return Ok(());
        }
        self.start_peer(peer)?;
        // A server that somebody runs is theirs, and so are its clients; our own program's clients
        // are its own user's.
        let user = match self.setting.program {
            Program::Running(_) => None,
            Program::Words(_) | Program::Shell(_) => self.setting.arena.identity(),
        };
        let persona = user.map(|identity| Persona {
            identity,
            member_of: None,
        });
        self.become_somebody(peer, persona)
    }

    /// Makes a peer somebody else's process.
    pub(super) fn become_somebody(
        &mut self,
        peer: &str,
        user: Option<Persona>,
    ) -> Result<(), StageError> {
        let outcome = self.deed_of(peer, &Deed::Identify { user }, GRACE_MS)?;
        if outcome.result != DeedResult::Done {
            return Err(StageError::Fault(format!(
                "a peer cannot become user: {}",
                outcome.errno
            )));
        }
        Ok(())
    }

    pub(super) fn start_peer(&mut self, peer: &str) -> Result<(), StageError> {
        self.peers.insert(peer.to_owned(), Link::start("peer")?);
        Ok(())
    }

    /// A peer listens.
    pub(super) fn listen(&mut self, listener: &str, how: &Listening<'_>, peer: &str) -> Stepped {
        self.need_peer(peer)?;
        self.listeners.insert(listener.to_owned(), peer.to_owned());
        let deed = Deed::Listen {
            listener: listener.to_owned(),
            path: path_bytes(how.path.as_os_str()),
            backlog: how.backlog,
            mode: how.mode,
            kind: how.kind,
        };
        let outcome = self.deed_of(peer, &deed, GRACE_MS)?;
        self.judged(outcome)
    }

    /// A peer listens for the connection that an instance will be given; where it does.
    pub(super) fn listen_for(&mut self, name: &str) -> Result<Bytes, StageError> {
        let path = self.place.given(name);
        let how = Listening {
            path: &path,
            backlog: 1,
            mode: None,
            kind: SocketType::Stream,
        };
        match self.listen(&given(name), &how, "peer")? {
            Ok(()) => Ok(path_bytes(path.as_os_str())),
            Err(_) => Err(StageError::Fault("a peer cannot listen".to_owned())),
        }
    }

    /// Accepts a connection at a listener.
    pub(super) fn accept(&mut self, listener: &str, connection: &str, within_ms: u64) -> Stepped {
        let peer = self.listener(listener)?;
        let deadline = Deadline::after_ms(within_ms);
        loop {
            // Whoever has ended before this look cannot connect after it.
            let over = deadline.passed() || !self.anybody_runs()?;
            let left_ms = deadline.left().as_millis() as u64;
            let deed = Deed::Accept {
                listener: listener.to_owned(),
                connection: connection.to_owned(),
                within_ms: if over { 1 } else { left_ms.clamp(1, ACCEPT_MS) },
            };
            let outcome = self.deed_of(&peer, &deed, within_ms)?;
            if outcome.result == DeedResult::TimedOut && !over {
                continue;
            }
            let stepped = self.judged(outcome)?;
            if stepped.is_ok() {
                self.connections.insert(connection.to_owned(), peer);
            }
            return Ok(stepped);
        }
    }

    /// Whether any instance of the program runs.
    fn anybody_runs(&mut self) -> Result<bool, StageError> {
        for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
            if self.look(&name)?.running {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A peer puts filters of frames behind a listener.
    pub(super) fn serve_frames(&mut self, listener: &str, filters: &Filters) -> Stepped {
        let peer = self.listener(listener)?;
        let deed = Deed::ServeFrames {
            listener: listener.to_owned(),
            fault: filters.fault,
            delivery: filters.delivery,
            delay_ms: filters.delay,
        };
        let outcome = self.deed_of(&peer, &deed, GRACE_MS)?;
        self.serving = Some((peer, filters.what.clone()));
        self.judged(outcome)
    }

    /// What came of the filters that are served, if any are.
    pub(super) fn filters(&mut self) -> Result<FiltersState, StageError> {
        let Some((peer, what)) = self.serving.clone() else {
            return Ok(FiltersState::default());
        };
        let seen = self.deed_of(&peer, &Deed::TellServed, GRACE_MS)?.filters;
        Ok(FiltersState {
            connections: seen.connections,
            frames: seen.frames,
            shown: seen.shown,
            what,
        })
    }

    /// The peer that holds a listener.
    pub(super) fn listener(&self, listener: &str) -> Result<String, StageError> {
        self.listeners
            .get(listener)
            .cloned()
            .ok_or_else(|| StageError::Fault(format!("there is no listener `{listener}`")))
    }

    /// Where bytes that are sent on a connection are due, when a step does not say.
    pub(super) fn due(&self, connection: &str, said: Option<&str>) -> Due {
        match (said, self.setting.exercise.answers) {
            (Some(other), _) => Due::On(other.to_owned()),
            (None, Answers::Echo) => Due::On(connection.to_owned()),
            (None, Answers::AsTold) => Due::Nowhere,
        }
    }

    /// Limits the descriptors of a process, as its own user.
    pub(super) fn limit_descriptors(&mut self, pid: i32, spare: Option<u64>) -> Stepped {
        const PEER: &str = "peer";
        self.need_peer(PEER)?;
        let deed = Deed::LimitDescriptors { pid, spare };
        let outcome = self.deed_of(PEER, &deed, GRACE_MS)?;
        self.judged(outcome)
    }

    /// Keeps descriptors in flight, as the program's own user.
    pub(super) fn keep_in_flight(&mut self, descriptors: u32) -> Stepped {
        const PEER: &str = "peer";
        self.need_peer(PEER)?;
        let outcome = self.deed_of(PEER, &Deed::KeepInFlight { descriptors }, GRACE_MS)?;
        // Our limit, not the program's.
        if outcome.errno == "ETOOMANYREFS" {
            return Err(StageError::CannotJudge(TOO_MANY_IN_FLIGHT));
        }
        self.judged(outcome)
    }

    /// Many connections at once.
    pub(super) fn many_clients(
        &mut self,
        (count, at_once): (u64, u64),
        data: &Payload,
        back: Option<&Payload>,
        within_ms: u64,
    ) -> Stepped {
        const CROWD: &str = "crowd";
        self.need_peer(CROWD)?;
        let data = self.draw(data.clone());
        let back = back.map(|back| self.draw(back.clone()));
        let deed = Deed::ManyClients {
            to: self.program_address(),
            inode: self.ready,
            count,
            at_once,
            back: back.unwrap_or_else(|| data.clone()),
            data,
            within_ms,
        };
        let outcome = self.deed_of(CROWD, &deed, within_ms)?;
        // Ours, not the program's: what it lacks is seen as connections that it ends.
        if outcome.errno == "EMFILE" {
            return Err(StageError::CannotJudge(NO_ROOM_FOR_A_CROWD));
        }
        self.judged(outcome)
    }

    /// Sends until nothing more goes through *and* the program sleeps: on a busy machine a socket
    /// stays full for a while although its reader is about to run.
    pub(super) fn send_until_blocked(
        &mut self,
        connection: &str,
        limit: u64,
        due: Option<&str>,
        within_ms: u64,
    ) -> Stepped {
        let mut deadline = Deadline::after_ms(within_ms);
        let data = self.draw(Payload::random(limit));
        let due = self.due(connection, due);
        let mut from = 0;
        let mut slept = false;
        loop {
            let deed = Deed::SendUntilBlocked {
                connection: connection.to_owned(),
                data: data.clone(),
                from,
                due: due.clone(),
                within_ms: (deadline.left().as_millis() as u64).max(1),
            };
            let before = self.deed_sent(connection)?;
            if let Err(failed) = self.traffic(connection, &deed, within_ms)? {
                return Ok(Err(failed));
            }
            let accepted = self.deed_sent(connection)? - before;
            from += accepted;
            if accepted > 0 {
                // It goes on, up to the limit.
                deadline = Deadline::after_ms(within_ms);
            }
            // Asleep, and after that there was still no room.
            if from >= limit || deadline.passed() || (slept && accepted == 0) {
                return Ok(Ok(()));
            }
            // Whoever never sleeps is tried again all the same.
            slept = self.fell_asleep(Deadline::after_ms(SLEEP_MS).earlier(deadline))?;
        }
    }

    /// Measures what the program has sent and nobody has read, once it sleeps: then it has sent what
    /// it is going to.
    pub(super) fn note_queue(&mut self, name: &str, connection: &str, within_ms: u64) -> Stepped {
        if let Err(failed) = self.fall_asleep(name, within_ms)? {
            return Ok(Err(failed));
        }
        let deed = Deed::Queue {
            connection: connection.to_owned(),
        };
        let outcome = self.deed(connection, &deed, GRACE_MS)?;
        self.queue = outcome.queue;
        self.judged(outcome)
    }

    /// The same, and the next call that sends would block, or so many bytes have been taken.
    pub(super) fn expect_full_queue(
        &mut self,
        name: &str,
        connection: &str,
        or_taken: Option<u64>,
        within_ms: u64,
    ) -> Stepped {
        if let Err(failed) = self.note_queue(name, connection, within_ms)? {
            return Ok(Err(failed));
        }
        let failed = match self.queue {
            Queue { taken, .. } if or_taken.is_some_and(|all| taken >= all) => return Ok(Ok(())),
            Queue { closed: true, .. } => "end",
            Queue { memory, limit, .. } if limit == 0 || memory < limit => "room-left",
            _ => return Ok(Ok(())),
        };
        let outcome = self.deed(
            connection,
            &Deed::Read {
                connection: connection.to_owned(),
                bytes: Some(0),
                within_ms,
            },
            GRACE_MS,
        )?;
        Ok(Err(Failed {
            deed: Some(outcome),
            ..Failed::new(failed, name)
        }))
    }

    /// The name of the connection whose socket has this inode, or empty.
    pub(super) fn connection_of(&mut self, inode: u64) -> Result<String, StageError> {
        let names: Vec<String> = match inode {
            0 => Vec::new(),
            _ => self.connections.keys().cloned().collect(),
        };
        for name in names {
            if self.nothing_of(&name)?.inode == inode {
                return Ok(name);
            }
        }
        Ok(String::new())
    }

    /// Bytes sent on a connection so far.
    pub(super) fn deed_sent(&mut self, connection: &str) -> Result<u64, StageError> {
        Ok(self.nothing_of(connection)?.sent)
    }

    /// What a peer says of a connection when it does nothing with it.
    fn nothing_of(&mut self, connection: &str) -> Result<Outcome, StageError> {
        let nothing = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms: 1,
        };
        self.deed(connection, &nothing, GRACE_MS)
    }

    /// A deed that must be done.
    pub(super) fn traffic(&mut self, connection: &str, deed: &Deed, within_ms: u64) -> Stepped {
        let outcome = self.deed(connection, deed, within_ms)?;
        self.judged(outcome)
    }

    /// What an outcome means for a step that needs the deed done.
    pub(super) fn judged(&mut self, outcome: Outcome) -> Stepped {
        let failed = match outcome.result {
            DeedResult::Done => return Ok(Ok(())),
            DeedResult::TimedOut => "timeout",
            DeedResult::End => "end",
            DeedResult::Reset => "reset",
            DeedResult::Mismatch => "mismatch",
            DeedResult::Extra => "extra",
            DeedResult::Errno => "errno",
            DeedResult::Replaced => "wrong-server",
            DeedResult::OtherSender => "other-sender",
            DeedResult::OtherDescriptors => "other-descriptors",
            DeedResult::OtherAnswer => "other-answer",
            DeedResult::Fault => {
                return Err(StageError::Fault(format!(
                    "a peer cannot do this: {}",
                    outcome.call
                )));
            }
        };
        self.note(
            format!("{failed}: {} {}", outcome.call, outcome.errno)
                .trim_end()
                .to_owned(),
        );
        Ok(Err(Failed {
            deed: Some(outcome),
            ..Failed::new(failed, FIRST)
        }))
    }
}

/// The listener at which an instance's own connection arrives.
pub(super) fn given(name: &str) -> String {
    format!("given to {name}")
}
