//! What listing sockets costs: `cargo bench --bench probe`.
//!
//! Makes populations of AF_UNIX sockets, and lets `probe sockets` and the programs that people use
//! for this now list them in turns: A B C, A B C, … The figures that matter are the ratios of CPU
//! time, taken within each turn: a busy machine changes all sides alike. Nothing is asserted.
//!
//! ```text
//! cargo bench --bench probe                         all populations, and starting up
//! cargo bench --bench probe -- desktop 20k          only these
//! cargo bench --bench probe -- pairs=500,over=10,files=3
//! cargo bench --bench probe -- desktop --rounds 21
//! cargo bench --bench probe -- 20k --stand          makes it and waits for Enter, for a profiler
//! SS=/opt/ss LSOF=/opt/lsof LSFD=/opt/lsfd IPC_MASTERY=/opt/ipc-mastery cargo bench --bench probe
//! ```
//!
//! A population is processes of this very program (see [`population`]); they end with it, however
//! it ends. A tool that is not installed is named and left out.

#![expect(
    clippy::disallowed_macros,
    reason = "what a benchmark prints is its result, and nobody pipes it away"
)]

mod measure;
mod population;
mod tools;

use std::error::Error;
use std::fs;
use std::io;
use std::thread;

use measure::{Cost, median};
use population::{Population, Shape};
use tools::Tool;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A population to be measured, and what the project promises there.
struct Case {
    name: &'static str,
    shape: Shape,
    /// How often everything is measured.
    rounds: usize,
    goals: Goals,
}

/// How many times cheaper than others listing is to be, in CPU time; DESIGN's numbers.
#[derive(Clone, Copy, Default)]
struct Goals {
    ss: Option<f64>,
    lsof: Option<f64>,
    /// Peak memory, in MiB.
    memory: Option<f64>,
}

const CASES: &[Case] = &[
    Case {
        name: "desktop",
        shape: Shape {
            pairs: 2_000,
            processes: 300,
            files: 40,
        },
        rounds: 11,
        goals: Goals {
            ss: Some(1.6),
            lsof: Some(4.3),
            memory: None,
        },
    },
    Case {
        name: "20k",
        shape: Shape {
            pairs: 10_000,
            processes: 100,
            files: 0,
        },
        rounds: 11,
        goals: Goals {
            ss: Some(2.0),
            lsof: Some(8.0),
            memory: None,
        },
    },
    Case {
        name: "100k",
        shape: Shape {
            pairs: 50_000,
            processes: 100,
            files: 0,
        },
        rounds: 3,
        goals: Goals {
            ss: Some(8.0),
            lsof: Some(35.0),
            memory: Some(30.0),
        },
    },
];

/// The name of the part that measures starting up.
const STARTUP: &str = "startup";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(measure::ROLE) => measure::here(&arguments[2..]),
        Some(population::ROLE) => population::hold(&arguments[2..]),
        _ => run(&arguments[1..]),
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let mut names = Vec::new();
    let mut rounds = None;
    let mut stand = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--rounds" => rounds = Some(rest.next().ok_or("--rounds needs a number")?.parse()?),
            "--stand" => stand = true,
            name => names.push(name),
        }
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    let mut shapes = Vec::new();
    for name in &names {
        match Shape::parse(name) {
            Some(shape) => shapes.push(shape),
            None if *name == STARTUP || CASES.iter().any(|case| case.name == *name) => {}
            None => return Err(format!("what is `{name}`? See benches/probe/main.rs").into()),
        }
    }

    if stand {
        let case = CASES.iter().find(|case| wanted(case.name));
        let shape = shapes.first().copied().or(case.map(|case| case.shape));
        let _population = Population::new(shape.ok_or("which population?")?)?;
        println!("It stands; Enter ends it.");
        io::stdin().read_line(&mut String::new())?;
        return Ok(());
    }
    let tools = tools::found();
    println!("{}", machine());
    if wanted(STARTUP) {
        startup(rounds.unwrap_or(21))?;
    }
    for case in CASES.iter().filter(|case| wanted(case.name)) {
        let rounds = rounds.unwrap_or(case.rounds);
        compare(case.name, case.shape, rounds, case.goals, &tools)?;
    }
    for shape in shapes {
        let rounds = rounds.unwrap_or(7);
        compare("as asked", shape, rounds, Goals::default(), &tools)?;
    }
    Ok(())
}

fn compare(name: &str, shape: Shape, rounds: usize, goals: Goals, tools: &[Tool]) -> Result<()> {
    let population = Population::new(shape)?;
    println!(
        "\n{name}: {shape}. {rounds} rounds; load average {}.",
        load()
    );
    for tool in tools {
        tool.run()?; // once for nothing: it warms caches and shows that it works
    }
    let mut costs: Vec<Vec<Cost>> = tools.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (tool, costs) in tools.iter().zip(&mut costs) {
            costs.push(tool.run()?);
        }
    }
    drop(population);

    println!(
        "{:<42}{:>9}{:>9}{:>9}{:>9}{:>9}  goal",
        "", "CPU ms", "wall ms", "MiB", "rows", "CPU/ours"
    );
    let ours = &costs[0];
    for (tool, costs) in tools.iter().zip(&costs) {
        let of = |value: fn(&Cost) -> f64| median(costs.iter().map(value));
        let ratio = median(costs.iter().zip(ours).map(|(a, b)| a.cpu_ms / b.cpu_ms));
        let goal = match tool.name {
            tools::OURS => goals.memory.map(|most| format!("≤ {most} MiB")),
            tools::SS => goals.ss.map(|least| format!("≥ {least}")),
            tools::LSOF => goals.lsof.map(|least| format!("≥ {least}")),
            _ => None,
        };
        println!(
            "{:<42}{:>9.1}{:>9.1}{:>9.1}{:>9.0}{:>9.2}  {}",
            tool.title,
            of(|cost| cost.cpu_ms),
            of(|cost| cost.wall_ms),
            of(|cost| cost.peak_mib),
            of(|cost| cost.lines as f64),
            ratio,
            goal.unwrap_or_default()
        );
    }
    for missing in tools::MISSING
        .iter()
        .filter(|name| !tools.iter().any(|tool| tool.name == **name))
    {
        println!("{missing}: not installed here, so not compared");
    }
    Ok(())
}

/// What starting costs, where there is little to look at.
fn startup(rounds: usize) -> Result<()> {
    println!("\n{STARTUP}: {rounds} rounds; load average {}.", load());
    println!(
        "{:<42}{:>9}{:>9}{:>9}  goal",
        "", "CPU ms", "wall ms", "MiB"
    );
    let tools = tools::starting();
    let mut costs: Vec<Vec<Cost>> = tools.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (tool, costs) in tools.iter().zip(&mut costs) {
            costs.push(tool.run()?);
        }
    }
    for (tool, costs) in tools.iter().zip(&costs) {
        let of = |value: fn(&Cost) -> f64| median(costs.iter().map(value));
        let goal = if tool.name == tools::OURS {
            "≤ 10 ms CPU"
        } else {
            ""
        };
        println!(
            "{:<42}{:>9.1}{:>9.1}{:>9.1}  {goal}",
            tool.title,
            of(|cost| cost.cpu_ms),
            of(|cost| cost.wall_ms),
            of(|cost| cost.peak_mib),
        );
    }
    Ok(())
}

/// What the figures were taken on.
fn machine() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let built = if cfg!(debug_assertions) {
        "Built without optimisation: figures mean little."
    } else {
        "Built with optimisation."
    };
    format!(
        "Linux {}, {cores} cores. {built} Medians; CPU is user and system time of the whole process, \
         and CPU/ours the median of the ratios within each round.",
        release.trim()
    )
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
