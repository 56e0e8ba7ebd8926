//! Exercise 24, reference solution in Rust: a server with limits for each user.
//!
//! Each client has a thread, whose calls wait for this client alone. What users have left is behind
//! one lock, which nobody holds while waiting.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use nix::sys::stat::{Mode, umask};

const LONGEST: usize = 65_536;
const HIGHEST: u32 = 1_000_000;

/// What the server was started with.
struct Limits {
    burst: u32,
    refill: Duration,
    connections: u32,
    frame: Duration,
}

/// Everybody with the same uid.
struct User {
    connections: u32,
    /// The bucket, as time: a token is worth `refill` of it.
    credit: Duration,
    /// When that was so. `Instant` is a clock that nobody sets; `SystemTime` jumps.
    since: Instant,
}

struct Server {
    limits: Limits,
    users: Mutex<HashMap<u32, User>>,
}

/// A connection that has been counted. It is given back when this is dropped: whichever way a
/// thread goes, it comes past here.
struct Place {
    server: Arc<Server>,
    uid: u32,
}

/// Why a conversation is over.
enum Over {
    Gone,
    Late,
    TooLong,
}

impl Limits {
    fn full(&self) -> Duration {
        self.refill * self.burst
    }
}

impl User {
    fn new(limits: &Limits) -> Self {
        Self { connections: 0, credit: limits.full(), since: Instant::now() }
    }

    /// Counts what has come into the bucket since it was last looked at. It is kept as time, so that
    /// half a token is not lost, however often somebody asks.
    fn refill(&mut self, limits: &Limits) {
        let now = Instant::now();
        self.credit += now - self.since;
        self.since = now;
        self.credit = self.credit.min(limits.full());
    }

    /// Takes a token if there is one. A refusal takes nothing.
    fn take_token(&mut self, limits: &Limits) -> bool {
        self.refill(limits);
        match self.credit.checked_sub(limits.refill) {
            Some(rest) => {
                self.credit = rest;
                true
            }
            None => false,
        }
    }
}

impl Server {
    fn users(&self) -> MutexGuard<'_, HashMap<u32, User>> {
        self.users.lock().unwrap()
    }

    /// Counts one more connection of this user, if there may be one.
    fn enter(server: &Arc<Self>, uid: u32) -> Option<Place> {
        let limits = &server.limits;
        let mut users = server.users();
        // Who has no connection and a full bucket would be made anew just so: nothing is forgotten
        // when they go, and the table is as long as users are active.
        users.retain(|_, user| {
            user.refill(limits);
            user.connections > 0 || user.credit < limits.full()
        });
        let user = users.entry(uid).or_insert_with(|| User::new(limits));
        if user.connections >= limits.connections {
            return None;
        }
        user.connections += 1;
        Some(Place { server: Arc::clone(server), uid })
    }
}

impl Place {
    fn take_token(&self) -> bool {
        // Whoever has a connection is in the table.
        let mut users = self.server.users();
        users.get_mut(&self.uid).is_some_and(|user| user.take_token(&self.server.limits))
    }

    /// Serves one client to its end, or to the last word.
    fn converse(&self, client: &UnixStream) {
        let last = loop {
            match receive(client, self.server.limits.frame) {
                Ok(()) => {}
                Err(Over::Gone) => return,
                Err(Over::Late) => break "LATE",
                Err(Over::TooLong) => break "SIZE",
            }
            let words = if self.take_token() { "OK" } else { "SLOW" };
            if tell(client, words).is_err() {
                return;
            }
        };
        // It is let go now, whether it hears that or not.
        drop(tell(client, last));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(user) = self.server.users().get_mut(&self.uid) {
            user.connections -= 1;
        }
    }
}

/// Takes one frame. What it says does not matter here: a request only counts.
fn receive(client: &UnixStream, time: Duration) -> Result<(), Over> {
    let mut header = [0; 4];
    // Between two frames a client may be idle: the first byte, and only that one, starts the clock.
    read_some(client, &mut header[..1], None)?;
    let deadline = Some(Instant::now() + time);
    read_all(client, &mut header[1..], deadline)?;
    let length = u32::from_be_bytes(header) as usize;
    if length > LONGEST {
        return Err(Over::TooLong);
    }
    read_all(client, &mut vec![0; length], deadline)
}

fn read_all(client: &UnixStream, buffer: &mut [u8], deadline: Option<Instant>) -> Result<(), Over> {
    let mut have = 0;
    while have < buffer.len() {
        have += read_some(client, &mut buffer[have..], deadline)?;
    }
    Ok(())
}

/// Reads what has come, and waits for it until the deadline.
fn read_some(
    mut client: &UnixStream,
    buffer: &mut [u8],
    deadline: Option<Instant>,
) -> Result<usize, Over> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(Over::Late);
        }
        client.set_read_timeout(left).map_err(|_| Over::Gone)?;
        match client.read(buffer) {
            Ok(0) => return Err(Over::Gone),
            Ok(count) => return Ok(count),
            // Time is up, or we were interrupted: the clock says which.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return Err(Over::Gone),
        }
    }
}

fn tell(mut client: &UnixStream, words: &str) -> io::Result<()> {
    client.write_all(&[&(words.len() as u32).to_be_bytes(), words.as_bytes()].concat())
}

fn listen_at(path: &Path) -> io::Result<UnixListener> {
    // bind() makes the name with mode 0777 less the umask: 0666, so that everybody may connect.
    let before = umask(Mode::from_bits_truncate(0o111));
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}

/// A limit; `None`: it is no number, or one that is out of range.
fn limit_from(text: &OsString) -> Option<u32> {
    let text = text.to_str()?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|limit| digits && (1..=HIGHEST).contains(limit))
}

fn run(limits: Limits, path: &Path) -> io::Result<()> {
    let listener = listen_at(path)?;
    let server = Arc::new(Server { limits, users: Mutex::default() });
    loop {
        let (client, _) = match listener.accept() {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            accepted => accepted?,
        };
        let uid = getsockopt(&client, sockopt::PeerCredentials)?.uid();
        let Some(place) = Server::enter(&server, uid) else {
            // Never counted, so nothing to give back.
            drop(tell(&client, "BUSY"));
            continue;
        };
        thread::spawn(move || place.converse(&client));
    }
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [limits @ .., path] = words.as_slice() else {
        eprintln!("usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH");
        return ExitCode::FAILURE;
    };
    let numbers: Option<Vec<u32>> = limits.iter().map(limit_from).collect();
    let Some(&[burst, refill_ms, connections, frame_ms]) = numbers.as_deref() else {
        eprintln!("limits: four numbers from 1 to {HIGHEST} come before the path");
        return ExitCode::FAILURE;
    };
    let refill = Duration::from_millis(refill_ms.into());
    let frame = Duration::from_millis(frame_ms.into());
    match run(Limits { burst, refill, connections, frame }, Path::new(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("limits: {error}");
            ExitCode::FAILURE
        }
    }
}
