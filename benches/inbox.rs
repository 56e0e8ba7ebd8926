//! What a connection costs the inbox: `cargo bench --bench inbox`.
//!
//! The solutions of exercise 20 hold ten thousand connections at once, each of which asks once, beside
//! the least that could do the same: a loop over epoll, written here, that counts bytes and knows no
//! commands. Clients are one process and the server another, since each end needs a descriptor. Memory
//! is what the server holds beyond what it held with one client; what the kernel keeps for a
//! connection belongs to nobody and is not in it. Nothing is asserted.

#![expect(
    clippy::disallowed_macros,
    reason = "what a benchmark prints is its result, and nobody pipes it away"
)]

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipc_mastery::sys::process;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Connections that are open at the same time.
const CONNECTIONS: u64 = 10_000;
/// Descriptors of either side that are none of these.
const OTHERS: u64 = 100;
/// The frame of a PING.
const PING: &[u8] = b"\0\0\0\x04PING";
/// What comes back, from the inbox the frame of PONG.
const REPLY: usize = 8;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|word| word == "__least") {
        return least(Path::new(&arguments[2]));
    }
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let connections = CONNECTIONS.min(most.saturating_sub(OTHERS));
    if connections < CONNECTIONS {
        println!("a process may open {most} descriptors here: {connections} connections");
    }
    let home = tempfile::tempdir()?;
    let address = home.path().join("inbox");
    println!(
        "{:<26}{:>14}{:>14}{:>14}",
        format!("{connections} at once"),
        "memory, B",
        "connect, us",
        "PING, us"
    );
    let us = std::env::current_exe()?.display().to_string();
    let bare = cost(&[us, "__least".into()], &address, connections)?;
    row("the least", &bare, &bare);
    for (name, words) in solutions(home.path())? {
        let found = cost(&words, &address, connections)?;
        row(&name, &found, &bare);
    }
    println!(
        "\nof the server, for each connection; in brackets, against the least. CPU is the server's."
    );
    Ok(())
}

/// The solutions of exercise 20 that can be built here with one command, and how they are started.
fn solutions(home: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("exercises/20-inbox/solution");
    let group = nix::unistd::getegid().to_string();
    let mut found = Vec::new();
    if Command::new("cc").arg("--version").output().is_ok() {
        let out = home.join("inbox-c");
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu17", "-O2", "-o"]).arg(&out);
        let built = cc.arg(source.join("c/main.c")).status()?;
        if !built.success() {
            return Err(format!("cc: {built}").into());
        }
        let words = vec![out.display().to_string(), group.clone()];
        found.push(("the inbox in C".to_owned(), words));
    }
    if Command::new("python3").arg("--version").output().is_ok() {
        let main = source.join("python/main.py").display().to_string();
        let words = vec!["python3".to_owned(), main, group];
        found.push(("the inbox in Python".to_owned(), words));
    }
    Ok(found)
}

/// What one connection cost.
struct Cost {
    memory: f64,
    connect_us: f64,
    ping_us: f64,
}

fn row(name: &str, found: &Cost, bare: &Cost) {
    let cell = |value: f64, least: f64| format!("{value:.1} ({:.1})", value / least.max(0.001));
    println!(
        "{name:<26}{:>14}{:>14}{:>14}",
        cell(found.memory, bare.memory),
        cell(found.connect_us, bare.connect_us),
        cell(found.ping_us, bare.ping_us)
    );
}

/// Starts a server, connects, asks on each connection, and looks what the server has used.
fn cost(words: &[String], address: &PathBuf, connections: u64) -> Result<Cost> {
    drop(fs::remove_file(address));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(address);
    let mut server = command.stdout(Stdio::null()).spawn()?;
    let measured = measure(server.id() as i32, address, connections);
    server.kill()?;
    server.wait()?;
    measured
}

fn measure(server: i32, address: &Path, connections: u64) -> Result<Cost> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut first = loop {
        match UnixStream::connect(address) {
            Ok(first) => break first,
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => std::thread::yield_now(),
        }
    };
    ask(&mut first)?;
    let (memory, began) = (resident(server)?, on_cpu_us(server)?);
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(UnixStream::connect(address)?);
    }
    // Whoever is answered behind them all proves that all have been accepted.
    let mut last = UnixStream::connect(address)?;
    ask(&mut last)?;
    let connected = on_cpu_us(server)?;
    for client in &mut clients {
        client.write_all(PING)?;
    }
    for client in &mut clients {
        client.read_exact(&mut [0; REPLY])?;
    }
    let asked = on_cpu_us(server)?;
    let each = |total: f64| total / connections as f64;
    Ok(Cost {
        memory: each(resident(server)? - memory),
        connect_us: each(connected - began),
        ping_us: each(asked - connected),
    })
}

fn ask(client: &mut UnixStream) -> Result<()> {
    client.write_all(PING)?;
    client.read_exact(&mut [0; REPLY])?;
    Ok(())
}

fn resident(pid: i32) -> Result<f64> {
    let memory = process::memory(pid).ok_or("the server has ended")?;
    Ok(memory.resident as f64)
}

/// How long all its threads have been on a CPU.
fn on_cpu_us(pid: i32) -> Result<f64> {
    let turns = process::turns(pid);
    if turns.is_empty() {
        return Err("this kernel does not tell how long a process ran (CONFIG_SCHED_INFO)".into());
    }
    let ran: u64 = turns.iter().map(|(_, turns)| turns.ran_ns).sum();
    Ok(ran as f64 / 1000.0)
}

/// The least that accepts and answers: eight bytes for whatever comes.
fn least(address: &Path) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let listener = UnixListener::bind(address)?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let readable = |socket: i32| EpollEvent::new(EpollFlags::EPOLLIN, socket as u64);
    epoll.add(&listener, readable(listener.as_raw_fd()))?;
    let mut clients = std::collections::HashMap::new();
    let mut events = [EpollEvent::empty(); 64];
    loop {
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            let socket = event.data() as i32;
            if socket == listener.as_raw_fd() {
                let (client, _) = listener.accept()?;
                epoll.add(&client, readable(client.as_raw_fd()))?;
                clients.insert(client.as_raw_fd(), client);
            } else if let Some(client) = clients.get_mut(&socket) {
                let mut buffer = [0; REPLY];
                match client.read(&mut buffer)? {
                    0 => drop(clients.remove(&socket)),
                    _ => client.write_all(&buffer)?,
                }
            }
        }
    }
}
