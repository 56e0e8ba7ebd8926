//! What people read is spelt right: prose of documents, lessons and exercises, by hunspell's British
//! dictionary and the words in `.ci/words.txt`. Code, links and names in capitals are not looked at;
//! and a word that is code in one place (the name of a call, say) is no mistake in another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use toml::{Table, Value};

/// Our own words: those of the trade, and names.
const WORDS: &str = ".ci/words.txt";

/// Keys of payloads: bytes that are sent and must come.
const PAYLOADS: &[&str] = &["data", "back", "stdin", "holds", "then", "refused"];

/// Keys of TOML files whose strings are prose.
const PROSE: [&str; 23] = [
    "answer",
    "asks",
    "belief",
    "believed",
    "fact",
    "intro",
    "look",
    "meaning",
    "otherwise",
    "pace",
    "prompt",
    "reason",
    "requirement",
    "say",
    "says",
    "show",
    "source",
    "story",
    "summary",
    "text",
    "think",
    "title",
    "topics",
];

/// The files below a directory that end so; programs of exercises are no prose.
fn files(directory: &str, endings: &[&str]) -> Vec<PathBuf> {
    fn walk(directory: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let code = ["starter", "solution", "languages", "target", "images"];
            if path.is_dir() && !code.iter().any(|it| name == *it) {
                walk(&path, endings, found);
            } else if path
                .extension()
                .is_some_and(|it| endings.iter().any(|&end| it == end))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(directory), endings, &mut found);
    found
}

/// Prose, and what stands beside it as code.
#[derive(Default)]
struct Read {
    prose: String,
    code: String,
}

impl Read {
    /// Takes markdown: its text without slots, templates and HTML.
    fn markdown(&mut self, markdown: &str) {
        let mut plain = markdown.to_owned();
        for (open, close) in [("{{", "}}"), ("{%", "%}")] {
            while let Some((before, rest)) = plain.split_once(open) {
                let after = rest.split_once(close).map_or("", |(_, after)| after);
                plain = format!("{before} {after}");
            }
        }
        let mut block = false;
        for event in Parser::new_ext(&plain, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => block = true,
                Event::End(TagEnd::CodeBlock) => block = false,
                Event::Text(text) if !block => self.prose.push_str(&text),
                Event::Text(code) | Event::Code(code) => {
                    self.code.push_str(&code);
                    self.code.push('\n');
                    // What is written without a blank between is no word.
                    self.prose.push('_');
                }
                Event::SoftBreak | Event::HardBreak | Event::End(_) => self.prose.push('\n'),
                _ => {}
            }
        }
    }

    /// Takes a value of a TOML file: prose under some keys, code under the others.
    fn toml(&mut self, value: &Value, key: &str) {
        match value {
            // What a payload is made of is code, whatever its keys.
            Value::Table(table) if PAYLOADS.contains(&key) => {
                table.values().for_each(|value| self.toml(value, key));
            }
            Value::Table(table) => {
                for (key, value) in table {
                    match PAYLOADS.contains(&key.as_str()) {
                        true => self.toml(value, PAYLOADS[0]),
                        false => self.toml(value, key),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.toml(value, key)),
            Value::String(text) if PROSE.contains(&key) => {
                self.markdown(text);
                self.prose.push('\n');
            }
            Value::String(text) => {
                self.code.push_str(text);
                self.code.push('\n');
            }
            _ => {}
        }
    }
}

/// The words of a text. What has digits or signs in it is a name, and so is what has a capital
/// after its first letter.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split(|c: char| c.is_whitespace() || "—–…,;:!?()[]\"*“”".contains(c));
    let words = pieces.flat_map(|piece| {
        let piece = piece.trim_matches(|c: char| !c.is_alphanumeric() && !"_/@$%\\".contains(c));
        let piece = piece.strip_suffix("'s").unwrap_or(piece);
        let is_name = |c: char| !(c.is_alphabetic() || c == '-' || c == '\'' || c == '’');
        (!piece.contains(is_name))
            .then(|| piece.split('-'))
            .into_iter()
            .flatten()
    });
    words.filter(|word| {
        let capital = word.chars().skip(1).any(char::is_uppercase);
        word.chars().count() > 1 && word.is_ascii() && !capital
    })
}

/// Every word, with a file that has it; but none that is code somewhere.
fn read_all() -> BTreeMap<String, PathBuf> {
    let mut documents = files("book/src", &["md"]);
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        documents.push(name.into());
    }
    for directory in ["curriculum", "exercises"] {
        documents.extend(files(directory, &["md", "toml"]));
    }
    let mut found = BTreeMap::new();
    let mut names = BTreeSet::new();
    for file in documents {
        let text = fs::read_to_string(&file).expect("a file");
        let mut read = Read::default();
        match file.extension().is_some_and(|it| it == "toml") {
            true => {
                let table: Table = text.parse().expect("TOML");
                read.toml(&Value::Table(table), "");
            }
            false => read.markdown(&text),
        }
        let code = read.code.split(|c: char| !c.is_ascii_alphanumeric());
        names.extend(code.map(str::to_owned));
        for word in words(&read.prose) {
            found.entry(word.to_owned()).or_insert_with(|| file.clone());
        }
    }
    // One letter many times is an example of a length.
    let length = |word: &str| word.chars().all(|letter| word.starts_with(letter));
    found.retain(|word, _| {
        !names.contains(word) && !names.contains(&word.to_lowercase()) && !length(word)
    });
    found
}

/// The words of a list that hunspell does not know. `None` when it, or its dictionary, is not here.
fn unknown<'a>(words: impl Iterator<Item = &'a str>) -> Option<BTreeSet<String>> {
    let mut hunspell = Command::new("hunspell")
        .args(["-d", "en_GB", "-l"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = hunspell.stdin.take()?;
    let list: String = words.map(|word| format!("{word}\n")).collect();
    let writer = std::thread::spawn(move || drop(input.write_all(list.as_bytes())));
    let output = hunspell.wait_with_output().ok()?;
    writer.join().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.lines().map(str::to_owned).collect())
}

#[test]
fn what_people_read_is_spelt_right() {
    let found = read_all();
    assert!(found.len() > 1000, "{}", found.len());
    let own = fs::read_to_string(WORDS).expect("our words");
    let own: BTreeSet<&str> = own.lines().filter(|line| !line.starts_with('#')).collect();
    let Some(unknown) = unknown(found.keys().map(String::as_str)) else {
        eprintln!("skipped: hunspell and its British dictionary are not installed");
        return;
    };
    let wrong: Vec<String> = unknown
        .iter()
        .filter(|word| !own.contains(word.as_str()) && !own.contains(word.to_lowercase().as_str()))
        .map(|word| format!("{word} ({})", found[word.as_str()].display()))
        .collect();
    assert!(
        wrong.is_empty(),
        "spelt wrong, or missing in {WORDS}:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_wrong_word_is_found() {
    let mut read = Read::default();
    read.markdown("A *sockett* in `kode`, [linkd](nowhere.md) {{ obs.a.n }} at /run/usr.\n");
    assert_eq!(read.code, "kode\n");
    let words: BTreeSet<&str> = words(&read.prose).collect();
    assert_eq!(words, BTreeSet::from(["at", "in", "linkd", "sockett"]));
    if let Some(unknown) = unknown(words.into_iter()) {
        assert!(unknown.contains("sockett") && !unknown.contains("in"));
    }
}
