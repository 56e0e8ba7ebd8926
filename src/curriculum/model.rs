//! What explains the model kernel: why its checks refuse, and scripts that show it at work. Reads
//! `model/rows.toml`; finds `model/NAME.txt`.
//!
//! What a script means is the model's business ([`crate::model::script`]); drawing is `render`'s.

use std::sync::Arc;

use super::claim::optional_page;
use super::correction::sentence;
use super::load::{LoadError, Loader};
use super::problem::{Problem, SourceFile};
use super::reader::{Located, Reader};
use super::source::{Source, SourceError};
use crate::model::run::{Run, Step};
use crate::model::script::{Mistake, Script};
use crate::model::settings::Settings;

/// Where the reasons are written.
const ROWS: &str = "curriculum/model/rows.toml";
/// What stands around the name of a script.
const SCRIPT: (&str, &str) = ("curriculum/model/", ".txt");

/// Why a check refuses.
#[derive(Clone, Debug, Default)]
pub struct Why {
    /// The row of the catalogue that it stands for: `E16`.
    pub row: Located<String>,
    /// What it refuses with: `EAGAIN`.
    pub errno: String,
    /// The reason: one sentence, seldom two.
    pub says: String,
    /// Where it is written: a manual page, and often a function of the kernel before it.
    pub reference: String,
}

/// Every reason.
#[derive(Clone, Debug, Default)]
pub struct Rows(Vec<Why>);

impl Rows {
    /// Loads all reasons; those that are built in where a pack has none.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in this one.
    pub fn load(source: &Source) -> Result<Self, LoadError> {
        Loader::all_right(source, |loader| {
            loader.complete(ROWS);
            loader.read(ROWS, Self::read)
        })
    }

    /// Why this row refuses with this errno.
    pub fn why(&self, row: &str, errno: &str) -> Option<&Why> {
        let mut all = self.0.iter();
        all.find(|why| why.row.value == row && why.errno == errno)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Why> {
        self.0.iter()
    }

    /// Reads the file. Each row stands once with each errno.
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let rows = top.tables("row", "a row", Why::read);
        for (place, why) in rows.iter().enumerate() {
            let same =
                |other: &&Why| (&other.row.value, &other.errno) == (&why.row.value, &why.errno);
            if rows[..place].iter().any(|other| same(&other)) {
                let message = format!("`{}` with {} occurs twice", why.row.value, why.errno);
                let help = "Keep one of the two.".to_owned();
                top.problem(why.row.span.clone(), message, Some(help));
            }
        }
        Self(rows)
    }
}

impl Why {
    fn read(table: &mut Reader<'_>) -> Self {
        let row = table.located_text("id");
        let known = matches!(
            row.value.as_bytes(),
            [letter, tens, ones]
                if letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit()
        );
        if !known && !row.value.is_empty() {
            let message = format!("`{}` is no row", row.value);
            let help = "A row is a capital letter and two digits, such as `E16`.".to_owned();
            table.problem(row.span.clone(), message, Some(help));
        }
        let errno = table.text("errno");
        let says = sentence(table, "says");
        let ident = table.optional_text("ident");
        let page = optional_page(table, "reference");
        let places = ident.into_iter().chain(page).map(|place| place.value);
        Self {
            row,
            errno,
            says,
            reference: places.collect::<Vec<_>>().join(", "),
        }
    }
}

/// Scripts, and what explains them.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// Why checks refuse.
    pub rows: Arc<Rows>,
    /// The scripts, in the order of the alphabet.
    pub files: Vec<Arc<SourceFile>>,
}

impl Scripts {
    /// Loads them; those that are built in where a pack has none.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in the reasons.
    pub fn load(source: &Source) -> Result<Self, LoadError> {
        Ok(Self {
            rows: Arc::new(Rows::load(source)?),
            files: scripts(source)?,
        })
    }

    /// The script with this name.
    pub fn find(&self, name: &str) -> Option<&Arc<SourceFile>> {
        self.files.iter().find(|file| name_of(&file.name) == name)
    }
}

/// The title of a script: its first line, when that is a comment.
pub fn title_of(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    let title = first.trim_start().strip_prefix('#').unwrap_or_default();
    title.trim().trim_end_matches('.')
}

/// What a script is about: the rest of its first comment, in one line.
pub fn about(text: &str) -> String {
    let comment = text
        .lines()
        .map_while(|line| line.trim_start().strip_prefix('#'));
    let lines: Vec<&str> = comment.skip(1).map(str::trim).collect();
    lines.join(" ")
}

/// What a script is called.
pub fn name_of(file: &str) -> &str {
    let (before, after) = SCRIPT;
    let name = file.strip_prefix(before).unwrap_or(file);
    name.strip_suffix(after).unwrap_or(name)
}

/// What a file is called as a script, if it is one.
pub fn script_name(file: &str) -> Option<&str> {
    let (before, after) = SCRIPT;
    let name = file.strip_prefix(before)?.strip_suffix(after)?;
    (!name.contains('/')).then_some(name)
}

/// Every script, in the order of the alphabet; those that are built in where a pack has none.
///
/// # Errors
/// When the files cannot be read.
pub fn scripts(source: &Source) -> Result<Vec<Arc<SourceFile>>, SourceError> {
    files(source, |name| script_name(name).is_some())
}

/// Rows of the catalogue as scripts, a letter a file; those that are built in where a pack has none.
///
/// # Errors
/// When the files cannot be read.
pub fn rows(source: &Source) -> Result<Vec<Arc<SourceFile>>, SourceError> {
    files(source, |name| {
        let letter = name_of(name).strip_prefix("rows/");
        letter.is_some_and(|letter| letter.len() == 1)
    })
}

fn files(
    source: &Source,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Arc<SourceFile>>, SourceError> {
    let of = |source: &Source| -> Result<Vec<Arc<SourceFile>>, SourceError> {
        let files = source.files()?.into_iter();
        let files = files.filter(|file| wanted(&file.name));
        Ok(files.map(|file| file.source_file()).collect())
    };
    let own = of(source)?;
    match own.is_empty() {
        true => of(&Source::Embedded),
        false => Ok(own),
    }
}

/// A mistake of a script, with its place.
pub fn problem(file: &Arc<SourceFile>, mistake: Mistake) -> Problem {
    let lines = file.text.split_inclusive('\n').take(mistake.line - 1);
    let start: usize = lines.map(str::len).sum();
    Problem {
        file: Arc::clone(file),
        span: Some(start + mistake.columns.start..start + mistake.columns.end),
        message: mistake.message,
        help: mistake.help,
    }
}

/// The mistakes of reasons and of scripts, those too whose answers the model does not give; none when
/// the files cannot be read, which others tell.
pub fn problems(source: &Source) -> Vec<Problem> {
    let mut problems = match Rows::load(source) {
        Err(LoadError::Problems(problems)) => problems.0,
        Ok(_) | Err(LoadError::Source(_)) => Vec::new(),
    };
    for file in scripts(source).unwrap_or_default() {
        let run = Script::parse(&file.text)
            .and_then(|script| Run::of(&script, Arc::new(Settings::default())));
        match run {
            Ok(run) => {
                let wrong = run.steps().iter().filter(|step| !step.is_as_expected());
                problems.extend(wrong.map(|step| problem(&file, differs(step))));
            }
            Err(mistake) => problems.push(problem(&file, mistake)),
        }
    }
    problems
}

/// What is wrong with a step that does not answer what its script says.
fn differs(step: &Step) -> Mistake {
    let outcome = step.outcome.as_ref().map(ToString::to_string);
    Mistake {
        line: step.line.number,
        columns: 0..step.line.action.to_string().len(),
        message: "this call does not answer what the script says".to_owned(),
        help: outcome.map(|outcome| format!("The model answers `= {outcome}`.")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::curriculum::reader::{Report, read_file};
    use crate::model::event::Event;

    fn shipped() -> Vec<(Arc<SourceFile>, Run)> {
        let scripts = scripts(&Source::Embedded).unwrap().into_iter();
        let runs = scripts.map(|file| {
            let script = Script::parse(&file.text).unwrap_or_else(|mistake| {
                panic!("{}: {mistake}", file.name);
            });
            let run = Run::of(&script, Arc::new(Settings::default()));
            let run = run.unwrap_or_else(|mistake| panic!("{}: {mistake}", file.name));
            (file, run)
        });
        runs.collect()
    }

    #[test]
    fn the_model_answers_what_every_shipped_script_expects() {
        let shipped = shipped();
        assert_eq!(shipped.len(), 9);
        for (file, run) in shipped {
            assert!(file.text.starts_with("# "), "{} has no title", file.name);
            for step in run.steps() {
                let place = format!("{}:{}", file.name, step.line.number);
                let got = step.outcome.as_ref();
                let said = step.line.expected.is_some() == got.is_some();
                assert!(said, "{place}: nothing is expected");
                assert!(step.is_as_expected(), "{place}: {}", got.unwrap());
            }
        }
    }

    #[test]
    fn every_refusal_of_a_shipped_script_has_its_reason() {
        let rows = Rows::load(&Source::Embedded).unwrap();
        for (file, run) in shipped() {
            for event in run.steps().iter().flat_map(|step| &step.events) {
                if let Event::Refused { row, errno } = event {
                    let why = rows.why(&row.to_string(), &format!("{errno:?}"));
                    assert!(why.is_some(), "{}: {row} {errno:?}", file.name);
                }
            }
        }
    }

    /// Names of rows within the parentheses, or up to the semicolon, that follow these words.
    fn named_behind(source: &str, words: &str, end: char) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (at, _) in source.match_indices(words) {
            let rest = &source[at + words.len()..];
            let mut depth = 0;
            let stop = rest.char_indices().find(|(_, character)| {
                let here = depth;
                match character {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                here == 0 && *character == end
            });
            let inside = &rest[..stop.map_or(rest.len(), |(at, _)| at)];
            let rows = inside.split("row(\"").skip(1);
            names.extend(rows.filter_map(|row| row.get(..3).map(str::to_owned)));
        }
        names
    }

    #[test]
    fn every_row_that_the_model_refuses_by_has_a_reason_and_no_other() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
        let mut surely = BTreeSet::new();
        let mut perhaps = BTreeSet::new();
        for directory in ["syscall", "kernel"] {
            for entry in fs::read_dir(root.join(directory)).unwrap() {
                let source = fs::read_to_string(entry.unwrap().path()).unwrap();
                for words in ["refuse(", "wait(", "pipe_broken(", "reserve("] {
                    surely.extend(named_behind(&source, words, ')'));
                }
                // A row that is chosen first; some of these do not refuse.
                perhaps.extend(named_behind(&source, "let row = ", ';'));
            }
        }
        let rows = Rows::load(&Source::Embedded).unwrap();
        let known: BTreeSet<String> = rows.iter().map(|why| why.row.value.clone()).collect();
        assert!(surely.len() > 50, "the rows were not found");
        let lacking: Vec<&String> = surely.difference(&known).collect();
        assert!(lacking.is_empty(), "{lacking:?} have no reason");
        let mut unused = known.iter().filter(|row| !surely.contains(*row));
        assert!(unused.all(|row| perhaps.contains(row)));
    }

    #[test]
    fn a_reason_is_a_sentence_about_a_row_and_stands_once() {
        let text = "format = 1\n\
            [[row]]\nid = 'E1'\nerrno = 'EAGAIN'\nsays = 'No.'\n\
            [[row]]\nid = 'E16'\nerrno = 'EAGAIN'\nsays = 'No'\n\
            [[row]]\nid = 'E16'\nerrno = 'EAGAIN'\nsays = 'No.'\nreference = 'a book'\n";
        let report = Report::new(Arc::new(SourceFile {
            name: "rows.toml".into(),
            text: text.into(),
        }));
        read_file(&report, Rows::read);
        let problems = report.finish();
        let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`E1` is no row",
                "`says` is no sentence",
                "`E16` with EAGAIN occurs twice",
                "`a book` is no manual page",
            ]
        );
    }
}
