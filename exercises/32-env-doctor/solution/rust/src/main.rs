//! Exercise 32, reference solution in Rust: variables that lead nowhere, and where they went wrong.
//!
//! A value is a name, and what a name is worth only connect(2) can say. So this program looks the
//! variables up as getenv(3) would, and asks the kernel about each name; it never sends a byte.
//! Names and values are `[u8]` from the beginning to the end.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

/// The environment of one process, as /proc/PID/environ shows it.
#[derive(Default)]
struct Snapshot {
    strings: Vec<Vec<u8>>,
}

impl Snapshot {
    /// What getenv(3) would return: the first string counts that begins with the name and `=`.
    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let value = |string: &'_ Vec<u8>| -> Option<usize> {
            let rest = string.strip_prefix(name)?;
            rest.starts_with(b"=").then_some(name.len() + 1)
        };
        self.strings
            .iter()
            .find_map(|string| Some(&string[value(string)?..]))
    }
}

/// Reads strings that end with a NUL; an empty one ends a snapshot.
fn read_snapshots() -> io::Result<Vec<Snapshot>> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let mut snapshots = vec![Snapshot::default()];
    for string in input.split_inclusive(|&byte| byte == 0) {
        // The last one may lack its NUL.
        let string = string.strip_suffix(b"\0").unwrap_or(string);
        match snapshots.last_mut() {
            Some(snapshot) if !string.is_empty() => snapshot.strings.push(string.to_vec()),
            _ => snapshots.push(Snapshot::default()),
        }
    }
    Ok(snapshots)
}

/// Asks the only one who knows. Nothing is sent: whoever listens sees a client come and go.
fn ask(address: &UnixAddr) -> io::Result<&'static str> {
    // Non-blocking: a connection that would have to wait in a full queue is an answer too.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let asking = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    Ok(match connect(asking.as_raw_fd(), address) {
        Ok(()) | Err(Errno::EAGAIN) => "ok",
        Err(Errno::ECONNREFUSED) => "stale",
        Err(Errno::EACCES) => "denied",
        Err(Errno::EPROTOTYPE) => "other-type",
        Err(Errno::ENOENT | Errno::ENOTDIR) => "missing",
        Err(error) => return Err(error.into()),
    })
}

/// Replaces each %XX in a value of a bus address by the byte that it stands for.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let byte = |rest: &[u8]| {
        let digits = std::str::from_utf8(rest.get(1..3)?).ok()?;
        u8::from_str_radix(digits, 16).ok()
    };
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some(&first) = rest.first() {
        let (made, used) = match byte(rest) {
            Some(byte) if first == b'%' => (byte, 3),
            _ => (first, 1),
        };
        bytes.push(made);
        rest = &rest[used..];
    }
    bytes
}

/// Looks at the variables of one snapshot.
struct Doctor<'a> {
    /// Stands in front of every name.
    root: &'a [u8],
    snapshot: &'a Snapshot,
}

impl Doctor<'_> {
    fn below_root(&self, path: &[u8]) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&[self.root, path].concat()))
    }

    /// What is at an absolute path, when it should be a socket.
    fn socket_at(&self, path: &[u8]) -> io::Result<&'static str> {
        if !path.starts_with(b"/") {
            return Ok("relative");
        }
        let whole = self.below_root(path);
        let Ok(address) = UnixAddr::new(&whole) else {
            return Ok("too-long");
        };
        // connect() says ECONNREFUSED for a file that is no socket, too.
        match fs::metadata(&whole) {
            Ok(found) if found.file_type().is_socket() => ask(&address),
            Ok(_) => Ok("not-a-socket"),
            Err(error) if is_missing(&error) => Ok("missing"),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok("denied"),
            Err(error) => Err(error),
        }
    }

    /// What an abstract name is worth: a NUL and all bytes that follow, and no other.
    fn socket_named(&self, name: &[u8]) -> io::Result<&'static str> {
        match UnixAddr::new_abstract(&[self.root, name].concat()) {
            Ok(address) => ask(&address),
            Err(_) => Ok("too-long"),
        }
    }

    fn directory_state(&self, path: Option<&[u8]>) -> &'static str {
        match path {
            None => "unset",
            Some(b"") => "empty",
            Some(path) if !path.starts_with(b"/") => "relative",
            Some(path) => match fs::metadata(self.below_root(path)) {
                Ok(found) if found.is_dir() => "ok",
                Ok(_) => "not-a-directory",
                Err(error) if error.kind() == ErrorKind::PermissionDenied => "denied",
                Err(_) => "missing",
            },
        }
    }

    /// WAYLAND_DISPLAY: a path, or a name in the runtime directory of the same environment.
    fn display_state(&self, display: &[u8]) -> io::Result<&'static str> {
        if display.starts_with(b"/") {
            return self.socket_at(display);
        }
        let directory = self.snapshot.value(b"XDG_RUNTIME_DIR");
        if self.directory_state(directory) != "ok" {
            return Ok("no-runtime-dir");
        }
        self.socket_at(&[directory.unwrap_or_default(), b"/", display].concat())
    }

    /// One address of the bus, as in `unix:path=/run/bus,guid=0123`.
    fn bus_at(&self, address: &[u8]) -> io::Result<&'static str> {
        let pairs = address.strip_prefix(b"unix:").unwrap_or_default();
        for pair in pairs.split(|&byte| byte == b',') {
            if let Some(path) = pair.strip_prefix(b"path=") {
                return self.socket_at(&unescaped(path));
            }
            if let Some(name) = pair.strip_prefix(b"abstract=") {
                return self.socket_named(&unescaped(name));
            }
        }
        Ok("not-unix")
    }

    /// A list of addresses: they are tried in order, and the first that answers is taken.
    fn bus_state(&self, list: &[u8]) -> io::Result<&'static str> {
        let mut first = None;
        for address in list.split(|&byte| byte == b';') {
            match self.bus_at(address)? {
                "ok" => return Ok("ok"),
                state => first = first.or(Some(state)),
            }
        }
        Ok(first.unwrap_or("not-unix"))
    }

    fn state_of(&self, name: &[u8]) -> io::Result<&'static str> {
        match (name, self.snapshot.value(name)) {
            (_, None) => Ok("unset"),
            (_, Some(b"")) => Ok("empty"),
            (b"XDG_RUNTIME_DIR", path) => Ok(self.directory_state(path)),
            (b"WAYLAND_DISPLAY", Some(display)) => self.display_state(display),
            (b"DBUS_SESSION_BUS_ADDRESS", Some(list)) => self.bus_state(list),
            (_, Some(path)) => self.socket_at(path),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory
    )
}

/// Where the pane's value went wrong on its way from the session.
fn broken_link(chain: &[Snapshot; 3], name: &[u8], well: bool) -> &'static str {
    let [pane, server, session] = chain.each_ref().map(|snapshot| snapshot.value(name));
    if pane == session {
        if well { "-" } else { "session" }
    } else if pane == server {
        "server"
    } else {
        "pane"
    }
}

/// Prints a line for each name; whether nothing has to be mended.
fn run(root: &[u8], names: &[Vec<u8>]) -> io::Result<bool> {
    let snapshots = read_snapshots()?;
    let chain: Option<&[Snapshot; 3]> = snapshots.as_slice().try_into().ok();
    let doctor = Doctor {
        root,
        snapshot: &snapshots[0],
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let mut healthy = true;
    for name in names {
        let state = doctor.state_of(name)?;
        let mut well = state == "ok";
        out.write_all(name)?;
        write!(out, " {state}")?;
        if let Some(chain) = chain {
            let link = broken_link(chain, name, well);
            write!(out, " {link}")?;
            well &= link == "-";
        }
        writeln!(out)?;
        healthy &= well;
    }
    out.flush()?;
    Ok(healthy)
}

fn main() -> ExitCode {
    let arguments: Vec<Vec<u8>> = std::env::args_os()
        .skip(1)
        .map(OsStringExt::into_vec)
        .collect();
    let Some((root, names)) = arguments.split_first() else {
        eprintln!("usage: env-doctor ROOT NAME... < SNAPSHOTS");
        return ExitCode::from(2);
    };
    match run(root, names) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("env-doctor: {error}");
            ExitCode::from(2)
        }
    }
}
