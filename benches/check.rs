//! What a check costs: `cargo bench --bench check`.
//!
//! Three loads, each against the least that could do the same in the same run: a client in a loop,
//! written here, and the same server. The figures that matter are the ratios; a busy machine changes
//! both sides. Nothing is asserted. CPU and memory are those of all processes together, the server
//! included, memory being the peak of the largest one (getrusage(2)).

#![expect(
    clippy::disallowed_macros,
    reason = "what a benchmark prints is its result, and nobody pipes it away"
)]

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// Connections that come one after the other.
const SEQUENTIAL: usize = 10_000;
/// Connections that are open at the same time.
const SIMULTANEOUS: usize = 1_000;
/// Bytes that each sends and gets back.
const BYTES: usize = 64;
/// How often everything is measured; the best counts, since disturbances only add.
const ROUNDS: usize = 3;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("__measure") => measure_here(&arguments[2..]),
        Some("__clients") => clients_here(&arguments[2..]),
        _ => compare(),
    }
}

fn compare() -> Result<()> {
    if Command::new("cc").arg("--version").output().is_err() {
        println!("skipped: there is no C compiler");
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let pack = pack(home.path())?;
    let load = compile(
        &pack.join("exercises/90-load/solution/c"),
        home.path(),
        "load",
    )?;
    let echo = pack.join("exercises/03-echo-server/solution/c");
    let built = compile(&echo, home.path(), "echo")?;

    let check = |exercise: &str, command: &Path| {
        let command = format!("{} {{socket}}", command.display());
        let arguments = ["check", exercise, "--json", "--cmd", &command];
        let mut words = vec![env!("CARGO_BIN_EXE_ipc-mastery").to_owned()];
        words.extend(arguments.map(str::to_owned));
        words.extend(["--curriculum".to_owned(), pack.display().to_string()]);
        measured(&words, home.path())
    };
    let bare = |server: &Path, kind: &str, count: usize| {
        let us = std::env::current_exe()?.display().to_string();
        let words = [us, "__clients".into(), server.display().to_string()];
        let more = [kind.to_owned(), count.to_string()];
        measured(&[words.as_slice(), &more].concat(), home.path())
    };

    println!("{:<46}{:>10}{:>10}{:>8}", "", "bare", "check", "ratio");
    let loads = best(|| check("90", &load))?;
    let stages = loads.report["stages"].as_array().ok_or("no stages")?;
    for (stage, kind, count) in [
        (&stages[0], "sequential", SEQUENTIAL),
        (&stages[1], "simultaneous", SIMULTANEOUS),
    ] {
        let title = stage["title"].as_str().unwrap_or_default();
        if stage["verdict"] != "pass" {
            return Err(format!("{title}: {stage:#}").into());
        }
        let plain = best(|| bare(&load, kind, count))?;
        let took = stage["elapsed_ms"].as_f64().unwrap_or(0.0);
        row(&format!("{title}, ms"), plain.wall_ms, took);
    }
    let both = best(|| bare(&load, "both", 0))?;
    row("both, CPU of all processes, ms", both.cpu_ms, loads.cpu_ms);
    row("both, peak memory, MiB", both.peak_mib, loads.peak_mib);

    let whole = best(|| check("exercise-3", &built))?;
    let stages = whole.report["stages"].as_array().map_or(0, Vec::len);
    let plain = best(|| bare(&built, "restarted", stages))?;
    row(
        "exercise 3, a good server in C, built, ms",
        plain.wall_ms,
        whole.wall_ms,
    );
    row(
        "the same, CPU of all processes, ms",
        plain.cpu_ms,
        whole.cpu_ms,
    );
    row("the same, peak memory, MiB", plain.peak_mib, whole.peak_mib);
    println!("\nbare: a client in a loop and the same server; for exercise 3, the server started");
    println!(
        "once for each of its {stages} stages. Best of {ROUNDS}. {}",
        mode()
    );
    Ok(())
}

fn mode() -> &'static str {
    if cfg!(debug_assertions) {
        "Built without optimisation: figures mean little."
    } else {
        "Built with optimisation."
    }
}

fn row(what: &str, bare: f64, check: f64) {
    let ratio = check / bare.max(0.001);
    println!("{what:<46}{bare:>10.1}{check:>10.1}{ratio:>8.1}");
}

/// What a command cost.
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
    peak_mib: f64,
    /// What it printed, when that is JSON.
    report: Value,
}

fn best(mut run: impl FnMut() -> Result<Cost>) -> Result<Cost> {
    let mut best = run()?;
    for _ in 1..ROUNDS {
        let next = run()?;
        if next.wall_ms < best.wall_ms {
            best = next;
        }
    }
    Ok(best)
}

/// Runs a command in a process of its own that measures it: resources of ended children are only
/// known for all of them together.
fn measured(words: &[String], home: &Path) -> Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .arg("__measure")
        .args(words)
        .current_dir(home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let number = |key: &str| found[key].as_f64().unwrap_or(0.0);
    Ok(Cost {
        wall_ms: number("wall_ms"),
        cpu_ms: number("cpu_ms"),
        peak_mib: number("peak_mib"),
        report: found["report"].clone(),
    })
}

fn measure_here(words: &[String]) -> Result<()> {
    let began = Instant::now();
    let output = Command::new(&words[0])
        .args(&words[1..])
        .stderr(Stdio::inherit())
        .output()?;
    let wall = began.elapsed();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let found = json!({
        "wall_ms": wall.as_secs_f64() * 1000.0,
        "cpu_ms": cpu as f64 / 1000.0,
        "peak_mib": used.max_rss() as f64 / 1024.0,
        "report": serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
    });
    println!("{found}");
    Ok(())
}

/// The least that could do what a check does: starts the server, and is its clients.
fn clients_here(words: &[String]) -> Result<()> {
    let [server, kind, count] = words else {
        return Err("a server, a kind and a number".into());
    };
    let count: usize = count.parse()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("s");
    match kind.as_str() {
        "sequential" => with_server(Path::new(server), &path, || sequential(&path, count))?,
        "simultaneous" => with_server(Path::new(server), &path, || simultaneous(&path, count))?,
        "both" => {
            with_server(Path::new(server), &path, || sequential(&path, SEQUENTIAL))?;
            with_server(Path::new(server), &path, || {
                simultaneous(&path, SIMULTANEOUS)
            })?;
        }
        _ => {
            for _ in 0..count {
                with_server(Path::new(server), &path, || sequential(&path, 1))?;
            }
        }
    }
    Ok(())
}

fn with_server(server: &Path, path: &Path, work: impl FnOnce() -> io::Result<()>) -> Result<()> {
    drop(fs::remove_file(path));
    let mut child: Child = Command::new(server)
        .arg(path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while UnixStream::connect(path).is_err() {
        if Instant::now() > deadline {
            return Err("the server does not listen".into());
        }
        std::thread::yield_now();
    }
    let done = work();
    child.kill()?;
    child.wait()?;
    Ok(done?)
}

fn exchange(client: &mut UnixStream) -> io::Result<()> {
    client.write_all(&[7; BYTES])?;
    read_back(client)
}

fn read_back(client: &mut UnixStream) -> io::Result<()> {
    client.read_exact(&mut [0; BYTES])
}

fn sequential(path: &Path, count: usize) -> io::Result<()> {
    for _ in 0..count {
        exchange(&mut UnixStream::connect(path)?)?;
    }
    Ok(())
}

fn simultaneous(path: &Path, count: usize) -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let clients: io::Result<Vec<_>> = (0..count).map(|_| UnixStream::connect(path)).collect();
    let mut clients = clients?;
    for client in &mut clients {
        client.write_all(&[7; BYTES])?;
    }
    clients.iter_mut().try_for_each(read_back)
}

/// The shipped curriculum with the exercise of the benchmark beside its own.
fn pack(home: &Path) -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pack = home.join("pack");
    for part in ["curriculum", "exercises", "benches/pack/exercises"] {
        let name = part.rsplit('/').next().unwrap_or(part);
        copy(&root.join(part), &pack.join(name))?;
    }
    Ok(pack)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Builds a server as exercises in C are built, where the program's own user can run it.
fn compile(source: &Path, home: &Path, name: &str) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;

    let out = home.join(name);
    let built = Command::new("cc")
        .args(["-std=gnu17", "-O2", "-o"])
        .arg(&out)
        .arg(source.join("main.c"))
        .status()?;
    if !built.success() {
        return Err(format!("cc {}: {built}", source.display()).into());
    }
    fs::set_permissions(home, fs::Permissions::from_mode(0o755))?;
    Ok(out)
}
