//! The manuals of the probes: `curriculum/probes/NAME.md`, markdown that begins with a title.
//!
//! A pack may bring its own, all or none: without a directory `curriculum/probes/` the ones that
//! are built in are read. Which probes there are is not known here.

use serde::Serialize;

use super::load::LoadError;
use super::problem::{Problem, Problems, SourceFile, did_you_mean};
use super::source::{Source, StoredFile};

/// The manual of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manual {
    /// The probe: `sockets`.
    pub probe: String,
    /// Markdown.
    pub text: String,
}

/// Where manuals are.
const DIRECTORY: &str = "curriculum/probes/";

impl Manual {
    /// Every manual among these files.
    pub(super) fn all(files: &[StoredFile]) -> Vec<Self> {
        let manuals = files.iter().filter_map(|file| {
            let probe = file.name.strip_prefix(DIRECTORY)?.strip_suffix(".md")?;
            Some(Self {
                probe: probe.to_owned(),
                text: file.source_file().text.clone(),
            })
        });
        manuals.collect()
    }

    /// Loads the manual of one probe, and nothing else.
    ///
    /// # Errors
    /// When the files cannot be read, or the pack has manuals and not this one.
    pub fn load(source: &Source, probe: &str) -> Result<Self, LoadError> {
        let mut manuals = Self::all(&source.files()?);
        if manuals.is_empty() {
            manuals = Self::all(&Source::Embedded.files()?);
        }
        let found = manuals.into_iter().find(|manual| manual.probe == probe);
        found.ok_or_else(|| LoadError::Problems(Problems(vec![missing(probe)])))
    }
}

/// What is wrong with the manuals among these files, given the names of the probes: one that is
/// missing, one that belongs to no probe, one that is no manual. Without any, nothing.
pub fn problems(files: &[StoredFile], probes: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let manuals: Vec<&StoredFile> = files
        .iter()
        .filter(|file| file.name.starts_with(DIRECTORY))
        .collect();
    if manuals.is_empty() {
        return problems;
    }
    let name = |file: &StoredFile| {
        let name = file.name.strip_prefix(DIRECTORY).unwrap_or_default();
        name.strip_suffix(".md").unwrap_or(name).to_owned()
    };
    for &file in &manuals {
        let source = file.source_file();
        let probe = name(file);
        let mut add = |message: String, help: Option<String>| {
            problems.push(Problem {
                file: source.clone(),
                span: None,
                message,
                help,
            });
        };
        if !probes.contains(&probe.as_str()) {
            let help = did_you_mean(&probe, probes.iter().copied());
            add(format!("there is no probe `{probe}`"), help);
        } else if !source.text.starts_with("# ") {
            let help = "Begin it with a line `# …`.".to_owned();
            add("a manual begins with its title".to_owned(), Some(help));
        }
    }
    for &probe in probes {
        if !manuals.iter().any(|file| name(file) == probe) {
            problems.push(missing(probe));
        }
    }
    problems
}

fn missing(probe: &str) -> Problem {
    Problem {
        file: std::sync::Arc::new(SourceFile {
            name: format!("{DIRECTORY}{probe}.md"),
            text: String::new(),
        }),
        span: None,
        message: "this file is missing".to_owned(),
        help: Some("Every probe has a manual: what `probe NAME --explain` prints.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> StoredFile {
        StoredFile {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec().into(),
            executable: false,
        }
    }

    fn said(files: &[StoredFile]) -> Vec<String> {
        let problems = problems(files, &["sockets", "env"]).into_iter();
        problems
            .map(|problem| format!("{}: {}", problem.file.name, problem.message))
            .collect()
    }

    #[test]
    fn a_manual_that_is_missing_or_of_no_probe_is_a_mistake() {
        let files = [
            file("curriculum/probes/env.md", "# probe env\n"),
            file("curriculum/probes/socket.md", "# probe socket\n"),
        ];
        assert_eq!(
            said(&files),
            [
                "curriculum/probes/socket.md: there is no probe `socket`",
                "curriculum/probes/sockets.md: this file is missing",
            ]
        );
    }

    #[test]
    fn a_manual_without_a_title_is_a_mistake() {
        let files = [
            file("curriculum/probes/env.md", "text\n"),
            file("curriculum/probes/sockets.md", "# probe sockets\n"),
        ];
        assert_eq!(
            said(&files),
            ["curriculum/probes/env.md: a manual begins with its title"]
        );
    }

    #[test]
    fn a_pack_may_leave_all_manuals_to_the_program() {
        assert!(said(&[file("curriculum/path.toml", "")]).is_empty());
    }
}
