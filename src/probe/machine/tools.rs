//! Programs: which are on the PATH, what each is needed for, and which package has it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Finding, Group, State, attempt, shown};

/// A program, what it is for, and where it comes from.
struct Tool {
    name: &'static str,
    group: Group,
    needed_for: &'static str,
    /// Packages of Debian and Ubuntu, Fedora, Arch.
    packages: [&'static str; 3],
    ask: Ask,
}

/// What a program is asked, to see that it works and what it can do.
#[derive(Clone, Copy)]
enum Ask {
    /// Nothing: being there is enough.
    Nothing,
    /// Its version. A compiler that is only a front for one that is not installed fails here.
    Version,
    /// Whether its help knows an option; the text says what is missing without it.
    Option(&'static [&'static str], &'static str, &'static str),
    /// These arguments must end with success; the text says what fails otherwise.
    Success(&'static [&'static str], &'static str),
}

use Ask::{Nothing, Option as Knows, Success, Version};
use Group::{Languages, Tools};

const TOOLS: &[Tool] = &[
    tool(
        "cc",
        Languages,
        "exercises in C",
        ["gcc libc6-dev", "gcc", "gcc"],
        Version,
    ),
    tool(
        "cargo",
        Languages,
        "exercises in Rust",
        ["cargo", "cargo", "rust"],
        Version,
    ),
    tool(
        "rustc",
        Languages,
        "exercises in Rust",
        ["rustc", "rust", "rust"],
        Version,
    ),
    tool(
        "python3",
        Languages,
        "exercises in Python",
        ["python3", "python3", "python"],
        Version,
    ),
    tool(
        "strace",
        Tools,
        "seeing the system calls of a program, in checks and by hand",
        ["strace", "strace", "strace"],
        Nothing,
    ),
    tool(
        "gdb",
        Tools,
        "stopping a program and looking inside",
        ["gdb", "gdb", "gdb"],
        Nothing,
    ),
    tool(
        "ss",
        Tools,
        "listing sockets by hand",
        ["iproute2", "iproute", "iproute2"],
        Nothing,
    ),
    tool(
        "socat",
        Tools,
        "talking to a socket by hand",
        ["socat", "socat", "socat"],
        Nothing,
    ),
    tool(
        "nc",
        Tools,
        "talking to a Unix socket by hand: nc -U",
        ["netcat-openbsd", "nmap-ncat", "openbsd-netcat"],
        Knows(
            &["-h"],
            "-U",
            "this nc has no option -U, so it knows no Unix sockets",
        ),
    ),
    tool(
        "tmux",
        Tools,
        "a lesson beside a shell; a real server to look at",
        ["tmux", "tmux", "tmux"],
        Nothing,
    ),
    tool(
        "bwrap",
        Tools,
        "judging other people's programs: `check --isolation bwrap`",
        ["bubblewrap", "bubblewrap", "bubblewrap"],
        Success(
            &["--ro-bind", "/", "/", "true"],
            "it cannot make a sandbox here",
        ),
    ),
    tool(
        "man",
        Tools,
        "the manual pages that rules and lessons cite",
        [
            "man-db manpages manpages-dev",
            "man-db man-pages",
            "man-db man-pages",
        ],
        Success(&["-w", "7", "unix"], "the page unix(7) is not installed"),
    ),
];

const fn tool(
    name: &'static str,
    group: Group,
    needed_for: &'static str,
    packages: [&'static str; 3],
    ask: Ask,
) -> Tool {
    Tool {
        name,
        group,
        needed_for,
        packages,
        ask,
    }
}

pub(super) fn collect() -> Vec<Finding> {
    let mut findings: Vec<Finding> = TOOLS.iter().map(look_for).collect();
    findings.push(sanitizers());
    findings.push(chosen(
        "editor",
        "editor",
        &["VISUAL", "EDITOR"],
        "",
        "opening an exercise: start --edit",
    ));
    findings.push(chosen(
        "pager",
        "pager",
        &["PAGER"],
        "less",
        "reading lessons: ipc-mastery read",
    ));
    findings
}

fn look_for(tool: &Tool) -> Finding {
    let (state, detail) = match which::which(tool.name) {
        Err(_) => (State::Missing, "not on the PATH".to_owned()),
        Ok(path) => examine(&path, tool.ask),
    };
    let [debian, fedora, arch] = tool.packages;
    let get = if state == State::Here {
        String::new()
    } else {
        format!(
            "Debian, Ubuntu: apt install {debian}; Fedora: dnf install {fedora}; Arch: pacman -S {arch}."
        )
    };
    Finding {
        id: tool.name,
        name: tool.name,
        group: tool.group,
        state,
        detail,
        needed_for: tool.needed_for,
        get,
    }
}

fn examine(path: &Path, ask: Ask) -> (State, String) {
    let place = shown(path);
    let run = |arguments: &[&str]| attempt::run(Command::new(path).args(arguments));
    match ask {
        Nothing => (State::Here, place),
        Version => match run(&["--version"]) {
            Ok(outcome) if outcome.status.success() => {
                let first = outcome
                    .output
                    .split(|&byte| byte == b'\n')
                    .next()
                    .unwrap_or_default();
                (
                    State::Here,
                    crate::untrusted::Untrusted::from(first).to_string(),
                )
            }
            Ok(outcome) => (
                State::Missing,
                format!("{place} --version: {}", outcome.status),
            ),
            Err(error) => (State::Missing, format!("{place} --version: {error}")),
        },
        Knows(arguments, option, otherwise) => match run(arguments) {
            Ok(outcome) if names_option(&outcome.output, option) => (State::Here, place),
            // A short help lists its letters together: `nc [-46CDdFhklNnrStUuvZz]`.
            Ok(outcome) if lists_letter(&outcome.output, option) => (State::Here, place),
            _ => (State::Limited, format!("{place}: {otherwise}")),
        },
        Success(arguments, otherwise) => match run(arguments) {
            Ok(outcome) if outcome.status.success() => (State::Here, place),
            _ => (State::Limited, format!("{place}: {otherwise}")),
        },
    }
}

/// Whether the C compiler has AddressSanitizer and UndefinedBehaviorSanitizer, whose libraries are
/// packages of their own in some distributions: found by building an empty program.
fn sanitizers() -> Finding {
    let (state, detail) = match (which::which("cc"), private_directory()) {
        (Err(_), _) => (State::Missing, "there is no cc on the PATH".to_owned()),
        (Ok(_), Err(error)) => (State::NotTried, format!("no temporary directory: {error}")),
        (Ok(cc), Ok(directory)) => {
            let out = directory.join("empty");
            let built = attempt::run_with_input(
                Command::new(cc)
                    .args(["-fsanitize=address,undefined", "-x", "c", "-", "-o"])
                    .arg(out),
                b"int main(void) { return 0; }\n",
            );
            drop(std::fs::remove_dir_all(&directory));
            match built {
                Ok(outcome) if outcome.status.success() => {
                    (State::Here, "cc -fsanitize=address,undefined".to_owned())
                }
                Ok(outcome) => (State::Missing, outcome.status.to_string()),
                Err(error) => (State::Missing, error.to_string()),
            }
        }
    };
    let get = match state {
        State::Missing => {
            "Debian, Ubuntu: apt install gcc; Fedora: dnf install libasan libubsan; \
             Arch: pacman -S gcc."
        }
        State::Here | State::Limited | State::NotTried => "",
    };
    Finding {
        id: "sanitizers",
        name: "sanitizers of cc",
        group: Languages,
        state,
        detail,
        needed_for: "telling where a C program misuses memory; check --sanitize",
        get: get.to_owned(),
    }
}

fn private_directory() -> std::io::Result<PathBuf> {
    let template = std::env::temp_dir().join("ipcm-doctor-XXXXXX");
    Ok(nix::unistd::mkdtemp(&template)?)
}

fn names_option(text: &[u8], option: &str) -> bool {
    String::from_utf8_lossy(text)
        .split(|character: char| character.is_whitespace() || character == ',')
        .any(|word| word == option)
}

fn lists_letter(text: &[u8], option: &str) -> bool {
    let letter = option.chars().last().unwrap_or('-');
    String::from_utf8_lossy(text)
        .split_whitespace()
        .filter_map(|word| word.trim_start_matches('[').strip_prefix('-'))
        .any(|letters| letters.len() > 1 && letters.contains(letter) && !letters.starts_with('-'))
}

/// A program that an environment variable names.
fn chosen(
    id: &'static str,
    name: &'static str,
    variables: &[&str],
    default: &str,
    needed_for: &'static str,
) -> Finding {
    let set = variables.iter().find_map(|variable| {
        let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
        Some((format!("${variable}"), value))
    });
    let (whence, command) = match set {
        Some((variable, value)) => (variable, value),
        None => ("the default".to_owned(), default.into()),
    };
    let first = command
        .to_string_lossy()
        .split_whitespace()
        .next()
        .map(PathBuf::from);
    let found = first.and_then(|program| which::which(program).ok());
    let names = variables.join(" or ");
    let (state, detail) = match found {
        Some(path) => (State::Here, format!("{} ({whence})", shown(path))),
        None if command.is_empty() => (
            State::Missing,
            format!("neither {} is set", variables.join(" nor ")),
        ),
        None => (
            State::Missing,
            format!("{} ({whence}) is not on the PATH", shown(&command)),
        ),
    };
    let get = if state == State::Here {
        String::new()
    } else {
        format!("Set {names} to a program that is installed.")
    };
    Finding {
        id,
        name,
        group: Group::Terminal,
        state,
        detail,
        needed_for,
        get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_one_by_one_and_among_letters() {
        let openbsd = b"usage: nc [-46CDdFhklNnrStUuvZz] [-I length]\n";
        let ncat = b"  -U, --unixsock             Use Unix domain sockets only\n";
        let traditional = b"\t-u\t\t\tUDP mode\n\t-v\t\t\tverbose\n[-lnruv] --Unix\n";
        assert!(lists_letter(openbsd, "-U") && names_option(ncat, "-U"));
        assert!(!lists_letter(traditional, "-U") && !names_option(traditional, "-U"));
    }

    #[test]
    fn every_tool_names_a_package_for_each_distribution() {
        for tool in TOOLS {
            assert!(
                tool.packages.iter().all(|package| !package.is_empty()),
                "{}",
                tool.name
            );
        }
    }
}
