//! A claim: one factual sentence of a lesson, and what backs it.
//!
//! Reads the `[[claim]]` tables of `lesson.toml`. A claim *holds* when an expression over the
//! observation of the lesson's experiment is true, or it names the manual page (and the kernel
//! identifier) where the fact is written. Whether it holds here is decided in
//! [`crate::experiment::claims`].

use std::cmp::Ordering;
use std::ops::Range;

use serde::Serialize;

use super::expression;
use super::lesson::optional_expression;
use super::problem::did_you_mean;
use super::reader::{Located, Reader};

/// One fact, and what backs it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Claim {
    /// Its name, unique in the curriculum: `{{ claim NAME }}` marks the sentence in the text.
    pub id: Located<String>,
    /// The fact, as one sentence.
    pub says: String,
    /// What backs it.
    pub backing: Backing,
    /// On which kernels it is so; `None` when no kernel is known on which it is not.
    pub range: Option<VersionRange>,
    /// Rows of the claim audit that it answers.
    pub audit: Vec<u32>,
}

/// What backs a claim.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backing {
    /// An expression over the observation, which is true when the claim holds.
    Holds(Located<String>),
    /// Where it is written, when no experiment can show it.
    Reference {
        /// A manual page with its section: `unix(7)`.
        page: String,
        /// The kernel identifier to look up, where the kernel does it.
        ident: Option<String>,
    },
}

impl Default for Backing {
    fn default() -> Self {
        Self::Holds(Located::default())
    }
}

/// The kernels on which a claim is so, and what the others do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VersionRange {
    /// The first version on which it is so.
    pub since: Option<Version>,
    /// The first version on which it is no longer so.
    pub until: Option<Version>,
    /// What the other kernels do, as a sentence.
    pub otherwise: String,
}

impl VersionRange {
    /// Whether the claim is said of a kernel release such as `6.18.44-amd64`. One that is not
    /// understood is taken for the newest.
    pub fn covers(&self, release: &str) -> bool {
        let Some(version) = Version::parse(release) else {
            return self.until.is_none();
        };
        self.since.as_ref().is_none_or(|since| *since <= version)
            && self.until.as_ref().is_none_or(|until| version < *until)
    }
}

/// A kernel version: the numbers at the beginning of a release, without zeros at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: Vec<u32>,
    text: String,
}

impl Version {
    /// The version at the beginning of a release: `6.18.44` of `6.18.44-amd64`. `None` without two
    /// numbers.
    pub fn parse(release: &str) -> Option<Self> {
        let end = release
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(release.len());
        let text = release[..end].trim_end_matches('.');
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let mut numbers = numbers.ok().filter(|numbers| numbers.len() > 1)?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self {
            numbers,
            text: text.to_owned(),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.numbers.cmp(&other.numbers))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Claim {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let id = table.located_text("id");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.value.chars().all(plain) {
            let message = format!("`{}` is no name for a claim", id.value);
            let help = "Write small letters, digits and dashes.".to_owned();
            table.problem(id.span.clone(), message, Some(help));
        }
        let says = table.located_text("says");
        if !says.value.is_empty() && !says.value.trim_end().ends_with('.') {
            let help = "Write the fact as one sentence, with a full stop.".to_owned();
            table.problem(
                says.span.clone(),
                "`says` is no sentence".to_owned(),
                Some(help),
            );
        }
        let backing = read_backing(table, &id);
        let range = read_range(table);
        let audit = table.integers("audit", 1..10_000);
        Self {
            id,
            says: says.value,
            backing,
            range,
            audit: audit.into_iter().map(|row| row as u32).collect(),
        }
    }
}

impl Claim {
    /// What is wrong with what a claim reads, when the lesson's experiment has these parts: the
    /// place, the mistake and what would mend it. A claim that is checked must read something that
    /// was observed.
    pub(super) fn mistake(&self, parts: &[&str]) -> Option<(Range<usize>, String, String)> {
        let Backing::Holds(holds) = &self.backing else {
            return None;
        };
        let names = expression::names(&holds.value);
        let mut read = names
            .iter()
            .filter_map(|name| name.strip_prefix("obs.")?.split('.').next())
            .peekable();
        let advice = "A claim reads obs.PART.NAME of this lesson's experiment.";
        let (message, help) = if read.peek().is_none() && !holds.value.is_empty() {
            let message = "this claim reads nothing that an experiment observed".to_owned();
            (message, advice.to_owned())
        } else {
            let unknown = read.find(|part| !parts.contains(part))?;
            let help = did_you_mean(unknown, parts.iter().copied());
            let message = format!("the experiment has no part `{unknown}`");
            (message, help.unwrap_or_else(|| advice.to_owned()))
        };
        Some((holds.span.clone(), message, help))
    }
}

/// `holds`, or `reference` with an `ident`: exactly one of the two.
fn read_backing(table: &mut Reader<'_>, id: &Located<String>) -> Backing {
    let holds = optional_expression(table, "holds");
    let reference = optional_page(table, "reference");
    let ident = table.optional_text("ident");
    if let Some(ident) = &ident
        && reference.is_none()
    {
        let help = "`ident` stands beside `reference`.".to_owned();
        let message = "this claim names an identifier and no manual page".to_owned();
        table.problem(ident.span.clone(), message, Some(help));
    }
    match (holds, reference) {
        (Some(holds), None) => Backing::Holds(holds),
        (None, Some(page)) => Backing::Reference {
            page: page.value,
            ident: ident.map(|ident| ident.value),
        },
        (holds, _) => {
            let (message, help) = match holds {
                None => (
                    "nothing backs this claim",
                    "Add `holds`, an expression over `obs`; or `reference`, a manual page, where nothing can be run.",
                ),
                Some(_) => (
                    "two things back this claim",
                    "Keep `holds`, which is checked, and leave `reference` out.",
                ),
            };
            table.problem(id.span.clone(), message, Some(help.to_owned()));
            Backing::default()
        }
    }
}

/// A key whose value is a manual page, if it is there; another value is a problem at its place.
pub(super) fn optional_page(table: &mut Reader<'_>, key: &'static str) -> Option<Located<String>> {
    let page = table.optional_text(key)?;
    if !is_page(&page.value) {
        let message = format!("`{}` is no manual page", page.value);
        let help = "Write a page with its section, such as `unix(7)`.".to_owned();
        table.problem(page.span.clone(), message, Some(help));
    }
    Some(page)
}

/// The name of a manual page with its section, `unix(7)`; more may follow.
pub(super) fn is_page(text: &str) -> bool {
    text.split_once('(').is_some_and(|(name, rest)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        !name.is_empty()
            && name.chars().all(plain)
            && rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// `since`, `until` and `otherwise`.
pub(super) fn read_range(table: &mut Reader<'_>) -> Option<VersionRange> {
    let since = read_version(table, "since");
    let until = read_version(table, "until");
    let otherwise = table.optional_text("otherwise");
    let version = since.as_ref().or(until.as_ref());
    match (version, &otherwise) {
        (Some(version), None) => {
            let help = "Add `otherwise`: a sentence on what other kernels do.".to_owned();
            let message = "nothing says what other kernels do".to_owned();
            table.problem(version.span.clone(), message, Some(help));
        }
        (None, Some(otherwise)) => {
            let help = "Add `since` or `until`, such as \"6.16\".".to_owned();
            let message = "nothing says on which kernels it is otherwise".to_owned();
            table.problem(otherwise.span.clone(), message, Some(help));
        }
        _ => {}
    }
    version?;
    let parsed =
        |text: &Option<Located<String>>| text.as_ref().and_then(|text| Version::parse(&text.value));
    Some(VersionRange {
        since: parsed(&since),
        until: parsed(&until),
        otherwise: otherwise.map(|text| text.value).unwrap_or_default(),
    })
}

fn read_version(table: &mut Reader<'_>, key: &'static str) -> Option<Located<String>> {
    let text = table.optional_text(key)?;
    let whole = Version::parse(&text.value).is_some_and(|version| version.text == text.value);
    if !whole {
        let message = format!("`{}` is no kernel version", text.value);
        let help = "Write the numbers, such as \"6.16\".".to_owned();
        table.problem(text.span.clone(), message, Some(help));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curriculum::lesson::Lesson;
    use crate::curriculum::problem::SourceFile;
    use crate::curriculum::reader::{Report, read_file};

    fn read(text: &str) -> (Vec<Claim>, Vec<String>) {
        let file = Arc::new(SourceFile {
            name: "lesson.toml".into(),
            text: text.into(),
        });
        let report = Report::new(file);
        let lesson = read_file(&report, |top| Lesson {
            claims: top.tables("claim", "a claim", Claim::read),
            ..Lesson::default()
        });
        let problems = report.finish().into_iter().map(|problem| {
            let line = problem.line().unwrap_or(0);
            assert!(problem.help.is_some(), "{}", problem.message);
            format!("{line}: {}", problem.message)
        });
        (lesson.claims, problems.collect())
    }

    #[test]
    fn a_claim_is_a_sentence_and_what_backs_it() {
        let (claims, problems) = read(
            "[[claim]]\nid = \"one\"\nsays = \"It is so.\"\nholds = \"obs.a.n == 1\"\naudit = [3, 7]\n\
             [[claim]]\nid = \"two\"\nsays = \"It is.\"\nreference = \"unix(7)\"\nident = \"unix_bind\"\n",
        );
        assert_eq!(problems, [""; 0]);
        assert!(matches!(&claims[0].backing, Backing::Holds(when) if when.value == "obs.a.n == 1"));
        assert_eq!(claims[0].audit, [3, 7]);
        assert!(
            matches!(&claims[1].backing, Backing::Reference { page, ident: Some(ident) }
            if page == "unix(7)" && ident == "unix_bind")
        );
    }

    #[test]
    fn each_mistake_of_a_claim_has_its_line_and_a_remedy() {
        let (_, problems) = read(
            "[[claim]]\nid = \"One\"\nsays = \"It is so\"\nreference = \"the manual\"\n\
             [[claim]]\nid = \"two\"\nsays = \"It is.\"\n\
             [[claim]]\nid = \"three\"\nsays = \"It is.\"\nholds = \"obs.a.n\"\nreference = \"unix(7)\"\n\
             [[claim]]\nid = \"four\"\nsays = \"It is.\"\nholds = \"obs.a.n\"\nsince = \"new\"\nident = \"f\"\n",
        );
        assert_eq!(
            problems,
            [
                "2: `One` is no name for a claim",
                "3: `says` is no sentence",
                "4: `the manual` is no manual page",
                "6: nothing backs this claim",
                "9: two things back this claim",
                "17: `new` is no kernel version",
                "17: nothing says what other kernels do",
                "18: this claim names an identifier and no manual page",
            ]
        );
    }

    #[test]
    fn a_claim_that_reads_nothing_or_an_unknown_part_is_a_mistake() {
        let text = |holds: &str| {
            format!("[[claim]]\nid = \"one\"\nsays = \"It is.\"\nholds = \"{holds}\"\n")
        };
        let mistake = |holds: &str| {
            let (claims, _) = read(&text(holds));
            claims[0]
                .mistake(&["a", "b"])
                .map(|(_, message, _)| message)
        };
        assert_eq!(mistake("obs.a.n == obs.b.n"), None);
        let nothing = "this claim reads nothing that an experiment observed";
        assert_eq!(mistake("1 == 1").as_deref(), Some(nothing));
        let unknown = "the experiment has no part `c`";
        assert_eq!(mistake("obs.a.n == obs.c.n").as_deref(), Some(unknown));
    }

    #[test]
    fn a_range_covers_the_releases_between_its_versions() {
        let range = VersionRange {
            since: Version::parse("6.5"),
            until: Version::parse("6.16"),
            otherwise: "Others do not.".into(),
        };
        for (release, covered) in [
            ("6.4.99", false),
            ("6.5.0-1-amd64", true),
            ("6.5-rc1", true),
            ("6.15.11+", true),
            ("6.16.0", false),
            ("10.0", false),
            ("unheard of", false),
        ] {
            assert_eq!(range.covers(release), covered, "{release}");
        }
    }
}
