//! `start EXERCISE --lang L`: copies an exercise's starter to where the learner works, fetches what
//! the language needs, and says what to do next.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::chosen;
use super::context::Context;
use super::error::CommandError;
use super::remembered;
use crate::check::marker::{self, Marker};
use crate::check::starter::{self, Material, PlaceError};
use crate::cli::Start;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::{Exercise, Language};
use crate::curriculum::source::Source;
use crate::exit_code::ExitCode;
use crate::mastery::store::Store;
use crate::render::ansi;
use crate::render::text::{Line, Role, Text};
use crate::render::verdict;
use crate::tui::editor;
use crate::untrusted::Untrusted;

/// Copies the starter.
///
/// # Errors
/// When exercise or language are not known, something is in the way, or files cannot be written.
pub fn run(context: &Context, options: &Start) -> Result<ExitCode, CommandError> {
    let curriculum = context.curriculum()?;
    let exercise = chosen::exercise(&curriculum, &options.exercise)?;
    let language = match &options.lang {
        Some(id) => chosen::language(&curriculum, exercise, id)?,
        None => ask(context, &curriculum, exercise)?,
    };
    let files = starter::files(exercise, language, Material::Starter);
    if files.is_empty() {
        let message = format!("{} has no starter in {}", exercise.name(), language.name);
        return Err(CommandError::internal(message));
    }
    let wanted = options
        .dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(&exercise.slug));
    let marker = wanted.join(marker::NAME);
    if fs::symlink_metadata(&marker).is_ok() {
        return Err(in_the_way(&exercise.slug, &[marker]));
    }
    starter::place(&files, &wanted).map_err(|error| match error {
        PlaceError::InTheWay { paths } => in_the_way(&exercise.slug, &paths),
        PlaceError::Io { .. } => CommandError::usage(error.to_string()).caused_by(error),
    })?;
    let directory = fs::canonicalize(&wanted).unwrap_or_else(|_| wanted.clone());
    let marker = Marker {
        directory: directory.clone(),
        exercise: exercise.slug.clone(),
        language: language.id.value.clone(),
    };
    marker.write().map_err(|error| {
        let path = directory.join(marker::NAME);
        let message = format!("cannot create {}", Untrusted::from(path.as_path()));
        CommandError::usage(message).caused_by(error)
    })?;
    let place = Untrusted::from(directory.as_path());
    if let Err(error) = Store::open()
        .and_then(|store| store.record_start(&exercise.slug, &place, &language.id.value))
    {
        remembered::not_recorded(context, "this start is not recorded", &error);
        context.say("  `check` finds your program from within its directory all the same.");
    }
    prepare(context, language, &directory);
    context.print_text(&next(context, exercise, language, &wanted))?;
    if options.edit {
        edit(&directory.join(&language.main))?;
    }
    Ok(ExitCode::Success)
}

fn in_the_way(slug: &str, paths: &[PathBuf]) -> CommandError {
    let names: Vec<String> = paths
        .iter()
        .map(|path| Untrusted::from(path.as_path()).to_string())
        .collect();
    let message = format!("nothing was copied: {} already exists", names.join(", "));
    CommandError::usage(message).hinted(format!(
        "Move it away, or name another place: `ipc-mastery start {slug} --dir DIRECTORY`."
    ))
}

/// The tools of a language that are missing.
fn missing(language: &Language) -> Vec<&str> {
    let tools = language.tools.iter().map(String::as_str);
    tools.filter(|tool| which::which(tool).is_err()).collect()
}

fn tools_words(language: &Language) -> String {
    match missing(language)[..] {
        [] => "its tools are here".to_owned(),
        ref tools => format!("missing: {}", tools.join(", ")),
    }
}

/// Asks which language to write in, where there is a choice.
fn ask<'a>(
    context: &Context,
    curriculum: &'a Curriculum,
    exercise: &Exercise,
) -> Result<&'a Language, CommandError> {
    let offered: Vec<&Language> = exercise
        .languages
        .iter()
        .filter_map(|id| curriculum.language(&id.value))
        .collect();
    if let [only] = offered[..] {
        return Ok(only);
    }
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let mut error = CommandError::usage("no language was named");
        for language in &offered {
            let id = &language.id.value;
            error = error.hinted(format!("Add --lang {id} ({}).", tools_words(language)));
        }
        return Err(error);
    }
    context.say("In which language?");
    for (index, language) in offered.iter().enumerate() {
        let (number, id, tools) = (index + 1, &language.id.value, tools_words(language));
        context.say(&format!("  {number}  {id:<10} {} ({tools})", language.name));
    }
    context.say("Type its number or its name:");
    let mut answer = String::new();
    stdin
        .lock()
        .read_line(&mut answer)
        .map_err(|error| CommandError::usage("the answer cannot be read").caused_by(error))?;
    let answer = answer.trim();
    if answer.is_empty() {
        return Err(CommandError::usage(
            "no language was chosen, and nothing was copied",
        ));
    }
    let number = answer
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    match number.and_then(|index| offered.get(index)) {
        Some(language) => Ok(language),
        None => chosen::language(curriculum, exercise, answer),
    }
}

/// Fetches what later builds need. That it fails is said, and nothing is undone: the files are
/// there, and a first build may still succeed.
fn prepare(context: &Context, language: &Language, directory: &Path) {
    let missing = missing(language);
    if !missing.is_empty() {
        let name = &language.name;
        context.say(&format!(
            "note: {name} programs need {}, missing here",
            missing.join(", ")
        ));
        context.say("  hint: `ipc-mastery doctor` says how to get it.");
        return;
    }
    if language.prepare.is_empty() {
        return;
    }
    context.say("Fetching what the program needs, so that checks work offline …");
    let failure = match crate::check::cache::directory(&language.id.value)
        .and_then(|cache| run_prepare(language, directory, &cache))
    {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    context.say(&format!("note: fetching failed ({failure})"));
    context.say("  The files are in place. Without a network the first build fails;");
    context.say("  once there is one, run this in the program's directory:");
    context.say(&format!("  {}", by_hand(language)));
}

fn run_prepare(language: &Language, directory: &Path, cache: &Path) -> io::Result<ExitStatus> {
    let words = language.prepare.iter().map(|word| {
        let dir = directory.as_os_str();
        replaced(
            &replaced(&OsString::from(word), "{dir}", dir),
            "{cache}",
            cache.as_os_str(),
        )
    });
    let words: Vec<OsString> = words.collect();
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    Command::new(&words[0])
        .args(&words[1..])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::from(stderr))
        .status()
}

/// A word with every `slot` replaced by bytes that need not be UTF-8.
fn replaced(word: &OsString, slot: &str, value: &std::ffi::OsStr) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut out = Vec::new();
    let mut rest = word.as_bytes();
    while let Some(at) = rest
        .windows(slot.len())
        .position(|window| window == slot.as_bytes())
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(value.as_bytes());
        rest = &rest[at + slot.len()..];
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

fn by_hand(language: &Language) -> String {
    let cache = crate::check::cache::directory(&language.id.value).unwrap_or_default();
    let words = language.prepare.iter().map(|word| {
        let word = word
            .replace("{dir}", ".")
            .replace("{cache}", &cache.to_string_lossy());
        shell_word(&Untrusted::from(word).to_string())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text as one word of a shell command, as far as it is printable.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=,:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{text}'")
    }
}

/// What to do next.
fn next(context: &Context, exercise: &Exercise, language: &Language, wanted: &Path) -> Text {
    let place = shell_word(&Untrusted::from(wanted).to_string());
    let mut text = Text::new();
    text.line(
        Line::of(Role::Heading, exercise.title.clone())
            .with(Role::Plain, format!(" in {} is in ", language.name))
            .with(Role::Code, place.clone()),
    );
    let width = ansi::terminal_width().min(100);
    text.append(verdict::wrapped(Line::empty(), &exercise.summary, width));
    text.blank();
    let program = match context.source() {
        Source::Embedded => "ipc-mastery".to_owned(),
        Source::Directory(pack) => {
            let pack = fs::canonicalize(pack).unwrap_or_else(|_| pack.clone());
            let pack = shell_word(&Untrusted::from(pack.as_path()).to_string());
            format!("ipc-mastery --curriculum {pack}")
        }
    };
    let set = editor::wanted();
    let editor = set.map_or_else(|| "vi".to_owned(), |set| Untrusted::from(set).to_string());
    for command in [
        format!("cd {place}"),
        format!("{editor} {}", language.main),
        format!("{program} check"),
    ] {
        text.line(Line::of(Role::Plain, "  ").with(Role::Code, command));
    }
    text
}

/// Opens a file in the editor. The program is in its place whatever comes of that.
fn edit(file: &Path) -> Result<(), CommandError> {
    let result = match editor::wanted() {
        Some(_) => editor::edit(file).map_err(|error| {
            let message = error.to_string();
            CommandError::usage(message).caused_by(error)
        }),
        None => Err(CommandError::usage(
            "neither VISUAL nor EDITOR is set, so no editor was opened",
        )),
    };
    let place = Untrusted::from(file);
    result.map_err(|error| error.hinted(format!("{place} is there, for any editor.")))
}
