//! `man`: the manual page in roff, made from the command line's own definition and from the table
//! of exit statuses, so that it cannot say anything else than the program does.

use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::context::Context;
use super::error::CommandError;
use crate::cli;
use crate::exit_code::ExitCode;

/// Prints the page.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(context: &Context) -> Result<ExitCode, CommandError> {
    context.print(&page())?;
    Ok(ExitCode::Success)
}

/// The page.
pub fn page() -> String {
    let mut command = cli::documented();
    command.build();
    let mut roff = Roff::new();
    section(&mut roff, "NAME");
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let about = about
        .trim_end_matches('.')
        .to_lowercase()
        .replace("linux", "Linux");
    roff.text([roman(format!("ipc-mastery - {about}"))]);
    section(&mut roff, "SYNOPSIS");
    roff.text([bold("ipc-mastery"), roman(" [OPTIONS] [COMMAND]")]);
    section(&mut roff, "DESCRIPTION");
    for paragraph in DESCRIPTION {
        roff.control("PP", []);
        roff.text([roman(*paragraph)]);
    }
    section(&mut roff, "OPTIONS");
    options(&mut roff, &command);
    section(&mut roff, "COMMANDS");
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        subcommand(&mut roff, "ipc-mastery", sub);
    }
    section(&mut roff, "EXIT STATUS");
    for code in ExitCode::ALL {
        entry(
            &mut roff,
            vec![bold((code as u8).to_string())],
            code.meaning(),
        );
    }
    section(&mut roff, "ENVIRONMENT");
    for (name, meaning) in ENVIRONMENT {
        entry(&mut roff, vec![bold(*name)], meaning);
    }
    section(&mut roff, "FILES");
    for (name, meaning) in FILES {
        entry(&mut roff, vec![italic(*name)], meaning);
    }
    section(&mut roff, "SEE ALSO");
    roff.text([roman(SEE_ALSO)]);
    // Written by hand: an empty date must be quoted, which the library does not do.
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH IPC-MASTERY 1 \"\" \"ipc-mastery {version}\" \"User Commands\"\n");
    title + &roff.render()
}

const DESCRIPTION: &[&str] = &[
    "A program to learn Linux inter-process communication with. Lessons run experiments and probes \
     on the kernel that is running; exercises are programs that you write in a language of your \
     choice and that are judged by what the kernel can show of them.",
    "Without a command it opens the full screen, as `ipc-mastery learn` does.",
    "Data goes to standard output, everything else to standard error. What is printed with --json \
     has a field named schema.",
];

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "XDG_STATE_HOME",
        "Where progress is kept; ~/.local/state when unset or not absolute.",
    ),
    (
        "XDG_CACHE_HOME",
        "Where compiled dependencies are kept; ~/.cache when unset or not absolute.",
    ),
    (
        "XDG_RUNTIME_DIR",
        "The runtime directory that probes and lessons look at.",
    ),
    ("VISUAL, EDITOR", "The editor that `start --edit` opens."),
    ("PAGER", "The program that `read` shows a lesson in."),
    (
        "NO_COLOR",
        "When set to anything but the empty text, no colour is used.",
    ),
    (
        "CLICOLOR_FORCE",
        "When set to anything but 0, colour is used even when the output is no terminal.",
    ),
    (
        "COLORFGBG",
        "Foreground and background as colour numbers, from which --background auto is told.",
    ),
    (
        "IPC_MASTERY_NOW",
        "Seconds since the epoch: the time that progress is recorded with and that reviews are due \
         at, in place of the clock's. For trying out a schedule.",
    ),
    ("COLUMNS", "How wide the output is laid out, in columns."),
];

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_STATE_HOME/ipc-mastery/progress.sqlite",
        "Progress: checks, lessons read, answers, reviews, hints. `ipc-mastery reset` forgets it.",
    ),
    (
        "$XDG_CACHE_HOME/ipc-mastery/",
        "Compiled dependencies of your programs. May be removed at any time.",
    ),
    (
        ".ipc-mastery.toml",
        "Written by `start` beside your program; `check` finds the exercise and the language by it.",
    ),
];

const SEE_ALSO: &str = "unix(7), socket(2), bind(2), listen(2), accept(2), cmsg(3), sock_diag(7), \
                        ss(8), strace(1), socat(1)";

fn section(roff: &mut Roff, title: &str) {
    roff.control("SH", [title]);
}

fn entry(roff: &mut Roff, term: Vec<Inline>, meaning: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(meaning)]);
}

/// A subcommand that does something, or the subcommands below it.
fn subcommand(roff: &mut Roff, parent: &str, command: &Command) {
    let name = format!("{parent} {}", command.get_name());
    let below: Vec<&Command> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .collect();
    if !below.is_empty() {
        for sub in below {
            subcommand(roff, &name, sub);
        }
        return;
    }
    let arguments = command.get_positionals().map(|argument| {
        let value = value_name(argument);
        if argument.is_required_set() {
            format!(" <{value}>")
        } else {
            format!(" [{value}]")
        }
    });
    let arguments: String = arguments.collect();
    roff.control("SS", [format!("{name} [OPTIONS]{arguments}").as_str()]);
    if let Some(about) = command.get_about() {
        roff.text([roman(about.to_string() + ".")]);
    }
    options(roff, command);
}

/// The arguments and options of a command, without those that every command has.
fn options(roff: &mut Roff, command: &Command) {
    let top = command.get_name() == "ipc-mastery";
    for argument in command.get_arguments() {
        let everywhere =
            argument.is_global_set() || ["help", "version"].contains(&argument.get_id().as_str());
        if argument.is_hide_set() || (everywhere && !top) {
            continue;
        }
        let mut term = Vec::new();
        if let Some(short) = argument.get_short() {
            term.push(bold(format!("-{short}")));
            term.push(roman(", "));
        }
        match argument.get_long() {
            Some(long) => {
                term.push(bold(format!("--{long}")));
                if argument.get_action().takes_values() {
                    term.push(roman(" "));
                    term.push(italic(value_name(argument)));
                }
            }
            None => term.push(italic(value_name(argument))),
        }
        let mut meaning = argument
            .get_help()
            .map(|help| help.to_string() + ".")
            .unwrap_or_default();
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| value.get_name().to_owned())
            .collect();
        if argument.get_action().takes_values() && !values.is_empty() {
            meaning += &format!(" One of {}.", values.join(", "));
        }
        entry(roff, term, &meaning);
    }
}

fn value_name(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => argument.get_id().as_str().to_uppercase(),
    }
}
