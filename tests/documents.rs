//! Holds the documents to the program: links resolve, generated pages are what the program would
//! generate, transcripts happen, vocabularies are described whole.
//!
//! `UPDATE_DOCUMENTS=1 cargo test --test documents` writes the generated pages anew.

#[path = "documents/lessons.rs"]
mod lessons;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use ipc_mastery::check::observation::Observation;
use ipc_mastery::cli;
use ipc_mastery::curriculum::pages::Pages;
use ipc_mastery::curriculum::project::Project;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::{Curriculum, scenario, schema};
use ipc_mastery::exit_code::ExitCode;
use ipc_mastery::experiment::claims::Report;
use ipc_mastery::mastery::review::listing;
use ipc_mastery::probe::{Name, schema as probe_schema};
use ipc_mastery::render::pages::{self, Medium, Standing};
use ipc_mastery::tui::bindings;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every document, by its path from the root.
fn documents() -> BTreeMap<PathBuf, String> {
    fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(root().join(directory)).expect("a directory") {
            let entry = entry.expect("an entry");
            let name = directory.join(entry.file_name());
            if entry.path().is_dir() {
                walk(&name, found);
            } else if name.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(entry.path()).expect("a document");
                found.insert(name, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new("book/src"), &mut found);
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        found.insert(name.into(), read(name));
    }
    assert!(found.len() > 10, "the book was not found");
    found
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The anchors of a document's headings, as mdBook and GitHub make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in events(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let title = heading.take().unwrap_or_default().to_lowercase();
                let anchor = title.chars().filter_map(|character| match character {
                    ' ' => Some('-'),
                    '-' | '_' => Some(character),
                    _ => character.is_alphanumeric().then_some(character),
                });
                found.insert(anchor.collect());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// `a/../b` as `b`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let mut broken = Vec::new();
    for (name, text) in &documents {
        for event in events(text) {
            let (Event::Start(Tag::Link { dest_url, .. })
            | Event::Start(Tag::Image { dest_url, .. })) = event
            else {
                continue;
            };
            if dest_url.contains("://") {
                continue;
            }
            let (file, anchor) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
            let target = if file.is_empty() {
                name.clone()
            } else {
                plain(&name.parent().unwrap_or(Path::new("")).join(file))
            };
            let there = root().join(&target).exists();
            let anchored = anchor.is_empty()
                || documents
                    .get(&target)
                    .is_some_and(|text| anchors(text).contains(anchor));
            if !there || !anchored {
                broken.push(format!("{}: {dest_url}", name.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Where links outside may lead; there is no network in the tests, so that they live is not known.
const HOSTS: [&str; 5] = [
    "elixir.bootlin.com",
    "keepachangelog.com",
    "manpages.debian.org",
    "semver.org",
    "systemd.io",
];

#[test]
fn every_link_outside_leads_to_a_known_host() {
    let mut texts = documents();
    for file in Source::Embedded.files().expect("the files") {
        let text = file.source_file().text.clone();
        if file.name.ends_with(".md") {
            texts.insert(file.name.into(), text);
        }
    }
    let mut strange = BTreeSet::new();
    for (name, text) in &texts {
        for event in events(text) {
            let (Event::Start(Tag::Link { dest_url, .. })
            | Event::Start(Tag::Image { dest_url, .. })) = event
            else {
                continue;
            };
            let Some((scheme, rest)) = dest_url.split_once("://") else {
                continue;
            };
            let host = rest.split(['/', '#', '?']).next().unwrap_or_default();
            if scheme != "https" || !HOSTS.contains(&host) {
                strange.insert(format!("{}: {dest_url}", name.display()));
            }
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let summary = read("book/src/SUMMARY.md");
    for name in documents().keys() {
        let Ok(page) = name.strip_prefix("book/src") else {
            continue;
        };
        let listed = summary.contains(&format!("({})", page.display()));
        assert!(listed || page == Path::new("SUMMARY.md"), "{page:?}");
    }
}

/// What stands at the top of a generated page.
const NOTE: &str =
    "<!-- Made by the program: UPDATE_DOCUMENTS=1 cargo test --test documents -->\n\n";

/// What the experiments did when the book was made last.
const OBSERVED: &str = "book/observed.json";

/// The generated pages, by their paths in the book.
fn generated(curriculum: &Curriculum, observed: &lessons::Observed) -> Vec<(String, String)> {
    fn commands(command: &mut clap::Command, out: &mut String) {
        let name = command.get_bin_name().unwrap_or(command.get_name());
        write!(out, "## {name}\n\n```text\n").expect("a String takes all");
        for line in command.render_long_help().to_string().lines() {
            writeln!(out, "{}", line.trim_end()).expect("a String takes all");
        }
        out.push_str("```\n\n");
        for sub in command.get_subcommands_mut() {
            commands(sub, out);
        }
    }
    let mut command = cli::documented().term_width(80);
    command.build();
    let mut reference = format!("# Commands\n\n{NOTE}");
    commands(&mut command, &mut reference);
    let mut statuses = format!(
        "# Exit statuses\n\n{NOTE}What every subcommand tells its caller.\n\n| status | meaning |\n|---|---|\n"
    );
    for code in ExitCode::ALL {
        writeln!(statuses, "| {} | {} |", code as u8, code.meaning()).expect("a String takes all");
    }
    let keys = format!(
        "# Keys\n\n{NOTE}The keys of the full screen, by place. `?` shows those of the place you are in.\n\n{}",
        bindings::table()
    );
    let shown = Pages::load(&Source::Embedded, curriculum).expect("sound pages");
    let quick = pages::quick_reference(&shown.quick_reference, curriculum, Medium::Book);
    let all = [
        ("reference/commands", reference.trim_end().to_owned() + "\n"),
        ("reference/exit-statuses", statuses),
        ("reference/keys", keys.trim_end().to_owned() + "\n"),
        ("quick-reference", noted(&quick, NOTE)),
        (
            "glossary",
            noted(
                &pages::glossary(&shown.glossary, curriculum, Medium::Book),
                NOTE,
            ),
        ),
        (
            "corrections",
            noted(&pages::corrections(&shown, curriculum, Medium::Book), NOTE),
        ),
    ];
    let all = all.into_iter().map(|(name, text)| (name.to_owned(), text));
    let projects = curriculum.projects.iter();
    let projects = projects.map(|it| (it.name(), noted(&project_page(it, curriculum), NOTE)));
    all.chain(projects)
        .chain(lessons::pages(curriculum, observed, NOTE))
        .collect()
}

fn project_page(project: &Project, curriculum: &Curriculum) -> String {
    pages::project(project, curriculum, Medium::Book, |_| Standing::Unknown)
}

/// A page with a note below its title.
fn noted(page: &str, note: &str) -> String {
    let (title, rest) = page.split_once("\n\n").expect("a title");
    format!("{title}\n\n{note}{rest}")
}

#[test]
fn schemas_are_what_the_files_are_read_by() {
    for kind in schema::KINDS {
        let name = format!("schemas/{}.schema.json", kind.name);
        let text = serde_json::to_string_pretty(&kind.schema()).expect("plain data") + "\n";
        if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
            fs::write(root().join(&name), text).expect("the schema is written");
        } else {
            assert!(
                read(&name) == text,
                "{name} is out of date; `UPDATE_DOCUMENTS=1 cargo test --test documents` writes it"
            );
        }
    }
}

#[test]
fn schemas_of_what_is_printed_are_those_of_their_types() {
    let pictures = Name::ALL
        .iter()
        .map(|&probe| (probe.as_str(), probe_schema::of(probe)));
    let changes = [("changes", probe_schema::of_changes())];
    let probes = pictures
        .chain(changes)
        .map(|(name, schema)| (format!("probe-{name}"), schema));
    let claims = [("claims".to_owned(), Report::json_schema())];
    let review = [("review".to_owned(), listing::schema())];
    for (name, schema) in probes.chain(claims).chain(review) {
        let name = format!("schemas/{name}.schema.json");
        let text = serde_json::to_string_pretty(&schema).expect("plain data") + "\n";
        if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
            fs::write(root().join(&name), text).expect("the schema is written");
        } else {
            assert!(
                read(&name) == text,
                "{name} is out of date; `UPDATE_DOCUMENTS=1 cargo test --test documents` writes it"
            );
        }
    }
}

#[test]
fn generated_pages_are_what_the_program_says() {
    let curriculum = Curriculum::load(&Source::Embedded).expect("a sound curriculum");
    let mut observed: lessons::Observed =
        serde_json::from_str(&read(OBSERVED)).expect("what was observed");
    let update = std::env::var_os("UPDATE_DOCUMENTS").is_some();
    if update {
        let program = Path::new(env!("CARGO_BIN_EXE_ipc-mastery"));
        observed = lessons::observe(&curriculum, program, &observed);
        let text = serde_json::to_string_pretty(&observed).expect("plain data") + "\n";
        fs::write(root().join(OBSERVED), text).expect("it is written");
    }
    let mut pages = generated(&curriculum, &observed);
    pages.push(("SUMMARY".to_owned(), summary(&curriculum)));
    let mut known = BTreeSet::new();
    for (name, text) in pages {
        let name = format!("book/src/{name}.md");
        if update {
            let path = root().join(&name);
            let directory = path.parent().expect("a directory");
            fs::create_dir_all(directory).expect("the directory is made");
            fs::write(path, text).expect("the page is written");
        } else {
            assert!(
                fs::read_to_string(root().join(&name)).is_ok_and(|found| found == text),
                "{name} is out of date; `UPDATE_DOCUMENTS=1 cargo test --test documents` writes it"
            );
        }
        known.insert(PathBuf::from(name));
    }
    for name in documents().into_keys() {
        let of_lessons = ["book/src/lessons", "book/src/modules"];
        if of_lessons.iter().any(|it| name.starts_with(it)) && !known.contains(&name) {
            assert!(
                update,
                "{}: no lesson or module is called so",
                name.display()
            );
            fs::remove_file(root().join(&name)).expect("it is removed");
        }
    }
}

/// The summary of the book, with the lessons there are.
fn summary(curriculum: &Curriculum) -> String {
    let text = read("book/src/SUMMARY.md");
    let (before, rest) = text.split_once("# Lessons\n").expect("a part with lessons");
    let (_, after) = rest.split_once("\n# ").expect("a part after it");
    let lines = lessons::summary(curriculum);
    format!("{before}# Lessons\n\n{lines}\n# {after}")
}

#[test]
fn what_was_observed_answers_every_prediction_of_its_lesson() {
    let curriculum = Curriculum::load(&Source::Embedded).expect("a sound curriculum");
    let observed: Value = serde_json::from_str(&read(OBSERVED)).expect("what was observed");
    let mut answered = 0;
    for lesson in curriculum.lessons() {
        let agreed = &observed[lesson.slug.as_str()]["agreed"];
        let Some(agreed) = agreed.as_object() else {
            continue;
        };
        let parts = lesson.experiment.iter().flat_map(|plan| &plan.parts);
        for part in parts {
            for prediction in &part.predictions {
                let key = format!("{}/{}", part.id.value, prediction.id);
                assert!(agreed.contains_key(&key), "{}: {key}", lesson.slug);
                answered += 1;
            }
        }
    }
    assert!(answered > 20, "{answered}");
}

#[test]
fn the_test_command_of_readme_is_the_one_that_ci_runs() {
    let readme = read("README.md");
    let section = readme.split("## Test").nth(1).expect("a section on tests");
    let command = section
        .split("```sh\n")
        .nth(1)
        .and_then(|rest| rest.split('\n').next())
        .expect("a command");
    let script = read(".ci/run");
    assert!(script.lines().any(|line| line == command), "{command}");
    assert!(
        script.contains(&format!(
            "HOME=\"$place/home\" USER=\"$user\" LOGNAME=\"$user\" {command}\n"
        )),
        "as the ordinary user: {command}"
    );
    assert!(read("CONTRIBUTING.md").contains(command));
}

#[test]
fn what_is_said_to_be_there_is_there() {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let number = |count: usize| {
        WORDS
            .get(count)
            .map_or(count.to_string(), |&w| w.to_owned())
    };
    let counted = |count: usize, noun: &str| {
        let ending = if count == 1 { "" } else { "s" };
        format!("{} {noun}{ending}", number(count))
    };
    let Ok(curriculum) = Curriculum::load(&Source::Embedded) else {
        panic!("the embedded curriculum does not load");
    };
    let modules = curriculum.modules.iter();
    let modules = counted(
        modules.filter(|module| !module.lessons.is_empty()).count(),
        "module",
    );
    let taught = format!(
        "{modules} with {}",
        counted(curriculum.lessons().count(), "lesson")
    );
    let exercises = counted(curriculum.exercises.len(), "exercise");
    let probes = counted(Name::ALL.len(), "probe");
    for (name, text) in documents() {
        if name == Path::new("README.md") || name == Path::new("book/src/introduction.md") {
            for part in [&taught, &exercises, &probes] {
                assert!(
                    text.contains(part.as_str()),
                    "{}: not `{part}`",
                    name.display()
                );
            }
        }
    }
    let stages = curriculum.exercises.iter().map(|one| one.stages.len());
    let stages = format!("{exercises} with {} stages", stages.sum::<usize>());
    assert!(
        read("README.md").contains(&stages),
        "README.md: not `{stages}`"
    );
    assert!(
        read("CHANGELOG.md").contains(&exercises),
        "CHANGELOG.md: not `{exercises}`"
    );
}

/// A document with what mdBook would include, from a line on.
fn with_includes(name: &str) -> String {
    let place = Path::new(name).parent().expect("a directory");
    let mut out = String::new();
    for line in read(name).lines() {
        let inner = line
            .strip_prefix("{{#include ")
            .and_then(|it| it.strip_suffix("}}"));
        match inner.map(|inner| inner.split_once(':').unwrap_or((inner, "1:"))) {
            Some((file, lines)) => {
                let from = lines
                    .trim_end_matches(':')
                    .parse::<usize>()
                    .expect("a line number");
                let file = plain(&place.join(file));
                let text = read(file.to_str().expect("a plain name"));
                for line in text.lines().skip(from - 1) {
                    out.push_str(line);
                    out.push('\n');
                }
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

#[test]
fn what_the_book_includes_is_a_manual_without_its_title() {
    let page = with_includes("book/src/probes.md");
    assert!(!page.contains("{{#include"), "{page}");
    for &probe in Name::ALL {
        let manual = read(&format!("curriculum/probes/{}.md", probe.as_str()));
        let title = format!("# probe {}\n\n", probe.as_str());
        let body = manual
            .strip_prefix(&title)
            .expect("a manual begins with its title");
        if read("book/src/probes.md").contains(&format!("probes/{}.md:3:", probe.as_str())) {
            assert!(page.contains(body), "{}", probe.as_str());
        }
    }
}

/// Words in code in a document.
fn code_words(name: &str) -> BTreeSet<String> {
    let text = with_includes(name);
    let words = events(&text).filter_map(|event| match event {
        Event::Code(code) => Some(code.to_string()),
        _ => None,
    });
    words.collect()
}

fn keys_of(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys_of(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys_of(value, found)),
        _ => {}
    }
}

fn all_described(page: &str, words: impl IntoIterator<Item = String>) {
    let described = code_words(page);
    let missing: Vec<String> = words
        .into_iter()
        .filter(|word| !described.contains(word))
        .collect();
    assert!(missing.is_empty(), "{page} lacks {missing:?}");
}

#[test]
fn every_step_and_every_field_of_the_observation_is_described() {
    let page = "book/src/writing-exercises.md";
    all_described(page, scenario::verbs().map(str::to_owned));
    let observation = serde_json::to_value(Observation::default()).expect("plain data");
    let mut fields = BTreeSet::new();
    keys_of(&observation, &mut fields);
    assert!(fields.len() > 30, "{fields:?}");
    all_described(page, fields);
}

/// The keys that a reader of `src/curriculum/` asks a table for.
fn keys_asked_in(source: &str) -> BTreeSet<String> {
    let text = read(source);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut keys = BTreeSet::new();
    for method in [
        ".text(",
        ".texts(",
        ".table(",
        ".tables(",
        ".flag(",
        ".integer(",
        ".choice(",
        ".located_text(",
        ".free_table(",
        ".optional_text(",
        ".optional_integer(",
        ".optional_choice(",
        "expression_text(table, ",
        "expression_text(option, ",
        "expression_text(state, ",
        "template_text(table, ",
        "payload(table, ",
        "sentence(table, ",
        "words(table, ",
    ] {
        for rest in code.split(method).skip(1) {
            if let Some(key) = rest.trim_start().strip_prefix('"') {
                keys.extend(key.split('"').next().map(str::to_owned));
            }
        }
    }
    keys
}

#[test]
fn every_key_of_the_files_an_author_writes_is_described() {
    for (page, sources) in [
        (
            "book/src/writing-lessons.md",
            &[
                "lesson",
                "question/read",
                "module",
                "path",
                "misconception",
                "services",
                "services/variable",
                "guidance",
                "correction",
                "glossary",
                "project",
                "quick_reference",
                "model",
            ][..],
        ),
        (
            "book/src/writing-exercises.md",
            &["exercise", "scenario/read", "scenario/payload"],
        ),
    ] {
        let described: BTreeSet<String> = code_words(page)
            .iter()
            .flat_map(|code| code.split(|c: char| !(c.is_alphanumeric() || c == '_')))
            .map(str::to_owned)
            .collect();
        for source in sources {
            let keys = keys_asked_in(&format!("src/curriculum/{source}.rs"));
            assert!(keys.len() > 2, "{source}: {keys:?}");
            let missing: Vec<&String> = keys.difference(&described).collect();
            assert!(
                missing.is_empty(),
                "{page} lacks {missing:?} of {source}.rs"
            );
        }
    }
}

#[test]
fn every_outcome_that_a_diagnosis_asks_for_is_described() {
    let mut outcomes = BTreeSet::new();
    let directories = fs::read_dir(root().join("exercises")).expect("a directory");
    let own = directories
        .flatten()
        .map(|entry| entry.path().join("exercise.toml"))
        .filter(|path| path.is_file());
    for path in own.chain([root().join("exercises/common.toml")]) {
        let text = fs::read_to_string(path).expect("a file");
        for rest in text.split("outcome == '").skip(1) {
            outcomes.extend(rest.split('\'').next().map(str::to_owned));
        }
    }
    assert!(outcomes.len() > 5, "{outcomes:?}");
    all_described("book/src/writing-exercises.md", outcomes);
}

fn ipc_mastery(arguments: &[&str]) -> Value {
    let home = tempfile::tempdir().expect("a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(arguments)
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("XDG_STATE_HOME")
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_field_of_a_report_is_described() {
    // A program that ends at once gives a failure with all its parts.
    let report = ipc_mastery(&["check", "exercise-3", "--cmd", "true {socket}", "--json"]);
    let mut fields = BTreeSet::new();
    keys_of(&report, &mut fields);
    // The subject's own fields: which program was judged.
    for field in ["command", "kind"] {
        assert!(fields.remove(field), "{field}");
    }
    assert!(fields.len() > 25, "{fields:?}");
    all_described("book/src/check.md", fields);
}

#[test]
fn every_field_of_a_probe_is_described() {
    let fields = |value: &Value| -> Vec<String> {
        let fields = value.as_object().into_iter().flatten();
        fields.map(|(name, _)| name.clone()).collect()
    };
    let mut found = BTreeSet::new();
    for probe in ["runtime-dir", "sockets", "env"] {
        let seen = ipc_mastery(&["probe", probe, "--json"]);
        found.extend(fields(&seen));
        let rows = ["sockets", "entries", "variables"].map(|list| &seen[list]);
        let rows = rows.into_iter().filter_map(Value::as_array).flatten();
        found.extend(rows.flat_map(fields));
        found.extend(fields(&seen["directory"]));
    }
    all_described("book/src/probes.md", found);
}

/// The names of all fields, at any depth, that a JSON Schema knows.
fn fields_of(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(Value::Object(fields)) = schema.get("properties") {
        found.extend(fields.keys().cloned());
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| fields_of(part, found)),
        Value::Array(parts) => parts.iter().for_each(|part| fields_of(part, found)),
        _ => {}
    }
}

#[test]
fn every_field_that_creds_and_fds_may_have_is_described() {
    for probe in [Name::Creds, Name::Fds] {
        let mut fields = BTreeSet::new();
        fields_of(&probe_schema::of(probe), &mut fields);
        // How bytes from outside are written, the parts of device numbers, a socket type without a
        // name.
        for shared in ["text", "hex", "major", "minor", "other"] {
            fields.remove(shared);
        }
        assert!(fields.len() > 60, "{fields:?}");
        all_described("book/src/probes.md", fields);
    }
}

/// Numbers, times and runs of blanks are not compared.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    for word in line.split_whitespace() {
        let mut digits = false;
        for character in word.chars() {
            if !character.is_ascii_digit() {
                out.push(character);
            } else if !digits {
                out.push('0');
            }
            digits = character.is_ascii_digit();
        }
        out.push(' ');
    }
    out.replace("0.0 s ", "0 ms ").trim_end().to_owned()
}

/// Whether `shown` is what was printed; a line `...` stands for any lines.
fn agrees(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => {
            (0..=printed.len()).any(|skipped| agrees(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| first == line && agrees(rest, others)),
    }
}

/// The commands of a document that are marked `<!-- replayed -->`, each with what it prints.
fn transcripts(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut marked = false;
    let mut inside = false;
    for event in events(text) {
        match event {
            Event::Html(html) if html.trim() == "<!-- replayed -->" => marked = true,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                inside = marked && &*language == "console";
                assert!(inside || !marked, "only `console` blocks are replayed");
                marked = false;
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(block) if inside => {
                for line in block.lines() {
                    match line.strip_prefix("$ ") {
                        Some(command) => found.push((command.to_owned(), Vec::new())),
                        None => {
                            let last = found.last_mut().expect("a command comes first");
                            last.1.push(without_numbers(line));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn transcripts_happen() {
    let program = Path::new(env!("CARGO_BIN_EXE_ipc-mastery"));
    let mut path = program
        .parent()
        .expect("a directory")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut replayed = 0;
    for (name, text) in documents() {
        for (command, shown) in transcripts(&text) {
            if command.contains("socat") && which::which("socat").is_err() {
                eprintln!("skipped: socat is not here, which `{command}` needs");
                continue;
            }
            let home = tempfile::tempdir().expect("a directory");
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(home.path())
                .env("PATH", &path)
                .env("HOME", home.path())
                .env("NO_COLOR", "1")
                .env_remove("XDG_STATE_HOME")
                .env_remove("COLUMNS")
                .output()
                .expect("a shell");
            let output = String::from_utf8(output.stdout).expect("text");
            let printed: Vec<String> = output.lines().map(without_numbers).collect();
            assert!(
                agrees(&shown, &printed),
                "{}: `{command}` now prints\n{output}",
                name.display()
            );
            replayed += 1;
        }
    }
    assert!(replayed > 0 || which::which("socat").is_err());
}

#[test]
fn the_comparison_sees_differences() {
    let lines = |text: &str| -> Vec<String> { text.lines().map(without_numbers).collect() };
    assert!(agrees(
        &lines("a 12 ms\n...\nc"),
        &lines("a    3 ms\nb\nb\nc")
    ));
    assert!(agrees(&lines("a 12 ms"), &lines("a 1.2 s")));
    assert!(!agrees(&lines("a\n...\nc"), &lines("a\nb")));
    assert!(!agrees(&lines("a"), &lines("a\nb")));
    assert!(anchors("# What a failure shows, `x`\n").contains("what-a-failure-shows-x"));
}
