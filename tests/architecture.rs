//! Holds `ARCHITECTURE.md` and the code together: rooms import only downwards, foreign crates are
//! used where the document says, `unsafe` stays in one room, files say what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of more lines says in its header why.
const LONG: usize = 600;

/// A line of code: where it is and what it says, without comments.
struct Line {
    place: String,
    code: String,
}

struct SourceFile {
    /// From the root: `src/check/judge.rs`.
    name: String,
    text: String,
}

impl SourceFile {
    /// `src/check/`, `src/cli.rs`: as the document names it.
    fn room(&self) -> String {
        let inner = &self.name["src/".len()..];
        match inner.split_once('/') {
            Some((room, _)) => format!("src/{room}/"),
            None => self.name.clone(),
        }
    }

    /// How many `super` lead from the top of this file to the root of the crate.
    fn depth(&self) -> usize {
        let names = self.name["src/".len()..].split('/').count();
        names - usize::from(self.name.ends_with("/mod.rs"))
    }

    /// Lines that are not comments. A `//` within a string is taken for one; no rule minds.
    fn code(&self) -> Vec<Line> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(number, line)| Line {
                place: format!("{}:{}", self.name, number + 1),
                code: line.split("//").next().unwrap_or_default().to_owned(),
            })
            .collect()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

fn sources() -> Vec<SourceFile> {
    fn walk(directory: &Path, files: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(directory).expect("a directory of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the root");
                files.push(SourceFile {
                    name: name.to_str().expect("a plain name").to_owned(),
                    text: fs::read_to_string(&path).expect("a source"),
                });
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(files.len() > 50, "the sources were not found");
    files
}

/// The rooms as the document lists them, top first.
fn rooms() -> Vec<String> {
    let document = document();
    let rooms: Vec<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .map(str::to_owned)
        .collect();
    assert!(rooms.len() > 5, "ARCHITECTURE.md lists no rooms");
    rooms
}

/// What a line of code names after `crate::`, also in braces.
fn crate_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, matched) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        let rest = &code[at + matched.len()..];
        match rest.strip_prefix('{') {
            None => found.push(identifier(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut first = true;
                for (at, character) in group.char_indices() {
                    if depth == 0 && first && !character.is_whitespace() {
                        found.push(identifier(&group[at..]));
                        first = false;
                    }
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => first = true,
                        _ => {}
                    }
                }
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

fn none(violations: &[String], rule: &str) {
    assert!(violations.is_empty(), "{rule}:\n{}", violations.join("\n"));
}

#[test]
fn the_document_names_every_room_and_no_other() {
    let documented: BTreeSet<String> = rooms().into_iter().collect();
    let there: BTreeSet<String> = sources()
        .iter()
        .map(SourceFile::room)
        .filter(|room| room != "src/lib.rs")
        .collect();
    assert_eq!(documented, there);
}

#[test]
fn every_file_and_role_that_the_document_names_is_there() {
    let files = sources();
    let document = document();
    let roles = files
        .iter()
        .find(|file| file.name == "src/commands/role.rs")
        .expect("the roles");
    let mut missing = Vec::new();
    for code in document.split('`').skip(1).step_by(2) {
        let path = format!("/{code}");
        let there = || {
            files
                .iter()
                .any(|file| format!("/{}", file.name).ends_with(&path))
        };
        if code.ends_with(".rs") && !root().join(code).is_file() && !there() {
            missing.push(code.to_owned());
        }
    }
    for rest in document.split("__role ").skip(1) {
        let role = identifier(rest);
        if !roles.text.contains(&format!("\"{role}\" =>")) {
            missing.push(format!("role {role}"));
        }
    }
    none(&missing, "ARCHITECTURE.md names what is not there");
}

#[test]
fn rooms_import_only_downwards() {
    let rooms = rooms();
    let height = |room: &str| rooms.iter().position(|known| known == room);
    let of_module =
        |name: &str| height(&format!("src/{name}/")).or_else(|| height(&format!("src/{name}.rs")));
    let mut violations = Vec::new();
    for file in sources().iter().filter(|file| file.name != "src/lib.rs") {
        let here = height(&file.room()).expect("a room of the document");
        for line in file.code() {
            for module in crate_paths(&line.code) {
                match of_module(&module) {
                    Some(there) if there >= here => {}
                    Some(_) => violations.push(format!("{}: uses crate::{module}", line.place)),
                    None => violations.push(format!("{}: crate::{module} is no room", line.place)),
                }
            }
        }
    }
    none(&violations, "a room uses only what stands below it");
}

#[test]
fn a_room_is_left_by_its_name_and_not_through_super() {
    let mut violations = Vec::new();
    for file in sources() {
        for line in file.code() {
            let chain = line.code.matches("super::").count();
            let in_a_block = usize::from(line.code.starts_with(' '));
            if chain >= file.depth() + in_a_block && chain > 0 {
                violations.push(line.place);
            }
        }
    }
    none(
        &violations,
        "`super` leads out of the room; write `crate::ROOM`",
    );
}

#[test]
fn only_the_top_knows_the_command_line_and_exit_statuses() {
    let mut violations = Vec::new();
    for file in sources() {
        let room = file.room();
        let may_exit = ["src/main.rs", "src/commands/", "src/tui/"].contains(&room.as_str());
        let may_parse = ["src/main.rs", "src/commands/"].contains(&room.as_str());
        for line in file.code() {
            for module in crate_paths(&line.code) {
                if module == "cli" && !may_parse || module == "exit_code" && !may_exit {
                    violations.push(line.place.clone());
                }
            }
        }
    }
    none(&violations, "cli and exit_code are the top's");
}

#[test]
fn foreign_crates_are_used_where_the_document_says_and_nowhere_else() {
    let document = document();
    let mut allowed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let mut words = line.split('`').skip(1).step_by(2);
        let name = words.next().expect("a crate");
        allowed.insert(name, words.collect());
    }
    assert!(allowed.len() > 5, "ARCHITECTURE.md has no table of crates");
    let mut violations = Vec::new();
    let mut unused: BTreeSet<(&str, &str)> = allowed
        .iter()
        .flat_map(|(name, places)| places.iter().map(|place| (*name, *place)))
        .collect();
    for file in sources() {
        for line in file.code() {
            for (name, places) in &allowed {
                let path = format!("{name}::");
                let used = line.code.match_indices(&path).any(|(at, _)| {
                    let before = line.code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if !used {
                    continue;
                }
                match places.iter().find(|place| file.name.starts_with(**place)) {
                    Some(place) => drop(unused.remove(&(*name, *place))),
                    None => violations.push(format!("{}: uses {name}", line.place)),
                }
            }
        }
    }
    for (name, place) in unused {
        violations.push(format!("ARCHITECTURE.md: {place} does not use {name}"));
    }
    none(&violations, "a foreign crate is wrapped once");
}

#[test]
fn unsafe_code_is_only_in_sys() {
    let mut violations = Vec::new();
    let files = sources();
    for file in files.iter().filter(|file| file.room() != "src/sys/") {
        for line in file.code() {
            if has_word(&line.code, "unsafe") || has_word(&line.code, "unsafe_code") {
                violations.push(line.place);
            }
        }
    }
    none(&violations, "`unsafe` is only in src/sys");
}

#[test]
fn every_file_opens_with_what_it_owns() {
    let files = sources();
    let without = files.iter().filter(|file| !file.text.starts_with("//! "));
    let names: Vec<String> = without.map(|file| file.name.clone()).collect();
    none(
        &names,
        "a file opens with `//!`: what it owns, what it leaves to others",
    );
}

#[test]
fn a_long_file_says_why() {
    let mut violations = Vec::new();
    for file in sources() {
        let lines = file.text.lines().count();
        let header = file.text.lines().take_while(|line| line.starts_with("//!"));
        let says = header.into_iter().any(|line| line.contains("Long because"));
        if lines > LONG && !says {
            violations.push(format!("{}: {lines} lines", file.name));
        } else if lines < LONG - 100 && says {
            violations.push(format!("{}: {lines} lines are not long", file.name));
        }
    }
    none(
        &violations,
        "a file of more than 600 lines says `Long because …` in its header",
    );
}

#[test]
fn nothing_is_imported_or_exported_by_a_star() {
    let mut violations = Vec::new();
    for file in sources() {
        for line in file.code() {
            let test = line.code.starts_with(' ') || file.name.ends_with("/tests.rs");
            let in_tests = test && line.code.trim() == "use super::*;";
            if has_word(&line.code, "use") && line.code.contains("::*") && !in_tests {
                violations.push(line.place);
            }
        }
    }
    none(&violations, "a star hides where a name comes from");
}

#[test]
fn nothing_prints_past_the_context() {
    let mut violations = Vec::new();
    for file in sources() {
        for line in file.code() {
            let bare = ["println!", "print!", "eprintln!", "eprint!", "dbg!"]
                .iter()
                .any(|macro_name| {
                    line.code.match_indices(macro_name).any(|(at, _)| {
                        let before = line.code[..at].chars().next_back();
                        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                    })
                });
            if bare {
                violations.push(line.place);
            }
        }
    }
    none(&violations, "output goes through commands::context");
}

#[test]
fn the_rules_see_what_they_must_see() {
    assert_eq!(
        crate_paths("use crate::{check::{a, b}, sys, tui::x}; crate::render::f(mycrate::y)"),
        ["check", "sys", "tui", "render"]
    );
    assert!(has_word("unsafe { f() }", "unsafe"));
    assert!(!has_word("deny(unsafe_code)", "unsafe"));
    let file = |name: &str| SourceFile {
        name: name.to_owned(),
        text: String::new(),
    };
    assert_eq!(file("src/check/mod.rs").depth(), 1);
    assert_eq!(file("src/check/judge.rs").depth(), 2);
    assert_eq!(file("src/untrusted.rs").depth(), 1);
    assert_eq!(file("src/untrusted.rs").room(), "src/untrusted.rs");
}
