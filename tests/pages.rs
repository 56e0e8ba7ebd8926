//! The pages to look things up in: corrections answer the whole audit, their mistakes are found, and
//! `read` prints every page at every width.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ipc_mastery::curriculum::correction::Home;
use ipc_mastery::curriculum::pages::Pages;
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::{Curriculum, LoadError};
use ipc_mastery::render::markdown::{Document, Layout};
use ipc_mastery::render::pages::{Medium, corrections, glossary, quick_reference};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ipc-mastery");

fn shipped() -> (Curriculum, Pages) {
    let curriculum = Curriculum::load(&Source::Embedded).expect("a sound curriculum");
    let pages = Pages::load(&Source::Embedded, &curriculum).expect("sound pages");
    (curriculum, pages)
}

/// The rows of the claim audit that were judged false, imprecise or outdated.
const JUDGED_WRONG: [u32; 133] = [
    1, 2, 3, 5, 7, 9, 11, 13, 14, 15, 17, 18, 19, 21, 26, 28, 29, 30, 31, 32, 34, 36, 37, 39, 40,
    42, 43, 45, 46, 47, 48, 51, 54, 55, 57, 60, 61, 62, 63, 65, 66, 67, 69, 70, 71, 72, 73, 74, 75,
    76, 77, 78, 79, 80, 81, 82, 87, 88, 89, 90, 91, 93, 94, 95, 98, 99, 100, 101, 102, 103, 104,
    106, 107, 108, 109, 110, 111, 114, 115, 116, 117, 119, 120, 121, 122, 124, 125, 126, 127, 128,
    129, 130, 132, 134, 137, 138, 141, 142, 145, 147, 148, 150, 151, 153, 156, 158, 160, 161, 163,
    168, 169, 170, 171, 172, 173, 177, 178, 179, 182, 183, 184, 187, 189, 190, 196, 198, 200, 202,
    206, 209, 211, 212, 214,
];

#[test]
fn every_wrong_row_of_the_audit_has_one_home() {
    let (_, pages) = shipped();
    let all = pages.corrections.corrections.iter();
    let answered: Vec<u32> = all.flat_map(|it| it.audit.iter().copied()).collect();
    let rows: BTreeSet<u32> = answered.iter().copied().collect();
    assert_eq!(rows, BTreeSet::from(JUDGED_WRONG));
    assert_eq!(answered.len(), rows.len(), "a row is answered twice");
}

#[test]
fn corrections_have_homes_of_every_kind() {
    let (_, pages) = shipped();
    let mut kinds = [0; 4];
    for correction in &pages.corrections.corrections {
        kinds[match correction.home {
            Home::Lesson { .. } => 0,
            Home::Exercise { .. } => 1,
            Home::Trace(_) => 2,
            Home::Later(_) => 3,
        }] += 1;
    }
    eprintln!("lessons, exercises, traces, later: {kinds:?}");
    assert!(kinds.iter().all(|&count| count > 3), "{kinds:?}");
}

/// Copies the small pack, gives it these corrections, and says what is wrong with them.
fn mistakes(text: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let copied = Command::new("cp")
        .args(["-r", "tests/fixtures/small-pack/."])
        .arg(directory.path())
        .status();
    assert!(copied.expect("cp runs").success());
    let file = directory.path().join("curriculum/corrections.toml");
    fs::write(file, text).expect("the file is written");
    let source = Source::Directory(directory.path().to_owned());
    let curriculum = Curriculum::load(&source).expect("a sound pack");
    let Err(LoadError::Problems(problems)) = Pages::load(&source, &curriculum) else {
        return Vec::new();
    };
    let of_file = |name: &str| name == "curriculum/corrections.toml";
    let problems = problems.0.into_iter().filter(|it| of_file(&it.file.name));
    problems
        .map(|problem| {
            let line = problem.line().expect("a line");
            let help = problem.help.unwrap_or_default();
            format!("{line}: {}. {help}", problem.message)
        })
        .collect()
}

const HEAD: &str =
    "format = 1\n[[correction]]\nid = \"one\"\nbelieved = \"So.\"\nfact = \"Not so.\"\n";

#[test]
fn a_home_that_is_not_there_is_a_mistake_with_its_place() {
    let of = |home: &str| mistakes(&format!("{HEAD}{home}\n"));
    assert_eq!(
        of("lesson = \"two-end\"\nclaims = [\"c\"]"),
        ["6: there is no lesson `two-end`. Did you mean `two-ends`?"]
    );
    assert_eq!(
        of("lesson = \"two-ends\"\nclaims = [\"ends-en\"]"),
        [
            "7: the lesson `two-ends` has no claim `ends-en`. `ipc-mastery try --all` names the claims of `two-ends`."
        ]
    );
    assert_eq!(
        of("exercise = \"echo\""),
        ["6: there is no exercise `echo`. "]
    );
    assert_eq!(
        of("trace = \"all-socket-call\""),
        ["6: there is no trace `all-socket-call`. Did you mean `all-socket-calls`?"]
    );
    assert_eq!(
        of("later = \"pipes\""),
        ["6: there is no later lesson `pipes`. "]
    );
}

#[test]
fn two_corrections_of_one_name_and_a_lesson_that_is_written_are_mistakes() {
    let later = |name: &str| format!("[[later]]\nname = \"{name}\"\ntitle = \"t\"\n");
    let text = format!(
        "{HEAD}later = \"pipes\"\n{}{}",
        later("pipes"),
        HEAD.trim_start_matches("format = 1\n")
    ) + "later = \"pipes\"\n";
    assert_eq!(mistakes(&text), ["11: correction `one` occurs twice. "]);
    let text = format!("{HEAD}later = \"two-ends\"\n{}", later("two-ends"));
    assert_eq!(
        mistakes(&text),
        [
            "8: the lesson `two-ends` is written. Give its corrections `lesson` and `claims` instead of `later`."
        ]
    );
    let text = format!("format = 1\n{}", later("pipes"));
    assert_eq!(
        mistakes(&text),
        ["3: no correction waits for `pipes`. Remove this table."]
    );
}

#[test]
fn a_pack_without_pages_has_those_that_are_built_in_but_no_corrections() {
    let source = Source::Directory(Path::new("tests/fixtures/small-pack").to_owned());
    let curriculum = Curriculum::load(&source).expect("a sound pack");
    let pages = Pages::load(&source, &curriculum).expect("sound pages");
    assert!(pages.glossary.len() > 50);
    assert!(pages.quick_reference.calls.len() > 15);
    assert!(pages.corrections.corrections.is_empty());
    let medium = Medium::Terminal { release: "6.1" };
    let text = glossary(&pages.glossary, &curriculum, medium);
    assert!(
        !text.contains("ipc-mastery read"),
        "a lesson that it does not have"
    );
}

#[test]
fn every_page_fits_every_width() {
    let (curriculum, pages) = shipped();
    let medium = Medium::Terminal { release: "6.18.44" };
    for text in [
        quick_reference(&pages.quick_reference, &curriculum, medium),
        glossary(&pages.glossary, &curriculum, medium),
        corrections(&pages, &curriculum, medium),
    ] {
        let document = Document::parse(&text);
        for width in [20, 40, 80, 132] {
            for line in &document.layout(Layout::new(width)).text.lines {
                assert!(line.width() <= width, "at {width}: {}", line.plain());
            }
        }
    }
}

#[test]
fn a_page_that_is_not_there_has_a_near_name() {
    let output = read(&["glosary"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("Did you mean `glossary`?"), "{said}");
}

fn read(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .arg("read")
        .args(arguments)
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1");
    command.output().expect("the program runs")
}

#[test]
fn read_prints_every_page() {
    for (page, words) in [
        (
            "quick-reference",
            [
                "Quick reference",
                "int receive_descriptor(int socket)",
                "strace -f -yy",
            ],
        ),
        (
            "glossary",
            ["Glossary", "open file description", "man 7 unix"],
        ),
        (
            "corrections",
            ["Corrections", "Often said:", "For a later lesson"],
        ),
        (
            "inbox-project",
            [
                "The Inbox",
                "Review before you build (open)",
                "ipc-mastery start inbox-units",
            ],
        ),
        (
            "broker-project",
            [
                "The Broker",
                "ipc-mastery start split-broker",
                "Exercise 37",
            ],
        ),
    ] {
        let output = read(&[page]);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("text");
        for word in words {
            assert!(text.contains(word), "{page}: {word}\n{text}");
        }
    }
}

#[test]
fn the_quick_reference_links_to_the_source_of_the_running_kernel() {
    let (curriculum, pages) = shipped();
    let of = |medium| quick_reference(&pages.quick_reference, &curriculum, medium);
    let terminal = of(Medium::Terminal {
        release: "6.12.1-amd64",
    });
    assert!(terminal.contains("https://elixir.bootlin.com/linux/v6.12/A/ident/NAME"));
    let book = of(Medium::Book);
    assert!(book.contains("https://elixir.bootlin.com/linux/latest/A/ident/unix_stream_connect"));
}
