//! A peer: the disposable process that carries traffic with the learner's program.
//!
//! It does one deed at a time, each with a deadline, and says what it saw. Whatever a hostile
//! program does to a connection happens to this process and not to the grader. It remembers, for
//! each connection, which bytes are due back; it judges nothing else.
//!
//! One connection and all that can be done with it is `connection`; traffic both ways at once is
//! `exchange`, many connections at once are `crowd`, listening is `listener`; sockets that are only
//! there are `named`; one message with all that goes with it is `message`; what takes its time is
//! `pace`, where a stream of frames is cut is told by `cut`, and where misplaced bytes belong by
//! `whence`, and what a program answers that plays the kernel by `kernel`. Filters of frames that a learner's
//! tests are tried on are `frames`; while it waits for deeds, `subject` serves them.

mod connection;
mod crowd;
mod cut;
mod descriptor;
mod exchange;
mod frames;
mod in_flight;
mod kernel;
mod listener;
mod message;
mod named;
mod pace;
mod subject;
mod whence;

use std::collections::BTreeMap;
use std::io::{self};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::Shutdown;

use self::connection::{Connection, Destination, Stop, connect, os_errno};
use self::crowd::Crowd;
use self::exchange::{End, exchange};
use self::in_flight::InFlight;
use self::named::Named;
use self::pace::Asking;
use self::subject::Subjects;
use self::whence::found_at;
use super::link::Line;
use super::protocol::{Credentials, Deed, DeedResult, Draw, Due, Outcome, Persona};
use super::{patience, payload};
use crate::check::patience::Deadline;
use crate::sys::clock::now_us;
use crate::sys::process;

/// A socket that has taken nothing for so long is full for now, in milliseconds; the grader looks
/// whether its reader sleeps.
const ROOM_MS: u64 = 20;
/// A socket that has taken nothing for so long takes no flood any more, in milliseconds.
const FLOOD_MS: u64 = 100;

/// Plays a peer until the grader hangs up. Standard input is the line to it.
///
/// # Errors
/// When standard input is no line.
pub fn play() -> io::Result<()> {
    let mut line = Line::from_stdin()?;
    crate::sys::spawn::shield()?;
    crowd::make_room();
    patience::watch(nix::unistd::getpid().as_raw());
    // The grader and all below it: a program that has no connection to us is not seen otherwise.
    patience::watch_helper(nix::unistd::getppid().as_raw());
    let mut peer = Peer::default();
    loop {
        match line.next::<Deed>() {
            Ok(Some(deed)) => {
                let outcome = peer.carry_out(deed);
                line.answer(&outcome)?;
            }
            Ok(None) if peer.subjects.is_some() => {
                let Some(subjects) = &mut peer.subjects else {
                    continue;
                };
                subjects.turn();
                subjects.wait(line.as_fd());
            }
            Ok(None) => {
                let mut fds = [PollFd::new(line.as_fd(), PollFlags::POLLIN)];
                let _ = nix::poll::poll(&mut fds, nix::poll::PollTimeout::NONE);
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Becomes somebody else for good.
fn become_persona(persona: Persona) -> Result<(), Stop> {
    let groups: Vec<u32> = persona.member_of.into_iter().collect();
    crate::sys::spawn::become_member(persona.identity, &groups)
        .map_err(|error| Stop::errno(os_errno(&error), "setresuid"))
}

#[derive(Default)]
struct Peer {
    connections: BTreeMap<String, Connection>,
    listeners: BTreeMap<String, OwnedFd>,
    /// Sockets that are only there, by what they are called together.
    named: BTreeMap<String, Vec<Named>>,
    /// Filters of frames behind a listener.
    subjects: Option<Subjects>,
    /// RLIMIT_NOFILE of processes before we lowered it.
    limits: BTreeMap<i32, u64>,
    /// What we keep in flight.
    in_flight: Vec<InFlight>,
}

impl Peer {
    fn carry_out(&mut self, deed: Deed) -> Outcome {
        let name = match &deed {
            Deed::Identify { .. }
            | Deed::Listen { .. }
            | Deed::LimitDescriptors { .. }
            | Deed::KeepInFlight { .. }
            | Deed::StopListening { .. }
            | Deed::MakeSockets { .. }
            | Deed::CloseSockets { .. }
            | Deed::ServeFrames { .. }
            | Deed::TellServed
            | Deed::EnterNamespaces
            | Deed::ManyClients { .. } => String::new(),
            Deed::Connect { connection, .. }
            | Deed::Send { connection, .. }
            | Deed::SendUntilBlocked { connection, .. }
            | Deed::Exchange { connection, .. }
            | Deed::SendDescriptors { connection, .. }
            | Deed::FinishPipe { connection, .. }
            | Deed::ShutDownWriting { connection }
            | Deed::Accept { connection, .. }
            | Deed::Flood { connection, .. }
            | Deed::OpenSocket { connection, .. }
            | Deed::SendMessage { connection, .. }
            | Deed::ReceiveMessage { connection, .. }
            | Deed::ReceiveDatagram { connection, .. }
            | Deed::ExpectNoMessage { connection }
            | Deed::ExamineDescriptor { connection, .. }
            | Deed::AddToEventfd { connection, .. }
            | Deed::Expect { connection, .. }
            | Deed::ExpectNothing { connection }
            | Deed::Queue { connection }
            | Deed::ExpectCut { connection, .. }
            | Deed::AskUntil { connection, .. }
            | Deed::Compare { connection, .. }
            | Deed::Drip { connection, .. }
            | Deed::Read { connection, .. }
            | Deed::ReadEnd { connection, .. }
            | Deed::Abandon { connection, .. }
            | Deed::Close { connection } => connection.clone(),
        };
        // Whoever is at the other end may have to wait for a CPU, too.
        for server in self.connections.values().filter_map(|it| it.server) {
            if server.pid > 0 {
                patience::watch(server.pid);
            }
        }
        let mut outcome = Outcome::default();
        let stop = self.dispatch(deed, &mut outcome).err();
        let about = stop.as_ref().and_then(|stop| stop.about.clone());
        let name = about.unwrap_or(name);
        if let Some(connection) = self.connections.get(&name) {
            outcome.inode = connection.inode();
            outcome.sent = connection.sent;
            outcome.received = connection.received;
            outcome.descriptors_sent = connection.descriptors_sent;
            outcome.server = connection.server;
            outcome.pipe_inode = connection.pipe.as_ref().map_or(0, |pipe| pipe.inode);
        }
        if let Some(stop) = stop {
            outcome.result = stop.result;
            outcome.errno = stop.errno;
            stop.call.clone_into(&mut outcome.call);
            self.look_around(&name, &mut outcome);
        }
        outcome.connection = name;
        outcome.me = Credentials {
            pid: nix::unistd::getpid().as_raw(),
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
        };
        outcome.at_us = now_us();
        outcome
    }

    fn dispatch(&mut self, deed: Deed, outcome: &mut Outcome) -> Result<(), Stop> {
        match deed {
            Deed::Identify { user } => user.map_or(Ok(()), become_persona),
            Deed::Connect {
                connection,
                kind,
                to,
                inode,
                send_buffer,
                user,
                within_ms,
            } => {
                let destination = Destination {
                    kind,
                    to: &to,
                    inode,
                    send_buffer,
                    user,
                };
                let made = connect(&destination, Deadline::after_ms(within_ms))?;
                self.connections.insert(connection, made);
                Ok(())
            }
            Deed::Send {
                connection,
                data,
                piece,
                due,
                within_ms,
            } => {
                let bytes = draw(&data);
                let piece = piece.map_or(bytes.len(), |piece| piece as usize).max(1);
                let deadline = Deadline::after_ms(within_ms);
                let mut gone = Vec::new();
                let connection = self.get(&connection)?;
                let sent = bytes
                    .chunks(piece)
                    .try_for_each(|chunk| connection.send(chunk, deadline, &mut gone));
                self.note(&due, &gone)?;
                sent
            }
            Deed::SendUntilBlocked {
                connection,
                data,
                from,
                due,
                within_ms,
            } => {
                let bytes = draw(&data);
                let rest = bytes.get(from as usize..).unwrap_or_default();
                let deadline = Deadline::after_ms(within_ms);
                let mut gone = Vec::new();
                let sent = self
                    .get(&connection)?
                    .send_until_blocked(rest, ROOM_MS, deadline, &mut gone);
                self.note(&due, &gone)?;
                sent
            }
            Deed::Exchange {
                connection,
                data,
                back,
                other,
                within_ms,
            } => {
                let (data, back) = (draw(&data), draw(&back));
                let deadline = Deadline::after_ms(within_ms);
                self.exchange(
                    &connection,
                    &data,
                    &back,
                    other.as_deref(),
                    deadline,
                    outcome,
                )
            }
            deed @ (Deed::OpenSocket { .. }
            | Deed::SendMessage { .. }
            | Deed::ReceiveMessage { .. }
            | Deed::ReceiveDatagram { .. }
            | Deed::ExpectNoMessage { .. }
            | Deed::ExamineDescriptor { .. }
            | Deed::AddToEventfd { .. }) => self.about_messages(deed, outcome),
            Deed::EnterNamespaces => {
                let both = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET;
                unshare(both).map_err(|errno| Stop::errno(errno, "unshare"))
            }
            Deed::LimitDescriptors { pid, spare } => {
                let limit = match spare {
                    Some(spare) => Some(crowd::room_for(pid, spare)),
                    None => self.limits.get(&pid).copied(),
                };
                let Some(limit) = limit else { return Ok(()) };
                let before = process::limit_descriptors(pid, limit)
                    .map_err(|error| Stop::errno(os_errno(&error), "prlimit"))?;
                self.limits.entry(pid).or_insert(before);
                Ok(())
            }
            Deed::KeepInFlight { descriptors } => {
                let kept =
                    InFlight::new(descriptors).map_err(|errno| Stop::errno(errno, "sendmsg"))?;
                self.in_flight.push(kept);
                Ok(())
            }
            Deed::Listen {
                listener,
                path,
                backlog,
                mode,
                kind,
            } => {
                let made = listener::listen(&path, kind, backlog, mode)?;
                self.listeners.insert(listener, made);
                Ok(())
            }
            Deed::Accept {
                listener,
                connection,
                within_ms,
            } => {
                let listener = self
                    .listeners
                    .get(&listener)
                    .ok_or(Stop::new(DeedResult::Fault, "accept"))?;
                let made = listener::accept(listener, Deadline::after_ms(within_ms))?;
                self.connections.insert(connection, made);
                Ok(())
            }
            Deed::StopListening { listener } => self
                .listeners
                .remove(&listener)
                .map(drop)
                .ok_or(Stop::new(DeedResult::Fault, "close")),
            Deed::ServeFrames {
                listener,
                fault,
                delivery,
                delay_ms,
            } => {
                let listener = self
                    .listeners
                    .get(&listener)
                    .ok_or(Stop::new(DeedResult::Fault, "serve frames"))?;
                let subjects = Subjects::new(listener, fault, delivery, delay_ms)
                    .map_err(|error| Stop::errno(os_errno(&error), "fcntl"))?;
                self.subjects = Some(subjects);
                Ok(())
            }
            Deed::TellServed => {
                if let Some(subjects) = &mut self.subjects {
                    subjects.turn();
                    outcome.filters = subjects.seen();
                }
                Ok(())
            }
            Deed::ManyClients {
                to,
                inode,
                count,
                at_once,
                data,
                back,
                within_ms,
            } => {
                let crowd = Crowd {
                    to: &to,
                    inode,
                    count,
                    at_once,
                    data: &draw(&data),
                    back: &draw(&back),
                };
                crowd::come(&crowd, Deadline::after_ms(within_ms), outcome)
            }
            Deed::Flood {
                connection,
                data,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                let connection = self.get(&connection)?;
                let bytes = draw(&data);
                let sent =
                    connection.send_until_blocked(&bytes, FLOOD_MS, deadline, &mut Vec::new());
                match sent {
                    Err(stop) if stop.result == DeedResult::Fault => Err(stop),
                    _ => Ok(()),
                }
            }
            Deed::Expect {
                connection,
                data,
                within_ms,
            } => {
                let connection = self.get(&connection)?;
                if !connection.due.is_empty() {
                    return Err(Stop::new(DeedResult::Fault, "expect other bytes first"));
                }
                let bytes = draw(&data);
                connection.due.extend(&bytes);
                let read = connection.read(bytes.len(), Deadline::after_ms(within_ms), outcome);
                if read.is_err() {
                    outcome.found_at = found_at(&bytes, outcome);
                }
                read
            }
            Deed::Queue { connection } => {
                outcome.queue = self.get(&connection)?.queue()?;
                Ok(())
            }
            Deed::ExpectNothing { connection } => {
                let connection = self.get(&connection)?;
                connection.begin_read(outcome);
                connection.try_read(64 * 1024, outcome).map(drop)
            }
            Deed::SendDescriptors {
                connection,
                data,
                holds,
                file,
                count,
                within_ms,
            } => self.get(&connection)?.send_descriptors(
                &draw(&data),
                draw(&holds),
                file,
                count as usize,
                Deadline::after_ms(within_ms),
            ),
            Deed::FinishPipe {
                connection,
                within_ms,
            } => self
                .get(&connection)?
                .finish_pipe(Deadline::after_ms(within_ms)),
            Deed::ShutDownWriting { connection } => {
                let socket = self.get(&connection)?.socket.as_raw_fd();
                nix::sys::socket::shutdown(socket, Shutdown::Write)
                    .map_err(|errno| Stop::errno(errno, "shutdown"))
            }
            Deed::Read {
                connection,
                bytes,
                within_ms,
            } => {
                let connection = self.get(&connection)?;
                let wanted = bytes.map_or(connection.due.len(), |n| {
                    connection.due.len().min(n as usize)
                });
                connection.read(wanted, Deadline::after_ms(within_ms), outcome)
            }
            Deed::ExpectCut {
                connection,
                data,
                then,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                let connection = self.get(&connection)?;
                cut::expect(connection, &draw(&data), &draw(&then), deadline, outcome)
            }
            Deed::AskUntil {
                connection,
                data,
                back,
                refused,
                every_ms,
                apart_ms,
                within_ms,
            } => {
                let asking = Asking {
                    data: &draw(&data),
                    back: &draw(&back),
                    refused: &draw(&refused),
                    every_ms,
                    apart: apart_ms.map(Duration::from_millis),
                    within_ms,
                };
                pace::ask_until(self.get(&connection)?, &asking, outcome)
            }
            Deed::Compare {
                connection,
                examination,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                let connection = self.get(&connection)?;
                kernel::compare(connection, &examination, deadline, outcome)
            }
            Deed::Drip {
                connection,
                data,
                every_ms,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                let connection = self.get(&connection)?;
                pace::drip(connection, &draw(&data), every_ms, deadline, outcome)
            }
            Deed::ReadEnd {
                connection,
                within_ms,
            } => self
                .get(&connection)?
                .read_end(Deadline::after_ms(within_ms), outcome),
            Deed::Abandon {
                connection,
                within_ms,
            } => {
                let waited = self.get(&connection)?.wait(
                    PollFlags::POLLIN,
                    Deadline::after_ms(within_ms),
                    "poll",
                );
                self.connections.remove(&connection);
                waited
            }
            Deed::Close { connection } => {
                self.get(&connection)?;
                self.connections.remove(&connection);
                Ok(())
            }
            Deed::MakeSockets {
                socket,
                making,
                addresses,
                to,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                let mut held = Vec::new();
                for address in &addresses {
                    let to = to.as_ref().and_then(|to| self.named.get(to)?.first());
                    let (named, made) = named::make(&making, address.as_ref(), to, deadline)?;
                    held.push(named);
                    outcome.made.push(made);
                }
                self.named.insert(socket, held);
                Ok(())
            }
            Deed::CloseSockets { socket } => self
                .named
                .remove(&socket)
                .map(drop)
                .ok_or(Stop::new(DeedResult::Fault, "close")),
        }
    }

    /// Notes where bytes that went out must come out.
    fn note(&mut self, due: &Due, gone: &[u8]) -> Result<(), Stop> {
        match due {
            Due::Nowhere => Ok(()),
            Due::On(connection) => {
                self.get(connection)?.due.extend(gone);
                Ok(())
            }
        }
    }

    fn exchange(
        &mut self,
        name: &str,
        data: &[u8],
        back: &[u8],
        other: Option<&str>,
        deadline: Deadline,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        // Both are taken out for the while, since two of a map cannot be borrowed at once.
        let names: Vec<&str> = [Some(name), other].into_iter().flatten().collect();
        let mut taken = Vec::new();
        for name in &names {
            let connection = self.connections.remove(*name);
            taken.push(connection.ok_or(Stop::new(DeedResult::Fault, "find"))?);
        }
        let mut ends: Vec<End<'_>> = taken
            .iter_mut()
            .zip(&names)
            .zip([(data, back), (back, data)])
            .map(|((connection, name), (rest, due))| {
                connection.due.extend(due);
                End {
                    name,
                    connection,
                    rest,
                    outcome: Outcome::default(),
                }
            })
            .collect();
        let exchanged = exchange(&mut ends, deadline, outcome);
        for (connection, name) in taken.into_iter().zip(names) {
            self.connections.insert(name.to_owned(), connection);
        }
        exchanged
    }

    fn get(&mut self, connection: &str) -> Result<&mut Connection, Stop> {
        self.connections
            .get_mut(connection)
            .ok_or(Stop::new(DeedResult::Fault, "find"))
    }
}

fn draw(data: &Draw) -> Vec<u8> {
    payload::bytes(&data.payload, data.seed, data.place)
}
