//! Exercise 10, reference solution in Rust: a server that decides for each command who may give it.
//!
//! The socket lets everybody knock; a policy file says who may do what. The kernel says who is
//! asking. Each client has a thread, whose calls wait for this client alone.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::{fs, thread};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Group, Uid};

/// The longest command is SHUTDOWN.
const LONGEST: usize = 8;

/// What the server was started with.
struct Server {
    group: u32,
    policy: PathBuf,
    path: PathBuf,
}

/// Which right a command needs.
#[derive(Clone, Copy, PartialEq)]
enum Right {
    Ping,
    Read,
    Stop,
}

/// Who connected, as the kernel wrote it down at that moment.
struct Peer {
    uid: u32,
    gid: u32,
    /// The supplementary ones.
    groups: Vec<u32>,
}

/// The policy cannot be read, or not be understood.
struct Undecided;

impl Peer {
    fn of(client: &UnixStream) -> nix::Result<Self> {
        let told = getsockopt(client, sockopt::PeerCredentials)?;
        if told.uid() == u32::MAX {
            // A uid of -1 is how the kernel says that it knows nobody.
            return Err(Errno::ENODATA);
        }
        let groups = supplementary(client)?;
        Ok(Self { uid: told.uid(), gid: told.gid(), groups })
    }

    fn is_member(&self, group: u32) -> bool {
        self.gid == group || self.groups.contains(&group)
    }
}

/// The supplementary groups of who connected. Their number is not known before; when there is no
/// room for all, the kernel says ERANGE and how much is needed.
fn supplementary(client: &UnixStream) -> nix::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 16];
    loop {
        let mut bytes = size_of_val(groups.as_slice()) as libc::socklen_t;
        // SAFETY: the kernel writes at most so many bytes there, and how many they are.
        let done = unsafe {
            let room = groups.as_mut_ptr().cast();
            let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERGROUPS);
            libc::getsockopt(client.as_raw_fd(), level, name, room, &raw mut bytes)
        };
        groups.resize(bytes as usize / size_of::<u32>(), 0);
        match Errno::result(done) {
            Ok(_) => return Ok(groups),
            Err(Errno::ERANGE) => {}
            Err(errno) => return Err(errno),
        }
    }
}

impl Server {
    /// Whether one word of the policy means this peer.
    fn means(&self, word: &str, peer: &Peer) -> Result<bool, Undecided> {
        match word {
            "anyone" => Ok(true),
            "owner" => Ok(peer.uid == Uid::effective().as_raw()),
            "root" => Ok(peer.uid == 0),
            "group" => Ok(peer.is_member(self.group)),
            _ => {
                let name = word.strip_prefix('@').ok_or(Undecided)?;
                match Group::from_name(name) {
                    Ok(Some(group)) => Ok(peer.is_member(group.gid.as_raw())),
                    // There is none of that name, or nobody could tell.
                    Ok(None) | Err(_) => Err(Undecided),
                }
            }
        }
    }

    /// What one line says about this right. A line is read to its end also when it is about another
    /// one: who cannot understand all of a policy does not know what it allows.
    fn judge_line(&self, line: &str, wanted: Right, peer: &Peer) -> Result<bool, Undecided> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(false);
        }
        let (command, words) = line.split_once(' ').ok_or(Undecided)?;
        let right = match command {
            "PING" => Right::Ping,
            "READ" => Right::Read,
            "STOP" => Right::Stop,
            _ => return Err(Undecided),
        };
        let mut allowed = false;
        for word in words.split(' ') {
            allowed |= self.means(word, peer)?;
        }
        Ok(allowed && right == wanted)
    }

    /// Asks the policy, as it is now. Nothing is allowed that no line allows, and nothing at all when
    /// a question fails.
    fn decide(&self, wanted: Right, peer: &Peer) -> Result<bool, Undecided> {
        let policy = fs::read_to_string(&self.policy).map_err(|_| Undecided)?;
        let mut allowed = false;
        for line in policy.split('\n') {
            allowed |= self.judge_line(line, wanted, peer)?;
        }
        Ok(allowed)
    }

    /// Carries out commands until one is refused, or the client has sent its last. A refusal is told,
    /// and is the last word of a conversation.
    fn serve(&self, mut client: &UnixStream) -> io::Result<()> {
        let Ok(peer) = Peer::of(client) else {
            return refuse(client, "ERROR policy");
        };
        while let Some(command) = receive(client)? {
            let Some(right) = right_for(&command) else {
                return refuse(client, "ERROR command");
            };
            match self.decide(right, &peer) {
                Err(Undecided) => return refuse(client, "ERROR policy"),
                Ok(false) => return refuse(client, "DENIED"),
                Ok(true) => {}
            }
            let told = client.write_all(&frame(if right == Right::Read { "OK 21.5" } else { "OK" }));
            if right == Right::Stop {
                // Also when nobody heard it: it was allowed.
                drop(fs::remove_file(&self.path));
                process::exit(0);
            }
            told?;
        }
        Ok(())
    }
}

/// The right that a command needs; `None`: it is none. The empty frame is another PING and SHUTDOWN
/// another STOP, so each needs the same right: who forgets a second name leaves a second door open.
fn right_for(command: &[u8]) -> Option<Right> {
    match command {
        b"" | b"PING" => Some(Right::Ping),
        b"READ" => Some(Right::Read),
        b"STOP" | b"SHUTDOWN" => Some(Right::Stop),
        _ => None,
    }
}

fn frame(words: &str) -> Vec<u8> {
    [&(words.len() as u32).to_be_bytes(), words.as_bytes()].concat()
}

/// Takes one frame; `None` at the end. Of one that is too long for any command only the length is
/// taken, and a command that is none is made of it.
fn receive(mut client: &UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 4];
    match client.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_be_bytes(header) as usize;
    if length > LONGEST {
        return Ok(Some(b"too long".to_vec()));
    }
    let mut command = vec![0; length];
    client.read_exact(&mut command)?;
    Ok(Some(command))
}

/// Tells a refusal, and throws away what else the client sends, to its end: after close() its send()
/// would fail, and who gets EPIPE may never come to read the words.
fn refuse(mut client: &UnixStream, words: &str) -> io::Result<()> {
    client.write_all(&frame(words))?;
    io::copy(&mut client, &mut io::sink()).map(drop)
}

fn listen_at(path: &Path) -> io::Result<UnixListener> {
    // bind() makes the name with mode 0777 less the umask: with 0111 it is 0666 from the first
    // moment. To connect, a client needs the permission to write.
    let before = umask(Mode::from_bits_truncate(0o111));
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}

/// A group's number. `None`: it is no number, or -1, which is nobody's group and means "none" in many
/// calls.
fn group_number(text: &OsString) -> Option<u32> {
    let text = text.to_str()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&group| digits && group != u32::MAX)
}

fn run(server: Server) -> io::Result<()> {
    let listener = listen_at(&server.path)?;
    let server = Arc::new(server);
    loop {
        let (client, _) = match listener.accept() {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            accepted => accepted?,
        };
        let server = Arc::clone(&server);
        thread::spawn(move || {
            // What goes wrong on a connection ends this one; EPIPE and ECONNRESET are no news.
            drop(server.serve(&client));
        });
    }
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [group, policy, path] = words.as_slice() else {
        eprintln!("usage: authorise-commands GROUP POLICY PATH");
        return ExitCode::FAILURE;
    };
    let Some(group) = group_number(group) else {
        eprintln!("authorise-commands: not the number of a group: {}", group.display());
        return ExitCode::FAILURE;
    };
    let (policy, path) = (policy.into(), path.into());
    match run(Server { group, policy, path }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("authorise-commands: {error}");
            ExitCode::FAILURE
        }
    }
}
