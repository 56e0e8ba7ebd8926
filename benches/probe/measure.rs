//! Runs a command and tells what it cost.
//!
//! A process of its own runs the command and asks for the resources of its ended children
//! (getrusage(2)): it has only that one. Memory is the peak of the resident set; it is never less
//! than that of this small process, from which the command was started.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::Result;

/// The first argument of the process that measures.
pub const ROLE: &str = "__measure";

/// What a command cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// User and system time.
    pub cpu_ms: f64,
    /// From start to end.
    pub wall_ms: f64,
    /// The largest resident set.
    pub peak_mib: f64,
    /// Lines that it printed.
    pub lines: u64,
}

/// Runs a command. Its output goes through a pipe and is counted.
pub fn of(words: &[String]) -> Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .arg(ROLE)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", words.join(" "), output.status).into());
    }
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let number = |key: &str| found[key].as_f64().unwrap_or(f64::NAN);
    Ok(Cost {
        cpu_ms: number("cpu_ms"),
        wall_ms: number("wall_ms"),
        peak_mib: number("peak_mib"),
        lines: found["lines"].as_u64().unwrap_or(0),
    })
}

/// In the process that measures: runs the command and prints what it cost.
#[expect(
    clippy::disallowed_macros,
    reason = "what is printed goes to the benchmark itself"
)]
pub fn here(words: &[String]) -> Result<()> {
    let began = Instant::now();
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let lines = count_lines(BufReader::with_capacity(64 * 1024, output))?;
    // lsof(8) reports by its status that it could not see everything.
    child.wait()?;
    let wall = began.elapsed();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let found = json!({
        "cpu_ms": cpu as f64 / 1000.0,
        "wall_ms": wall.as_secs_f64() * 1000.0,
        "peak_mib": used.max_rss() as f64 / 1024.0,
        "lines": lines,
    });
    println!("{found}");
    Ok(())
}

fn count_lines(mut output: BufReader<impl Read>) -> Result<u64> {
    let mut lines = 0;
    loop {
        let bytes = output.fill_buf()?;
        if bytes.is_empty() {
            return Ok(lines);
        }
        lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let read = bytes.len();
        output.consume(read);
    }
}

/// The middle of some figures.
pub fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[odd / 2],
        even => f64::midpoint(figures[even / 2 - 1], figures[even / 2]),
    }
}
