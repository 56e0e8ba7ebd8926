//! The roles of a live run: three parts of our own binary that talk to each other and end.
//!
//! The server starts the client, with one end of a socketpair as its standard input: orders go
//! there, answers come back. The client starts the child, with the connection as its standard
//! input; the child answers every byte with a byte. Each ends when its input does, so when one
//! part goes, all go. Nothing waits for a time.

use std::fs;
use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::fact::{Fact, errno, errno_name};
use super::live::{Answers, Event, Live, Moment, Pidfd};
use crate::sys::peer_credentials::{self, Pass, Switch, Ucred};
use crate::sys::pidfd::{self, Means};
use crate::untrusted::Untrusted;

/// The part that listens and asks. No name of a test holds a hyphen, so a test binary that is
/// started with these words runs nothing.
pub(super) const SERVER: &str = "creds-server";
const CLIENT: &str = "creds-client";
const CHILD: &str = "creds-child";

/// `kernel.overflowuid` and `kernel.overflowgid`, `nobody` on most systems: who the client becomes.
const NOBODY: u32 = 65_534;

/// Connections of others that are turned away before our client's must have come.
const STRANGERS: usize = 64;

/// Plays a part.
///
/// # Errors
/// When the name is no part of ours (`Unsupported`), or the others cannot be reached.
pub fn play(part: &str) -> io::Result<()> {
    match part {
        SERVER => {
            let seen = serve()?;
            serde_json::to_writer(io::stdout().lock(), &seen).map_err(io::Error::from)
        }
        CLIENT => obey(),
        CHILD => echo(),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What the server tells the client to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Order {
    /// Connects to this abstract name.
    Connect(Vec<u8>),
    /// Sends a byte.
    Send,
    /// Sends a byte and a descriptor.
    SendDescriptor,
    /// Starts the child.
    Child,
    /// Changes the effective ids.
    EffectiveIds,
    /// Changes all ids.
    AllIds,
    /// What SO_PEERCRED says.
    Ask,
}

/// What the client answers: done, or `call: ERRNO`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Answer {
    failed: Option<String>,
    child: Option<u32>,
    peercred: Option<Ucred>,
}

/// The client, as the server has it.
struct Client {
    process: Child,
    orders: BufReader<UnixStream>,
}

impl Client {
    fn start() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let process = part(CLIENT, theirs.into())?;
        Ok(Self {
            process,
            orders: BufReader::new(ours),
        })
    }

    fn order(&mut self, order: &Order) -> io::Result<Answer> {
        write_line(self.orders.get_mut(), order)?;
        read_line(&mut self.orders)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Gives an order that has to succeed.
    fn must(&mut self, order: &Order) -> io::Result<Answer> {
        let answer = self.order(order)?;
        match answer.failed {
            None => Ok(answer),
            Some(why) => Err(io::Error::other(why)),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.orders.get_ref().shutdown(std::net::Shutdown::Both));
        drop(self.process.wait());
    }
}

fn part(name: &str, stdin: OwnedFd) -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .args(["__role", name])
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn write_line(mut to: impl Write, line: &impl Serialize) -> io::Result<()> {
    to.write_all((serde_json::to_string(line)? + "\n").as_bytes())
}

fn read_line<T: for<'a> Deserialize<'a>>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

fn serve() -> io::Result<Live> {
    // The child, once its parent has ended, is ours to wait for.
    let _ = set_child_subreaper(true);
    let mut client = Client::start()?;
    let (connection, seen_by_client) = connect(&mut client)?;
    for pass in [Pass::Credentials, Pass::Pidfd] {
        // Where the kernel does not know it, nothing comes, and that is told.
        drop(peer_credentials::set(&connection, pass, Switch::On));
    }
    let at_connect = peer_credentials::recorded(&connection)?;
    let started = client.order(&Order::Child)?;
    let mut moments = Vec::new();
    let mut answers = None;
    for event in Event::ALL {
        let failed = match event {
            Event::Connected => None,
            Event::ChildSends => started.failed.clone(),
            Event::EffectiveIds => client.order(&Order::EffectiveIds)?.failed,
            Event::AllIds => client.order(&Order::AllIds)?.failed,
            Event::ClientGone => {
                client.orders.get_ref().shutdown(std::net::Shutdown::Both)?;
                client.process.wait()?;
                started.failed.clone()
            }
        };
        let sender = match event {
            Event::ChildSends | Event::ClientGone => started.child,
            Event::Connected | Event::EffectiveIds | Event::AllIds => Some(client.process.id()),
        };
        let message = match (&failed, event) {
            (Some(_), _) => None,
            (None, Event::ChildSends | Event::ClientGone) => {
                (&connection).write_all(b"?")?;
                Some(peer_credentials::receive(&connection)?)
            }
            (None, _) => {
                client.must(&Order::Send)?;
                Some(peer_credentials::receive(&connection)?)
            }
        };
        let moment = moment(event, failed, sender, message, &connection);
        if event == Event::Connected {
            answers = Some(ask(&connection, &moment, &mut client)?);
        }
        moments.push(moment);
    }
    let live = Live {
        server: ourselves(),
        client: at_connect,
        child: started.child,
        answers: answers.ok_or(io::ErrorKind::InvalidData)?,
        moments,
        groups_at_end: Fact::since(
            peer_credentials::groups(&connection),
            "4.13",
            &[Errno::ENOPROTOOPT],
        ),
        pair: Fact::new(peer_credentials::recorded(client.orders.get_ref())),
        seen_by_client,
        unconnected: Fact::new(UnixDatagram::unbound().and_then(peer_credentials::recorded)),
    };
    drop(connection);
    if let Some(child) = live.child {
        // Ours since its parent has ended; its input has ended with the connection.
        let _ = waitpid(Pid::from_raw(child.cast_signed()), None);
    }
    Ok(live)
}

/// Lets the client connect to a name that the kernel chooses. Anybody could connect to it: who is
/// not our client is turned away.
fn connect(client: &mut Client) -> io::Result<(UnixStream, Fact<Ucred>)> {
    // To bind no name is to be given one: five digits, abstract (unix(7), Autobind).
    let listener = nix::sys::socket::socket(
        nix::sys::socket::AddressFamily::Unix,
        nix::sys::socket::SockType::Stream,
        nix::sys::socket::SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let unnamed = nix::sys::socket::UnixAddr::new_unnamed();
    nix::sys::socket::bind(listener.as_raw_fd(), &unnamed)?;
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(16)?)?;
    let listener = UnixListener::from(listener);
    let name = listener.local_addr()?;
    let name = name
        .as_abstract_name()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    client.must(&Order::Connect(name.to_vec()))?;
    for _ in 0..STRANGERS {
        let (connection, _) = listener.accept()?;
        let peer = peer_credentials::recorded(&connection)?;
        if peer.pid == client.process.id() {
            let seen = client.order(&Order::Ask)?;
            let seen = seen.peercred.map_or(Fact::Absent, Fact::Known);
            return Ok((connection, seen));
        }
    }
    Err(io::Error::other("others connected, our client did not"))
}

fn ourselves() -> Ucred {
    Ucred {
        pid: std::process::id(),
        uid: Uid::effective().as_raw(),
        gid: Gid::effective().as_raw(),
    }
}

fn moment(
    event: Event,
    failed: Option<String>,
    sender: Option<u32>,
    message: Option<peer_credentials::Message>,
    connection: &UnixStream,
) -> Moment {
    let sent = message.is_some();
    let message = message.unwrap_or_default();
    let pidfd_of_message = match message.pidfd {
        Some(pidfd) => told(Ok(pidfd)),
        None => match peer_credentials::get(connection, Pass::Pidfd) {
            Err(error) => Fact::since(Err(error), "6.5", &[Errno::ENOPROTOOPT]),
            Ok(_) => Fact::Absent,
        },
    };
    let (sender, sender_groups) = sender.filter(|_| sent).and_then(credentials).unzip();
    Moment {
        event,
        failed,
        sender,
        sender_groups,
        peercred: Fact::new(peer_credentials::recorded(connection)),
        peerpidfd: told(peer_credentials::pidfd(connection)),
        message: message.credentials.map_or(Fact::Absent, Fact::Known),
        message_pidfd: pidfd_of_message,
    }
}

/// What a pidfd of a peer tells, or why there is none.
pub(super) fn told(pidfd: io::Result<OwnedFd>) -> Fact<Pidfd> {
    let asked = pidfd.and_then(|pidfd| {
        let means = pidfd::means(&pidfd)?;
        Ok(Pidfd {
            pid: match means {
                Means::Process(pid) => pid,
                Means::Reaped | Means::OutsideOurNamespace => 0,
            },
            ended: pidfd::has_ended(&pidfd)?,
            inode: pidfd::identity(&pidfd)?,
        })
    });
    match asked {
        Err(error) if errno(&error) == Errno::ENODATA => Fact::Absent,
        other => Fact::since(other, "6.5", &[Errno::ENOPROTOOPT]),
    }
}

/// What the mechanisms tell that answer alike whenever they are asked.
fn ask(connection: &UnixStream, first: &Moment, client: &mut Client) -> io::Result<Answers> {
    let passrights = Fact::since(
        peer_credentials::get(connection, Pass::Rights),
        "6.16",
        &[Errno::ENOPROTOOPT],
    );
    let send_refused = match peer_credentials::set(connection, Pass::Rights, Switch::Off) {
        Err(error) => Fact::since(Err(error), "6.16", &[Errno::ENOPROTOOPT]),
        Ok(()) => {
            let answer = client.order(&Order::SendDescriptor)?;
            peer_credentials::set(connection, Pass::Rights, Switch::On)?;
            if answer.failed.is_none() {
                peer_credentials::receive(connection)?;
            }
            Fact::Known(answer.failed.unwrap_or_else(|| "ok".to_owned()))
        }
    };
    Ok(Answers {
        peercred: first.peercred.clone(),
        peergroups: Fact::since(
            peer_credentials::groups(connection),
            "4.13",
            &[Errno::ENOPROTOOPT],
        ),
        peerpidfd: first.peerpidfd.clone(),
        peersec: label(peer_credentials::label(connection)),
        scm_credentials: first.message.clone(),
        scm_pidfd: first.message_pidfd.clone(),
        passrights: passrights.map(|switch| switch == Switch::On),
        send_refused,
    })
}

/// What SO_PEERSEC told; `ENOPROTOOPT` means that no security module here labels sockets.
pub(super) fn label(told: io::Result<Vec<u8>>) -> Fact<Untrusted> {
    match told {
        Err(error) if errno(&error) == Errno::ENOPROTOOPT => Fact::Absent,
        other => Fact::new(other.map(Untrusted::new)),
    }
}

/// The effective ids and the supplementary groups of a process of ours, by `/proc`.
fn credentials(pid: u32) -> Option<(Ucred, Vec<u32>)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let numbers = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let words = line.split_whitespace();
        words
            .map(|word| word.parse().ok())
            .collect::<Option<Vec<u32>>>()
    };
    let second = |key: &str| numbers(key)?.get(1).copied();
    let ids = Ucred {
        pid,
        uid: second("Uid:")?,
        gid: second("Gid:")?,
    };
    Some((ids, numbers("Groups:")?))
}

/// The client: carries out orders until there are no more.
fn obey() -> io::Result<()> {
    let control = UnixStream::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
    let mut orders = BufReader::new(control.try_clone()?);
    let mut connection = None;
    // Waited for when it has ended, and not before: it lives on the connection.
    let mut child = None;
    while let Some(order) = read_line(&mut orders)? {
        let answer = perform(&order, &mut connection, &mut child);
        let answer = answer.unwrap_or_else(|failed| Answer {
            failed: Some(failed),
            ..Answer::default()
        });
        write_line(&control, &answer)?;
    }
    Ok(())
}

fn perform(
    order: &Order,
    connection: &mut Option<UnixStream>,
    child: &mut Option<Child>,
) -> Result<Answer, String> {
    let failed = |call: &str, error: &io::Error| format!("{call}: {}", errno_name(error));
    let refused = |call: &'static str| move |errno: Errno| format!("{call}: {errno:?}");
    if let Order::Connect(name) = order {
        let made = SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixStream::connect_addr(&address));
        *connection = Some(made.map_err(|error| failed("connect", &error))?);
        return Ok(Answer::default());
    }
    let connected = connection.as_ref().ok_or("connect: it was not asked")?;
    let mut answer = Answer::default();
    match order {
        Order::Connect(_) => {}
        Order::Send => {
            let sent = (&mut &*connected).write_all(b"m");
            sent.map_err(|error| failed("write", &error))?;
        }
        Order::SendDescriptor => {
            let sent = [connected.as_raw_fd()];
            let rights = [ControlMessage::ScmRights(&sent)];
            let data = [IoSlice::new(b"d")];
            sendmsg::<()>(
                connected.as_raw_fd(),
                &data,
                &rights,
                MsgFlags::empty(),
                None,
            )
            .map_err(refused("sendmsg"))?;
        }
        Order::Child => {
            let copy = connected
                .try_clone()
                .map_err(|error| failed("dup", &error))?;
            let started = part(CHILD, copy.into()).map_err(|error| failed("exec", &error))?;
            answer.child = Some(started.id());
            *child = Some(started);
        }
        Order::EffectiveIds => {
            let (user, group) = (Uid::effective(), Gid::effective());
            let nobody = NOBODY;
            setresgid(group, Gid::from_raw(nobody), group).map_err(refused("setresgid"))?;
            setresuid(user, Uid::from_raw(nobody), user).map_err(refused("setresuid"))?;
        }
        Order::AllIds => {
            // Its saved ids give it back what it needs for the rest.
            let saved = nix::unistd::getresuid()
                .map_err(refused("getresuid"))?
                .saved;
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            setresuid(saved, saved, saved).map_err(refused("setresuid"))?;
            setgroups(&[group]).map_err(refused("setgroups"))?;
            setresgid(group, group, group).map_err(refused("setresgid"))?;
            setresuid(user, user, user).map_err(refused("setresuid"))?;
        }
        Order::Ask => {
            let told = peer_credentials::recorded(connected);
            answer.peercred = Some(told.map_err(|error| failed("getsockopt", &error))?);
        }
    }
    Ok(answer)
}

/// The child: answers every byte with a byte.
fn echo() -> io::Result<()> {
    let connection = UnixStream::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
    let mut byte = [0; 1];
    while (&connection).read(&mut byte)? == 1 {
        (&connection).write_all(&byte)?;
    }
    Ok(())
}
