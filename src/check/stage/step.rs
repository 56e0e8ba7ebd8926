//! One step by its verb: which move it is, and what its answer means.

use super::conversation::Listening;
use super::{
    Failed, GRACE_MS, HURRIED_STEP_MS, LAST_STEPS_MS, OWN_DESCRIPTORS, Purpose, Runner, STEP_MS,
    Stepped,
};
use crate::check::protocol::{Answer, Deed, Order};
use crate::curriculum::scenario::{Action, At, FIRST, Payload, Step, Whom};

impl Runner<'_> {
    pub(super) fn step(&mut self, index: usize, step: &Step) -> Stepped {
        let mut asked = step.within.unwrap_or(STEP_MS) * self.setting.patience;
        if index >= self.setting.hurried_from {
            asked = asked.min(HURRIED_STEP_MS * self.setting.patience);
        }
        let left_ms = self.deadline.left().as_millis() as u64;
        let within_ms = asked.min(left_ms.max(LAST_STEPS_MS));
        if self.setting.purpose == Purpose::Sanitized && measures(&step.action) {
            return Ok(Ok(()));
        }
        match &step.action {
            Action::Start(start) => self.start(start, within_ms),
            Action::WriteFile { data } => {
                let path = self.place.file();
                self.write(&path, data)?;
                Ok(Ok(()))
            }
            Action::MakeFile(making) => self.make_file(making),
            Action::RemoveFile { path } => self.remove_file(path),
            Action::ExpectFile(wanted) => self.expect_file(wanted),
            Action::WaitAsleep { name } => self.fall_asleep(name, within_ms),
            Action::ExpectIdle { name } => {
                let order = Order::AwaitIdle {
                    name: name.clone(),
                    within_ms,
                };
                self.await_done(&order, name, "busy", within_ms)
            }
            Action::NoteMemory { name } => {
                let order = Order::NoteMemory { name: name.clone() };
                self.await_done(&order, name, "exited", GRACE_MS)
            }
            Action::ExpectMemory { name, growth } => self.expect_memory(name, *growth),
            Action::NoteWakeups { name } => self.note_wakeups(name, within_ms),
            Action::ExpectWakeups { name, at_most } => {
                self.expect_wakeups(name, *at_most, within_ms)
            }
            Action::NoteChildren { name } => self.note_children(name),
            Action::ExpectChildren { name, children } => {
                self.expect_children(name, children, within_ms)
            }
            Action::ExpectEntry(wanted) => self.expect_entry(wanted, within_ms),
            Action::LimitDescriptors { name, spare } => {
                let pid = self.look(name)?.pid;
                self.limit_descriptors(pid, *spare)
            }
            Action::KeepInFlight { descriptors } => self.keep_in_flight(*descriptors),
            Action::ExpectOutput { name, data } => self.expect_output(name, data, within_ms),
            Action::MakeSocket(making) => self.make_socket(making, within_ms),
            Action::CloseSocket { socket } => self.close_socket(socket),
            Action::ExpectListed(listed) => self.expect_listed(listed, within_ms),
            Action::ExpectUnlisted(unlisted) => self.expect_unlisted(unlisted, within_ms),
            Action::Listen {
                listener,
                at,
                backlog,
                mode,
                kind,
                peer,
            } => {
                let path = match at {
                    At::Socket => self.place.address.clone(),
                    At::Other => self.place.other.clone(),
                };
                let listening = Listening {
                    path: &path,
                    backlog: *backlog,
                    mode: *mode,
                    kind: *kind,
                };
                self.listen(listener, &listening, peer)
            }
            Action::Accept {
                listener,
                connection,
            } => self.accept(listener, connection, within_ms),
            Action::StopListening { listener } => {
                let peer = self.listener(listener)?;
                let deed = Deed::StopListening {
                    listener: listener.clone(),
                };
                self.deed_of(&peer, &deed, GRACE_MS)?;
                Ok(Ok(()))
            }
            Action::ServeFrames { listener, filters } => self.serve_frames(listener, filters),
            Action::ManyClients {
                count,
                at_once,
                data,
                back,
            } => self.many_clients((*count, *at_once), data, back.as_ref(), within_ms),
            Action::Flood { connection, bytes } => {
                let deed = Deed::Flood {
                    connection: connection.clone(),
                    data: self.draw(Payload::random(*bytes)),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::Signal {
                name,
                whom: Whom::Child,
                signal,
                ..
            } => self.signal_child(name, signal),
            Action::Signal {
                name,
                signal,
                moment,
                ..
            } => self.signal(name, signal, *moment, within_ms),
            Action::Interrupt { name } => {
                match self.order(
                    &Order::Interrupt {
                        name: name.clone(),
                        within_ms,
                    },
                    within_ms,
                )? {
                    Answer::Done => Ok(Ok(())),
                    Answer::Ended => Ok(Err(Failed::new("exited", name))),
                    _ => Ok(Err(Failed::new("timeout", name))),
                }
            }
            Action::Pause { name } => {
                let order = Order::Pause {
                    name: name.clone(),
                    within_ms,
                };
                self.await_done(&order, name, "timeout", within_ms)
            }
            Action::Resume { name } => {
                let order = Order::Resume { name: name.clone() };
                self.await_done(&order, name, "timeout", GRACE_MS)
            }
            Action::ExpectExit { name, status, says } => {
                self.expect_exit(name, *status, says, within_ms)
            }
            Action::ExpectRunning { name } => {
                let seen = self.look(name)?;
                Ok(if seen.running {
                    Ok(())
                } else {
                    Err(Failed::new("exited", name))
                })
            }
            Action::Connect {
                connection,
                peer,
                send_buffer,
                user,
            } => self.connect(connection, peer, *send_buffer, *user, within_ms),
            Action::OpenSocket(opening) => self.open_socket(opening),
            Action::SendMessage(message) => self.send_message(message, within_ms),
            Action::ExpectMessage(wanted) => self.expect_message(wanted, within_ms),
            Action::ExpectNoMessage { connection } => self.expect_no_message(connection, within_ms),
            Action::ExpectDescriptor(wanted) => self.expect_descriptor(wanted, within_ms),
            Action::AddToEventfd { connection, count } => {
                let deed = Deed::AddToEventfd {
                    connection: connection.clone(),
                    count: *count,
                };
                self.traffic(connection, &deed, GRACE_MS)
            }
            Action::EndPeer { peer } => self.end_peer(peer),
            Action::ExpectServedBy { connection, name } => {
                let identity = Deed::Read {
                    connection: connection.clone(),
                    bytes: Some(0),
                    within_ms,
                };
                let outcome = self.deed(connection, &identity, within_ms)?;
                let pid = outcome.server.map_or(0, |server| server.pid);
                if self.owns(name, pid)? {
                    return Ok(Ok(()));
                }
                Ok(Err(Failed {
                    deed: Some(outcome),
                    ..Failed::new("wrong-server", name)
                }))
            }
            Action::Send {
                connection,
                data,
                piece,
                due,
            } => {
                let data = self.draw(data.clone());
                let deed = Deed::Send {
                    connection: connection.clone(),
                    data,
                    piece: *piece,
                    due: self.due(connection, due.as_deref()),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::SendUntilBlocked {
                connection,
                limit,
                due,
            } => self.send_until_blocked(connection, *limit, due.as_deref(), within_ms),
            Action::Exchange {
                connection,
                data,
                back,
                other,
            } => {
                let data = self.draw(data.clone());
                let deed = Deed::Exchange {
                    connection: connection.clone(),
                    back: back
                        .clone()
                        .map_or_else(|| data.clone(), |back| self.draw(back)),
                    other: other.clone(),
                    data,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::SendDescriptors {
                connection,
                data,
                holds,
                file,
                count,
            } => {
                let deed = Deed::SendDescriptors {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    holds: self.draw(holds.clone()),
                    file: *file,
                    count: *count,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::FinishPipe { connection } => {
                let deed = Deed::FinishPipe {
                    connection: connection.clone(),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ShutDownWriting { connection } => {
                let deed = Deed::ShutDownWriting {
                    connection: connection.clone(),
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ReadSome { connection, bytes } => {
                let bytes = Some(*bytes);
                let deed = Deed::Read {
                    connection: connection.clone(),
                    bytes,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectBytes { connection, data } => {
                let deed = Deed::Expect {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::NoteQueue { name, connection } => self.note_queue(name, connection, within_ms),
            Action::ExpectFullQueue {
                name,
                connection,
                or_taken,
            } => self.expect_full_queue(name, connection, *or_taken, within_ms),
            Action::ExpectNothing { connection } => {
                if let Err(failed) = self.fall_asleep(FIRST, within_ms)? {
                    return Ok(Err(failed));
                }
                let deed = Deed::ExpectNothing {
                    connection: connection.clone(),
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectDue { connection } => {
                let deed = Deed::Read {
                    connection: connection.clone(),
                    bytes: None,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectCut {
                connection,
                data,
                then,
            } => {
                let deed = Deed::ExpectCut {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    then: self.draw(then.clone()),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::AskUntil {
                connection,
                data,
                back,
                refused,
                every,
                apart,
            } => {
                let deed = Deed::AskUntil {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    back: self.draw(back.clone()),
                    refused: self.draw(refused.clone()),
                    every_ms: *every,
                    apart_ms: *apart,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::Compare {
                connection,
                examination,
            } => {
                let deed = Deed::Compare {
                    connection: connection.clone(),
                    examination: examination.clone(),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::Drip {
                connection,
                data,
                every,
            } => {
                let deed = Deed::Drip {
                    connection: connection.clone(),
                    data: self.draw(data.clone()),
                    every_ms: *every,
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::ExpectEnd { connection } => {
                let deed = Deed::ReadEnd {
                    connection: connection.clone(),
                    within_ms,
                };
                self.traffic(connection, &deed, within_ms)
            }
            Action::Abandon { connection } => {
                let deed = Deed::Abandon {
                    connection: connection.clone(),
                    within_ms,
                };
                let stepped = self.traffic(connection, &deed, within_ms);
                self.connections.remove(connection);
                stepped
            }
            Action::Close { connection } => {
                let deed = Deed::Close {
                    connection: connection.clone(),
                };
                let stepped = self.traffic(connection, &deed, within_ms);
                self.connections.remove(connection);
                stepped
            }
            Action::ExpectLine {
                name,
                connection,
                stream,
                text,
            } => self.expect_line(name, connection, *stream, text, within_ms),
            Action::ExpectNoLine {
                name,
                stream,
                starts,
            } => self.expect_no_line(name, *stream, starts),
            Action::ExpectNoLeakedDescriptors { name } => {
                let seen = self.look(name)?;
                let at_most = seen.descriptors_at_ready + self.connections.len() + OWN_DESCRIPTORS;
                let order = Order::AwaitDescriptors {
                    name: name.clone(),
                    at_most,
                    within_ms,
                };
                match self.order(&order, within_ms)? {
                    Answer::Done => Ok(Ok(())),
                    Answer::Ended => Ok(Err(Failed::new("exited", name))),
                    _ => Ok(Err(Failed::new("leaked", name))),
                }
            }
            Action::ExpectNoLeftovers { name } => self.expect_no_leftovers(name, within_ms),
            Action::ExpectCloseOnExec { name, connection } => {
                let identity = Deed::Read {
                    connection: connection.clone(),
                    bytes: Some(0),
                    within_ms,
                };
                let outcome = self.deed(connection, &identity, within_ms)?;
                let inode = outcome.pipe_inode;
                let order = Order::AwaitPipe {
                    name: name.clone(),
                    inode,
                    within_ms,
                };
                let failed = match self.order(&order, within_ms)? {
                    Answer::Pipe {
                        close_on_exec: true,
                    } => return Ok(Ok(())),
                    Answer::Pipe {
                        close_on_exec: false,
                    } => "not-close-on-exec",
                    Answer::Ended => "exited",
                    _ => "timeout",
                };
                Ok(Err(Failed {
                    deed: Some(outcome),
                    ..Failed::new(failed, name)
                }))
            }
        }
    }
}

/// Whether a step measures what the compiler's sanitizers change.
fn measures(action: &Action) -> bool {
    matches!(
        action,
        Action::NoteMemory { .. }
            | Action::ExpectMemory { .. }
            | Action::NoteWakeups { .. }
            | Action::ExpectWakeups { .. }
            | Action::ExpectIdle { .. }
    )
}
