//! The command line: names, options and their help. What they do is [`crate::commands`]'s.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::probe::creds::Subject;

/// Master Linux inter-process communication on your own running kernel.
#[derive(Debug, Parser)]
#[command(name = "ipc-mastery", version, about, max_term_width = 100)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Load lessons and exercises from a directory that holds curriculum/ and exercises/.
    #[arg(long, global = true, value_name = "DIR")]
    pub curriculum: Option<PathBuf>,

    /// Colours.
    #[command(flatten)]
    pub colours: Colours,

    /// What to do; `learn` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Colours of the output.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// When to use colour. NO_COLOR and CLICOLOR_FORCE are heeded too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,

    /// What your terminal's background is; colours are chosen to be read on it.
    #[arg(long, global = true, value_name = "WHICH", default_value = "auto")]
    pub background: Background,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// When standard output is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the terminal's background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Background {
    /// What COLORFGBG says, else dark.
    Auto,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the path, a module, a lesson or an exercise on the full screen.
    Learn {
        /// Module, lesson or exercise to open.
        name: Option<String>,
    },
    /// Read a lesson in your pager; its probes and experiments run now.
    Read {
        /// The lesson; or a page: quick-reference, glossary, corrections, inbox-project or
        /// broker-project.
        lesson: String,
    },
    /// Look at inter-process communication on this machine; changes nothing.
    #[command(subcommand)]
    Probe(Probe),
    /// Look into a model of the kernel's AF_UNIX: what each call of a script does, and why.
    #[command(subcommand)]
    Model(Model),
    /// Predict what the kernel does, run it, and see.
    Try {
        /// The experiment; without it, all are listed.
        experiment: Option<String>,
        /// Run it in another situation than the lesson's: give a parameter a value. Repeat it for
        /// more parameters; a name that is not there is answered with those that are.
        #[arg(long = "param", value_name = "NAME=VALUE", requires = "experiment")]
        params: Vec<String>,
        /// Run every experiment once, and say whether all that the lessons claim holds here.
        #[arg(long, conflicts_with = "experiment")]
        all: bool,
        /// Print what was observed as JSON; with --all, what was found.
        #[arg(long)]
        json: bool,
        /// Print the JSON Schema of what --all --json prints.
        #[arg(long, requires = "all")]
        schema: bool,
    },
    /// Copy an exercise's starter to where you work.
    Start(Start),
    /// Build, run and judge your program.
    Check(Check),
    /// Help with a stage: look, think, show.
    Hint(Hint),
    /// Show the reference solution and the explanation, after passing.
    Solution {
        /// The exercise: exercise-3, 3 or echo-server.
        exercise: String,
        /// Language of the solution; yours when left out.
        #[arg(long)]
        lang: Option<String>,
    },
    /// List modules, lessons and exercises with your progress.
    List {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Where you are on the mastery path, and what is next.
    Path {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what you can do, in tasks that are drawn anew each time: evidence for the outcomes of
    /// the path.
    Prove(Prove),
    /// Answer again what you learnt, before you forget it: a few questions a day.
    Review(Review),
    /// Forget your progress, or that of one exercise; asks first.
    Reset(Reset),
    /// What this machine can and cannot do, and why.
    Doctor {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check lessons and exercises for mistakes: for authors.
    Lint {
        /// Directory that holds curriculum/ and exercises/; what is built in when left out.
        dir: Option<PathBuf>,
        /// Print the JSON Schema of a kind of file instead, for editors: exercise, mutants, common,
        /// languages, lesson, module, path, task, services, misconceptions, corrections, glossary,
        /// rows, project or quick-reference.
        #[arg(long, value_name = "KIND", conflicts_with = "dir")]
        schema: Option<String>,
    },
    /// Print a shell completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, in roff; view it with `ipc-mastery man | man -l -`.
    Man,
    /// Serve as a disposable process of ipc-mastery itself.
    #[command(name = "__role", hide = true)]
    Role {
        /// Which part to play.
        role: String,
    },
}

/// The probes.
#[derive(Debug, Subcommand)]
pub enum Probe {
    /// Your runtime directory, $XDG_RUNTIME_DIR: every entry, who lives there.
    RuntimeDir {
        /// How to show it.
        #[command(flatten)]
        shown: Shown,
    },
    /// All AF_UNIX sockets, with the processes at both ends.
    Sockets(Sockets),
    /// Who you are to your peers: what credentials they are told; or who a socket says its peer is.
    Creds {
        /// A process, by its id; or a socket: its path, @name, inode:N or cookie:N. This process
        /// when left out.
        #[arg(value_name = "PID|SOCKET", value_parser = OsStringValueParser::new().try_map(|text| Subject::parse(&text)))]
        subject: Option<Subject>,
        /// How to show them.
        #[command(flatten)]
        shown: Shown,
    },
    /// The variables that name endpoints, and whether those are there.
    Env {
        /// A process, by its id: what it was started with. This one, as it is now, when left out.
        pid: Option<u32>,
        /// Show every other variable, too. What sounds like a secret is not shown.
        #[arg(long)]
        all: bool,
        /// Connect to each endpoint and close at once. This starts services that wait for it.
        #[arg(long)]
        connect: bool,
        /// How to show them.
        #[command(flatten)]
        shown: Shown,
    },
    /// The descriptors of a process: what each is, and who shares it.
    Fds {
        /// A process, by its id; your shell when left out.
        pid: Option<u32>,
        /// How to show them.
        #[command(flatten)]
        shown: Shown,
    },
}

/// Options of `probe sockets`. Several together show what fits all of them.
#[derive(Args, Clone, Debug)]
pub struct Sockets {
    /// Only sockets that wait for connections.
    #[arg(long)]
    pub listening: bool,
    /// Only sockets that this process holds.
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Only sockets whose name, or whose peer's name, holds this text; names as the table prints
    /// them: @ before an abstract one, control characters as \xNN.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,
    /// Only sockets of this service: dbus-session or "D-Bus session bus".
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only sockets of this type.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<SocketType>,
    /// Only the socket with this inode: all that is known of it, in sentences.
    #[arg(long, value_name = "INODE")]
    pub inode: Option<u32>,
    /// Show who talks to whom: a tree for each process, or for each service. Connections that look
    /// alike are counted.
    #[arg(long, value_name = "BY", num_args = 0..=1, default_missing_value = "process", conflicts_with_all = ["json", "inode"])]
    pub tree: Option<Grouping>,
    /// Also borrow a descriptor of each socket for a moment (pidfd_getfd), where the kernel permits
    /// it: to read the credentials recorded on it and where its file is now.
    #[arg(long)]
    pub borrow: bool,
    /// How to show them.
    #[command(flatten)]
    pub shown: Shown,
}

/// What sockets are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grouping {
    /// The processes that hold them.
    Process,
    /// The services they belong to, or else the names they came through.
    Service,
}

/// The types of AF_UNIX sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SocketType {
    /// Bytes over a connection.
    Stream,
    /// Messages, with or without a connection.
    Dgram,
    /// Messages over a connection.
    Seqpacket,
}

/// How a probe shows what it saw.
#[derive(Args, Clone, Copy, Debug)]
pub struct Shown {
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
    /// Look again every so many seconds and show what changed, until q or Ctrl-C. Where standard
    /// output is no terminal, only changes are printed: one line each, with +, - or ~.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2")]
    pub watch: Option<Period>,
    /// Print the manual of this probe instead: what each column means, where it comes from and what
    /// cannot be known.
    #[arg(long, conflicts_with_all = ["json", "schema", "watch"])]
    pub explain: bool,
    /// Print the JSON Schema of what --json prints instead; with --watch, of its changes.
    #[arg(long)]
    pub schema: bool,
}

/// Time between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text
            .parse::<f64>()
            .ok()
            .filter(|&it| (0.1..=86_400.0).contains(&it));
        let seconds = seconds.ok_or("seconds from 0.1 to 86400")?;
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0.as_secs_f64())
    }
}

/// How a program is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Isolation {
    /// A session, a directory, a user and limits of its own, and Landlock.
    Usual,
    /// That, and a box of bubblewrap: it sees no home directory and writes nowhere else.
    Bwrap,
}

/// What can be done with the model.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// Go through a script call by call: what came back, what happened inside, and who refers to
    /// what then. On a terminal with keys, event by event, forwards and backwards.
    Step(Step),
    /// Compare the model with the running kernel: rows of the catalogue, then calls by chance, as many
    /// as there is time for.
    Verify(Verify),
    /// Try calls as you think of them, on the model and on the running kernel: both answers stand side
    /// by side. Without a terminal a script is read from standard input.
    Play,
}

/// Options of `model verify`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// How long to make calls by chance, in seconds.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub seconds: u64,
    /// What chance starts with: the same number draws the same calls again.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Stop after so many calls.
    #[arg(long, value_name = "N")]
    pub calls: Option<u64>,
    /// Put an error into the model first, to see it found; `list` tells which there are.
    #[arg(long, value_name = "NAME", conflicts_with = "faults")]
    pub fault: Option<String>,
    /// Put one error after the other into the model, and tell how soon each is found.
    #[arg(long)]
    pub faults: bool,
    /// Play every row of the catalogue so many times first.
    #[arg(long, value_name = "N", default_value = "1")]
    pub passes: NonZeroU32,
    /// Tell how often each row of the catalogue was played or decided something.
    #[arg(long)]
    pub rows: bool,
    /// Print as JSON.
    #[arg(long, conflicts_with = "faults")]
    pub json: bool,
    /// Print the JSON Schema of what --json prints instead.
    #[arg(long, conflicts_with_all = ["fault", "faults", "json"])]
    pub schema: bool,
}

/// Options of `model step`.
#[derive(Args, Clone, Debug)]
pub struct Step {
    /// The script: a file, - for standard input, or one that is shipped: socketpair-after-fork,
    /// connect-accept, shared-offset, half-close, datagram-truncation, backlog-full,
    /// unreachable-cycle, back-pressure or edge-triggered.
    #[arg(value_name = "SCRIPT", required_unless_present = "schema")]
    pub script: Option<PathBuf>,
    /// Print every call, one after the other, also on a terminal.
    #[arg(long, conflicts_with = "json")]
    pub print: bool,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
    /// Print the JSON Schema of what --json prints instead.
    #[arg(long, conflicts_with_all = ["script", "print", "json"])]
    pub schema: bool,
}

/// Options of `start`.
#[derive(Args, Debug)]
pub struct Start {
    /// The exercise: exercise-3, 3 or echo-server.
    pub exercise: String,
    /// Language to write it in.
    #[arg(long)]
    pub lang: Option<String>,
    /// Where to put it; a new directory named after the exercise when left out.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Open it in $VISUAL or $EDITOR.
    #[arg(long)]
    pub edit: bool,
}

/// Options of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The exercise: exercise-3, 3 or echo-server; what `start` made here when left out.
    pub exercise: Option<String>,
    /// Judge the program in this directory.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["cmd", "socket"])]
    pub dir: Option<PathBuf>,
    /// Judge this command, run here; {socket} stands for the address. A command that names no
    /// argument of the exercise gets all of them at its end. No evidence is recorded.
    #[arg(long, value_name = "CMD", conflicts_with = "socket", value_parser = NonEmptyStringValueParser::new())]
    pub cmd: Option<String>,
    /// Judge a server that is already listening here. No evidence is recorded.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Judge only this stage and those it depends on.
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Draw random bytes from this seed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Multiply every deadline by this.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub patience: u32,
    /// How the program is kept apart; bwrap is for programs of people you do not know.
    #[arg(
        long,
        value_name = "HOW",
        default_value = "usual",
        conflicts_with = "socket"
    )]
    pub isolation: Isolation,
    /// After a pass, run everything once more with the compiler's sanitizers, for C: they find
    /// mistakes that only luck hides. The verdict stays.
    #[arg(long, conflicts_with_all = ["cmd", "socket"])]
    pub sanitize: bool,
    /// Run each stage once: no other run looks for the system calls and for misused memory behind a
    /// failure. For judging many programs; the verdict is the same.
    #[arg(long, conflicts_with = "sanitize")]
    pub once: bool,
    /// Stop at the first stage that fails; bonus stages do not count.
    #[arg(long)]
    pub fail_fast: bool,
    /// Judge again whenever a file is saved, until Ctrl-C.
    #[arg(long, conflicts_with = "socket")]
    pub watch: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `prove`.
#[derive(Args, Clone, Debug)]
pub struct Prove {
    /// The task, an outcome such as O8 for its next task, or a lesson that you know already; all
    /// tasks are listed when left out.
    pub name: Option<String>,
    /// Draw the task by this number, as practice: it is not recorded.
    #[arg(long, value_name = "N", requires = "name")]
    pub seed: Option<u64>,
    /// Print the list as JSON.
    #[arg(long, conflicts_with = "name")]
    pub json: bool,
}

/// Options of `review`.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub struct Review {
    /// Print what is due as JSON; ask nothing.
    #[arg(long)]
    pub json: bool,
    /// Print only how many questions are due today: for the prompt of your shell.
    #[arg(long)]
    pub due: bool,
    /// Print every answer you gave in reviews as JSON, one a line: for your own statistics. It is
    /// kept on this machine alone.
    #[arg(long)]
    pub export: bool,
    /// Print the JSON Schema of what --json prints instead.
    #[arg(long)]
    pub schema: bool,
}

/// Options of `reset`.
#[derive(Args, Debug)]
pub struct Reset {
    /// The exercise: exercise-3, 3 or echo-server; everything when left out.
    pub exercise: Option<String>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Options of `hint`.
#[derive(Args, Debug)]
pub struct Hint {
    /// The exercise: exercise-3, 3 or echo-server; what `start` made here when left out.
    pub exercise: Option<String>,
    /// The stage; the first that did not pass when left out.
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// How much help; the next level when left out.
    #[arg(long)]
    pub level: Option<HintLevel>,
}

/// How much a hint gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum HintLevel {
    /// Where the evidence is.
    Look,
    /// The mechanism.
    Think,
    /// A worked answer to a sister problem; where the stage was not passed before, later passes count
    /// as assisted.
    Show,
}

/// The command line as it is documented: without what only the program itself uses.
pub fn documented() -> clap::Command {
    let full = Cli::command();
    let mut command = clap::Command::new("ipc-mastery")
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(100)
        .propagate_version(true)
        .disable_help_subcommand(true)
        .args(full.get_arguments().cloned())
        .subcommands(
            full.get_subcommands()
                .filter(|sub| !sub.is_hide_set())
                .cloned(),
        );
    if let Some(about) = full.get_about() {
        command = command.about(about.clone());
    }
    command
}
