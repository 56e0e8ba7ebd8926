//! From what is to be judged to something that can be started: built, found, moved to where its
//! own user can read it. Also says how it is kept apart. Judging it is [`super::judge`]'s.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::arena::Arena;
use super::build::{self, BuildError};
use super::bwrap::Bwrap;
use super::cancel::Cancel;
use super::judge::{CheckError, Containment, Progress, Request};
use super::program::{self, Program, Target};
use super::verdict::{Failure, Isolation, Shown};
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Language;
use crate::sys::fence::{self, Reach};
use crate::untrusted::Untrusted;

/// A program that can be started, and how a learner would start it.
pub(super) struct Prepared {
    pub(super) program: Program,
    pub(super) by_hand: String,
    source: Option<Source>,
    sanitized: OnceLock<Option<Program>>,
}

/// What a program was built from.
struct Source {
    language: Language,
    directory: PathBuf,
}

impl Prepared {
    fn new(program: Program, by_hand: String, source: Option<Source>) -> Self {
        Self {
            program,
            by_hand,
            source,
            sanitized: OnceLock::new(),
        }
    }

    /// The same program with the compiler's sanitizers, built when it is asked for first; `None`
    /// when there are none, or there is nothing to build.
    pub(super) fn sanitized(&self, arena: &Arena, cancel: &Cancel) -> Option<&Program> {
        let build = || {
            let Source {
                language,
                directory,
            } = self.source.as_ref()?;
            let out = arena.program().ok()?.with_file_name("sanitized");
            let built = build::build_sanitized(language, directory, &out, cancel).ok()?;
            let words = || program::words(&language.run, directory, &out, arena);
            let words = built.then(words).flatten()?;
            Some(Program::Words(words))
        };
        self.sanitized.get_or_init(build).as_ref()
    }

    /// Where the learner's source lies.
    pub(super) fn directory(&self) -> Option<&Path> {
        Some(&self.source.as_ref()?.directory)
    }
}

/// Builds what must be built. The inner error is the learner's: a failed build.
pub(super) fn prepare(
    curriculum: &Curriculum,
    request: &Request,
    arena: &Arena,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Result<Prepared, Box<Failure>>, CheckError> {
    let (path, language) = match &request.target {
        Target::Command(command) => {
            let by_hand = program::shell_by_hand(command);
            let program = Program::Shell(command.clone());
            return Ok(Ok(Prepared::new(program, by_hand, None)));
        }
        Target::Socket(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let by_hand = "# your server is already running:".to_owned();
            return Ok(Ok(Prepared::new(Program::Running(path), by_hand, None)));
        }
        Target::Directory { path, language } => {
            let found = curriculum
                .language(language)
                .ok_or_else(|| CheckError::Unknown {
                    what: "language",
                    name: language.clone(),
                })?;
            (path, found)
        }
    };
    progress(Progress::Building);
    let fault = |error: std::io::Error| CheckError::Fault(format!("cannot prepare: {error}"));
    let path = std::path::absolute(path).map_err(fault)?;
    let out = arena.program().map_err(fault)?;
    let kept = match build::build(language, &path, &out, cancel) {
        Ok(kept) => kept,
        Err(BuildError::Failed {
            command,
            status,
            output,
        }) => {
            let private = out.to_string_lossy();
            let by_hand = command.replace(&*private, "/tmp/program");
            return Ok(Err(Box::new(build_failure(
                command, by_hand, status, output,
            ))));
        }
        Err(BuildError::NoTool { tool }) => {
            return Err(CheckError::CannotJudge(format!(
                "{} programs need `{tool}`, which is not installed",
                language.name
            )));
        }
        Err(BuildError::Cancelled) => return Err(CheckError::Cancelled),
        Err(BuildError::Io(error)) => return Err(fault(error)),
    };
    let kept = kept.unwrap_or_else(|| out.clone());
    let fill = |word: &String| {
        word.replace("{dir}", &path.to_string_lossy())
            .replace("{out}", &kept.to_string_lossy())
    };
    let by_hand = language.run.iter().map(fill).collect::<Vec<_>>().join(" ");
    let by_hand = Untrusted::from(by_hand).lines().join(" ");
    let source = Source {
        language: language.clone(),
        directory: path.clone(),
    };
    let moves = arena.identity().is_some() || request.containment == Containment::Bwrap;
    let dir = if moves {
        moved(language, path, arena)?
    } else {
        path
    };
    let program = Program::Words(run_words(language, &dir, &out, arena)?);
    Ok(Ok(Prepared::new(program, by_hand, Some(source))))
}

/// Another user cannot enter our home directory, and a box has none: a program that is interpreted
/// moves house.
fn moved(language: &Language, path: PathBuf, arena: &Arena) -> Result<PathBuf, CheckError> {
    if !language.run.iter().any(|word| word.contains("{dir}")) {
        return Ok(path);
    }
    arena
        .copy_in(&path)
        .map_err(|error| CheckError::Fault(format!("cannot copy the program: {error}")))
}

fn run_words(
    language: &Language,
    dir: &Path,
    out: &Path,
    arena: &Arena,
) -> Result<Vec<std::ffi::OsString>, CheckError> {
    program::words(&language.run, dir, out, arena).ok_or_else(|| {
        CheckError::CannotJudge(format!(
            "`{}` is not found where the program's own user may run it",
            language.run.first().map_or("", String::as_str)
        ))
    })
}

fn build_failure(command: String, by_hand: String, status: String, output: Vec<String>) -> Failure {
    Failure {
        diagnosis: "build-failed".to_owned(),
        rule: "builds".to_owned(),
        did: vec![format!("runs {command}")],
        expected: Shown {
            words: "exit status: 0".to_owned(),
            ..Shown::default()
        },
        saw: Shown {
            words: status,
            ..Shown::default()
        },
        by_hand,
        output,
        ..Failure::default()
    }
}

/// What the box adds.
const BOXED: &str = "bwrap (user, mount and IPC namespaces: writes only there, sees no home directory and no runtime directory)";

pub(super) fn isolation(arena: &Arena, target: &Target, bwrap: Option<&Bwrap>) -> Isolation {
    let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    if let Target::Socket(_) = target {
        return Isolation {
            measures: Vec::new(),
            not_contained: words(&["the server runs as you started it"]),
        };
    }
    let mut measures = words(&[
        "own session",
        "private directory",
        "clean environment",
        "no new privileges",
        "resource limits",
        "whole process tree ended",
    ]);
    let mut not_contained = Vec::new();
    match arena.identity() {
        Some(identity) => measures.push(format!("user id {} of its own", identity.uid)),
        None => not_contained.extend([
            "signals to your own processes",
            "prlimit() and priorities of your own processes",
        ]),
    }
    let fenced = matches!(target, Target::Directory { .. }) && bwrap.is_none();
    let reach = fence::reach();
    let fence = match (fenced, reach) {
        (true, Reach::WritingAndSignals) => Some("writes only there, signals only itself"),
        (true, Reach::Writing) => Some("writes only there"),
        (false, Reach::WritingAndSignals) => Some("signals only itself"),
        _ => None,
    };
    measures.extend(fence.map(|words| format!("Landlock ({words})")));
    if reach == Reach::WritingAndSignals {
        not_contained.retain(|what| !what.starts_with("signals"));
    }
    if bwrap.is_some() {
        measures.push(BOXED.to_owned());
        not_contained.extend(["reading files of the system", "abstract sockets"]);
    } else {
        not_contained.push(match (fenced, reach) {
            (true, Reach::WritingAndSignals | Reach::Writing) => "reading files",
            _ => "files outside the private directory",
        });
        not_contained.push("sockets outside the private directory");
    }
    not_contained.push("network");
    let not_contained = words(&not_contained);
    Isolation {
        measures,
        not_contained,
    }
}
