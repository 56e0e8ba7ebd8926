//! The quick reference: calls with the least code that is right, what strace shows, and where the
//! kernel's functions are. Reads `quick-reference.toml`.
//!
//! Code and commands are run by `tests/quick_reference.rs`; names of functions are looked up there
//! in the running kernel.

use serde::Serialize;

use super::claim::{VersionRange, is_page, read_range};
use super::correction::sentence;
use super::reader::{Located, Reader};

/// What `quick-reference.toml` holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct QuickReference {
    /// Kernel releases on which every name of a function was looked up.
    pub checked: Vec<String>,
    /// What one wants to do, and the calls that do it.
    pub calls: Vec<Call>,
    /// What strace shows.
    pub traces: Vec<Trace>,
    /// Where things are in the kernel's source.
    pub areas: Vec<Area>,
}

/// Something to do with system calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Call {
    /// Unique: small letters, digits and dashes.
    pub id: Located<String>,
    /// What it does: a phrase.
    pub title: String,
    /// What is to be known: sentences.
    pub says: String,
    /// C that compiles by itself: headers and functions.
    pub code: String,
    /// Statements that show that the code works: the body of a function, which calls `check(…)`.
    /// Not shown to readers.
    pub proof: String,
    /// Manual pages with their sections.
    pub pages: Vec<String>,
    /// The lesson that teaches it, by slug.
    pub lesson: Option<Located<String>>,
}

/// A way to run strace.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trace {
    /// Unique: small letters, digits and dashes.
    pub id: Located<String>,
    /// What it shows: a phrase.
    pub title: String,
    /// The command; `PROGRAM` and `PID` stand for what is traced.
    pub command: String,
    /// What it is for, and what it does not show: sentences.
    pub says: String,
    /// What stands in its output.
    pub shows: Vec<String>,
    /// What does not, although the program does it.
    pub lacks: Vec<String>,
}

/// Functions that belong together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Area {
    /// What they do together: a phrase.
    pub title: String,
    /// The functions.
    pub functions: Vec<Function>,
}

/// A function of the kernel.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Function {
    /// Its name.
    pub ident: Located<String>,
    /// The file, from the root of the source.
    pub file: String,
    /// What it does: one sentence.
    pub says: String,
    /// Whether compilers put it into its caller, so that the running kernel has no symbol of it.
    pub inlined: bool,
    /// On which kernels it has this name; what others call it.
    pub range: Option<VersionRange>,
}

impl QuickReference {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let checked = top.texts("checked");
        let read = Self {
            checked: checked.into_iter().map(|release| release.value).collect(),
            calls: top.tables("call", "a call", read_call),
            traces: top.tables("trace", "a trace", read_trace),
            areas: top.tables("area", "an area", |table| Area {
                title: table.text("title"),
                functions: table.tables("function", "a function", |table| Function {
                    ident: table.located_text("ident"),
                    file: table.text("file"),
                    says: sentence(table, "says"),
                    inlined: table.flag("inlined"),
                    range: read_range(table),
                }),
            }),
        };
        let calls = read.calls.iter().map(|call| ("call", &call.id));
        let traces = read.traces.iter().map(|trace| ("trace", &trace.id));
        let functions = read.areas.iter().flat_map(|area| &area.functions);
        let functions = functions.map(|function| ("function", &function.ident));
        let mut seen = std::collections::BTreeSet::new();
        for (what, id) in calls.chain(traces).chain(functions) {
            if !seen.insert((what, id.value.as_str())) {
                let message = format!("{what} `{}` occurs twice", id.value);
                let help = "Keep one of the two.".to_owned();
                top.problem(id.span.clone(), message, Some(help));
            }
        }
        read
    }
}

fn read_call(table: &mut Reader<'_>) -> Call {
    let pages = table.texts("pages");
    if pages.is_empty() {
        let help = "Add `pages`, a list such as [\"unix(7)\"].".to_owned();
        let message = "this call names no manual page".to_owned();
        table.problem(table.span(), message, Some(help));
    }
    for page in pages.iter().filter(|page| !is_page(&page.value)) {
        let message = format!("`{}` is no manual page", page.value);
        let help = "Write a page with its section, such as `unix(7)`.".to_owned();
        table.problem(page.span.clone(), message, Some(help));
    }
    Call {
        id: table.located_text("id"),
        title: table.text("title"),
        says: sentence(table, "says"),
        code: table.text("code"),
        proof: table.text("proof"),
        pages: pages.into_iter().map(|page| page.value).collect(),
        lesson: table.optional_text("lesson"),
    }
}

fn read_trace(table: &mut Reader<'_>) -> Trace {
    let words = |list: Vec<Located<String>>| list.into_iter().map(|word| word.value).collect();
    let trace = Trace {
        id: table.located_text("id"),
        title: table.text("title"),
        command: table.text("command"),
        says: sentence(table, "says"),
        shows: words(table.texts("shows")),
        lacks: words(table.texts("lacks")),
    };
    if trace.shows.is_empty() && trace.lacks.is_empty() {
        let help = "Add `shows`, words of its output, or `lacks`.".to_owned();
        let message = "nothing says what this command prints".to_owned();
        table.problem(trace.id.span.clone(), message, Some(help));
    }
    trace
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curriculum::problem::SourceFile;
    use crate::curriculum::reader::{Report, read_file};

    #[test]
    fn each_mistake_of_the_quick_reference_has_its_line_and_a_remedy() {
        let call =
            "[[call]]\nid = \"a\"\ntitle = \"t\"\nsays = \"It is.\"\ncode = \"c\"\nproof = \"p\"\n";
        let text = format!(
            "format = 1\n{call}pages = [\"a book\"]\n{call}pages = [\"unix(7)\"]\n{call}\
             [[trace]]\nid = \"t\"\ntitle = \"t\"\ncommand = \"strace PROGRAM\"\nsays = \"It shows.\"\n"
        );
        let file = Arc::new(SourceFile {
            name: "quick-reference.toml".into(),
            text,
        });
        let report = Report::new(file);
        read_file(&report, QuickReference::read);
        let problems: Vec<String> = report
            .finish()
            .into_iter()
            .map(|problem| {
                assert!(problem.help.is_some(), "{}", problem.message);
                format!("{}: {}", problem.line().unwrap_or(0), problem.message)
            })
            .collect();
        assert_eq!(
            problems,
            [
                "8: `a book` is no manual page",
                "10: call `a` occurs twice",
                "16: this call names no manual page",
                "17: call `a` occurs twice",
                "23: nothing says what this command prints",
            ]
        );
    }
}
