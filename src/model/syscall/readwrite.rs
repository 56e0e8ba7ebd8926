//! read(2) and write(2), of whatever a descriptor refers to.

use nix::errno::Errno;

use super::Result;
use super::receive::{Control, Wanted};
use super::send::Message;
use crate::model::call::{Access, Events, Fd, Flags, Payload};
use crate::model::file::Kind;
use crate::model::id::{FileId, Pid, PipeId};
use crate::model::kernel::{Bell, Kernel};
use crate::model::outcome::{Answer, Received, Wait};
use crate::model::row::row;
use crate::model::sleeper::Progress;
use crate::model::tree::NodeKind;

/// Size of the counter of an eventfd, in bytes.
const COUNTER: usize = 8;

impl Kernel {
    pub(super) fn read(&mut self, pid: Pid, fd: Fd, len: usize) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        let nonblock = self.may_not_wait(file);
        let data = match self.file(file).kind {
            Kind::Socket(_) if len == 0 => {
                self.by(row("C07"));
                Vec::new()
            }
            Kind::Socket(sock) => {
                let wanted = Wanted {
                    len,
                    flags: Flags::default(),
                    control: Control::Dropped,
                };
                self.receive(pid, file, sock, wanted)?.data
            }
            Kind::PipeOut(_) if len == 0 => Vec::new(),
            Kind::PipeOut(pipe) => {
                if self.pipe(pipe).is_empty() && self.pipe(pipe).writers > 0 {
                    return Err(self.wait(nonblock, row("O12"), Wait::Other));
                }
                self.drain_pipe(pipe, len)
            }
            Kind::Epoll(_) => return Err(self.refuse(row("L26"), Errno::EINVAL)),
            Kind::PipeIn(_) => return Err(self.refuse(row("J23"), Errno::EBADF)),
            Kind::Regular {
                node,
                offset,
                access,
            } => {
                if access == Access::Write {
                    return Err(self.refuse(row("J23"), Errno::EBADF));
                }
                let NodeKind::Regular(data) = &self.tree().node(node).kind else {
                    return Err(self.refuse(row("N15"), Errno::EISDIR));
                };
                let start = (offset as usize).min(data.len());
                let end = (start + len).min(data.len());
                let read = data[start..end].to_vec();
                self.by(row("J01"));
                self.set_offset(file, offset + read.len() as u64);
                read
            }
            Kind::Eventfd { counter } => {
                if len < COUNTER {
                    return Err(self.refuse(row("O17"), Errno::EINVAL));
                }
                if counter == 0 {
                    return Err(self.wait(nonblock, row("O12"), Wait::Other));
                }
                self.set_counter(file, 0);
                self.ring(Bell::Eventfd(file), Events::OUT);
                counter.to_ne_bytes().to_vec()
            }
        };
        Ok(Answer::Received(Received {
            count: data.len(),
            data,
            ..Received::default()
        }))
    }

    /// Pieces that are written as one: `vfs_writev`.
    pub(super) fn writev(&mut self, pid: Pid, fd: Fd, pieces: &[Payload]) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        let bytes: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.bytes(0, piece.len))
            .collect();
        self.by(row("O10"));
        match self.file(file).kind {
            // No bytes are not sent, not even as an empty message.
            Kind::Socket(_) if bytes.is_empty() => Ok(Answer::Number(0)),
            Kind::Eventfd { .. } => self.add_pieces(pid, fd, pieces),
            _ => self.write(pid, fd, &Payload::once(&bytes)),
        }
    }

    /// Each piece is a number of its own: `do_loop_readv_writev`.
    fn add_pieces(&mut self, pid: Pid, fd: Fd, pieces: &[Payload]) -> Result<Answer> {
        let mut added = 0;
        let mut left: usize = pieces.iter().map(|piece| piece.len).sum();
        for piece in pieces {
            if left == 0 {
                break;
            }
            // Behind one that was written, those without bytes are passed over: `iov_iter_advance`.
            if piece.len == 0 && added > 0 {
                continue;
            }
            match self.write(pid, fd, piece) {
                Ok(Answer::Number(count)) => {
                    added += count;
                    left -= piece.len;
                    if count != piece.len as i64 {
                        break;
                    }
                }
                Ok(_) => break,
                Err(_) if added > 0 => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(Answer::Number(added))
    }

    pub(super) fn write(&mut self, pid: Pid, fd: Fd, payload: &Payload) -> Result<Answer> {
        let file = self.file_at(pid, fd)?;
        let nonblock = self.may_not_wait(file);
        match self.file(file).kind {
            Kind::Socket(sock) => {
                if payload.len == 0 {
                    self.by(row("C08"));
                }
                let message = Message {
                    payload,
                    flags: Flags::default(),
                    to: None,
                    control: &[],
                };
                self.send(pid, file, sock, &message)
            }
            Kind::PipeOut(_) => Err(self.refuse(row("J23"), Errno::EBADF)),
            Kind::PipeIn(pipe) => {
                if payload.len == 0 {
                    return Ok(Answer::Number(0));
                }
                self.write_pipe(pid, pipe, payload, nonblock)
            }
            Kind::Regular {
                node,
                offset,
                access,
            } => {
                if access == Access::Read {
                    return Err(self.refuse(row("J23"), Errno::EBADF));
                }
                let bytes = payload.bytes(0, payload.len);
                if bytes.is_empty() {
                    // Nothing is written, not even beyond the end.
                    return Ok(Answer::Number(0));
                }
                self.write_node(node, offset as usize, &bytes);
                self.set_offset(file, offset + bytes.len() as u64);
                Ok(Answer::Number(bytes.len() as i64))
            }
            Kind::Epoll(_) => Err(self.refuse(row("L26"), Errno::EINVAL)),
            Kind::Eventfd { counter } => self.add_to_counter(file, counter, payload, nonblock),
        }
    }

    fn write_pipe(
        &mut self,
        pid: Pid,
        pipe: PipeId,
        payload: &Payload,
        nonblock: bool,
    ) -> Result<Answer> {
        let mut sent = self.take_progress().sent;
        // Who reads is called by every write, also by one that writes nothing: once somebody has polled.
        if self.pipe(pipe).readers == 0 {
            self.ring(Bell::PipeOut(pipe), Events::IN);
            self.break_pipe(pid);
            return match sent {
                0 => Err(self.refuse(row("O18"), Errno::EPIPE)),
                sent => Ok(Answer::Number(sent as i64)),
            };
        }
        sent += self.fill_pipe(pipe, &payload.bytes(sent, payload.len - sent));
        self.ring(Bell::PipeOut(pipe), Events::IN);
        let goes_no_further = nonblock || self.is_interrupted();
        if sent == payload.len || sent > 0 && goes_no_further {
            return Ok(Answer::Number(sent as i64));
        }
        self.keep_progress(Progress {
            sent,
            ..Progress::default()
        });
        Err(self.wait(nonblock, row("O12"), Wait::Other))
    }

    fn add_to_counter(
        &mut self,
        file: FileId,
        counter: u64,
        payload: &Payload,
        nonblock: bool,
    ) -> Result<Answer> {
        let exactly = self.settings().quirks.counters_take_eight_bytes;
        let taken = match exactly {
            true => payload.len,
            false => payload.len.min(COUNTER),
        };
        let bytes = payload.bytes(0, taken);
        let Ok(added) = <[u8; COUNTER]>::try_from(bytes).map(u64::from_ne_bytes) else {
            return Err(self.refuse(row("O17"), Errno::EINVAL));
        };
        if added == u64::MAX {
            return Err(self.refuse(row("O17"), Errno::EINVAL));
        }
        if u64::MAX - counter <= added {
            return Err(self.wait(nonblock, row("O12"), Wait::Other));
        }
        self.set_counter(file, counter + added);
        self.ring(Bell::Eventfd(file), Events::IN);
        Ok(Answer::Number(COUNTER as i64))
    }
}
