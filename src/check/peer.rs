//! A peer: the disposable process that carries traffic with the learner's program.
//!
//! It does one deed at a time, each with a deadline, and says what it saw. Whatever a hostile
//! program does to a connection happens to this process and not to the grader. It remembers, for
//! each connection, which bytes are due back; it judges nothing else.
//!
//! One connection and all that can be done with it is `connection`.

mod connection;

use std::collections::BTreeMap;
use std::io::{self};
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::Shutdown;

use self::connection::{Connection, Stop, connect, os_errno};
use super::link::Line;
use super::payload;
use super::protocol::{Credentials, Deed, DeedResult, Draw, Outcome};
use crate::sys::clock::{Deadline, now_us};

/// Plays a peer until the grader hangs up. Standard input is the line to it.
///
/// # Errors
/// When standard input is no line.
pub fn play() -> io::Result<()> {
    let mut line = Line::from_stdin()?;
    let mut peer = Peer::default();
    loop {
        match line.next::<Deed>() {
            Ok(Some(deed)) => {
                let outcome = peer.carry_out(deed);
                line.answer(&outcome)?;
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

#[derive(Default)]
struct Peer {
    connections: BTreeMap<String, Connection>,
}

impl Peer {
    fn carry_out(&mut self, deed: Deed) -> Outcome {
        let name = match &deed {
            Deed::Identify { .. } => String::new(),
            Deed::Connect { connection, .. }
            | Deed::Send { connection, .. }
            | Deed::SendUntilBlocked { connection, .. }
            | Deed::Exchange { connection, .. }
            | Deed::SendDescriptors { connection, .. }
            | Deed::FinishPipe { connection, .. }
            | Deed::ShutDownWriting { connection }
            | Deed::Read { connection, .. }
            | Deed::ReadEnd { connection, .. }
            | Deed::Abandon { connection, .. }
            | Deed::Close { connection } => connection.clone(),
        };
        let mut outcome = Outcome::default();
        let stop = self.dispatch(deed, &mut outcome).err();
        if let Some(connection) = self.connections.get(&name) {
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
        }
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
            Deed::Identify { user } => match user.map(crate::sys::spawn::become_user) {
                Some(Err(error)) => Err(Stop::errno(os_errno(&error), "setresuid")),
                _ => Ok(()),
            },
            Deed::Connect {
                connection,
                path,
                inode,
                within_ms,
            } => {
                let made = connect(&path, inode, Deadline::after_ms(within_ms))?;
                self.connections.insert(connection, made);
                Ok(())
            }
            Deed::Send {
                connection,
                data,
                piece,
                within_ms,
            } => {
                let bytes = draw(&data);
                let piece = piece.map_or(bytes.len(), |piece| piece as usize).max(1);
                let deadline = Deadline::after_ms(within_ms);
                let connection = self.get(&connection)?;
                bytes
                    .chunks(piece)
                    .try_for_each(|chunk| connection.send(chunk, deadline))
            }
            Deed::SendUntilBlocked {
                connection,
                data,
                from,
                within_ms,
            } => {
                let bytes = draw(&data);
                let rest = bytes.get(from as usize..).unwrap_or_default();
                self.get(&connection)?
                    .send_until_blocked(rest, Deadline::after_ms(within_ms))
            }
            Deed::Exchange {
                connection,
                data,
                within_ms,
            } => self.get(&connection)?.exchange(
                &draw(&data),
                Deadline::after_ms(within_ms),
                outcome,
            ),
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
        }
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
