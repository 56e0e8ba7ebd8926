//! What a learner is told: the words of failures of each exercise, without what differs from run to
//! run (numbers, the timeline, and at which of two steps a connection is found broken). Which diagnosis a fault is given is proven in `exercises.rs`; how
//! a failure is set on the terminal is the affair of the drawing's own tests.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use ipc_mastery::check::starter::{self, Material};
use ipc_mastery::check::verdict::Report;
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::exercise::Exercise;
use ipc_mastery::curriculum::source::Source;

/// Programs that fail at an event and not at a deadline, so that the same is seen each time.
const TOLD: &[(&str, &[&str])] = &[
    (
        "map-the-sockets",
        &["eighth-column-python", "state-for-flags-python"],
    ),
    (
        "half-closing-client",
        &["text-input-kept-python", "always-well-python"],
    ),
    (
        "echo-server",
        &["no-stale-handling-python", "peer-of-listener-python"],
    ),
    (
        "framing",
        &["counts-header-both-python", "short-payload-answered-python"],
    ),
    (
        "back-pressure",
        &["one-copy-a-read-python", "eagain-ends-python"],
    ),
    (
        "relay",
        &["ends-with-the-first-python", "reset-is-end-python"],
    ),
    (
        "abstract-name",
        &["takes-any-name-python", "lock-file-python"],
    ),
    (
        "who-is-calling",
        &["asks-listener-python", "counts-for-claims-python"],
    ),
    (
        "stamp-each-message",
        &["binds-and-ends-python", "unpacks-anything-python"],
    ),
    (
        "authorise-commands",
        &["default-allow-python", "goes-on-python"],
    ),
    (
        "a-safe-place",
        &["directory-as-umask-says-python", "replaces-file-python"],
    ),
    (
        "datagram-replies",
        &["answers-nobody-python", "last-client-python"],
    ),
    (
        "detect-truncation",
        &["tells-what-fitted-python", "any-flag-python"],
    ),
    (
        "seqpacket-commands",
        &["splits-all-python", "ignores-truncation-python"],
    ),
    (
        "pass-a-descriptor",
        &["other-order-python", "type-unchecked-python"],
    ),
    (
        "shared-offset",
        &["opens-for-writing-python", "whole-buffer-python"],
    ),
    (
        "wait-for-an-eventfd",
        &["one-byte-python", "one-for-each-wake-python"],
    ),
    ("inbox", &["accepts-more-python", "falls-at-unknown-python"]),
    (
        "limits",
        &["bucket-of-connection-python", "size-costs-token-python"],
    ),
    (
        "socket-activation",
        &["status-of-shell-python", "somewhere-in-it-python"],
    ),
    (
        "graceful-stop",
        &["int-not-caught-python", "little-endian-python"],
    ),
    ("publish-subscribe", &["to-all-python", "error-python"]),
    (
        "broker-and-worker",
        &["strips-python", "worker-ignores-status-python"],
    ),
    (
        "many-connections",
        &["upper-case-python", "empty-is-end-python"],
    ),
    (
        "inbox-client",
        &["status-in-host-order-python", "only-prints-status-python"],
    ),
    ("inbox-service", &["stack-python", "plain-text-python"]),
    ("inbox-units", &["mode-left-out", "section-misspelt"]),
    ("split-broker", &["leaves-python", "one-process-python"]),
    (
        "kernel",
        &["reset-every-time-python", "writers-are-glued-python"],
    ),
    (
        "env-doctor",
        &["missing-is-stale-python", "always-the-server-python"],
    ),
    (
        "mini-clip",
        &["none-is-failure-python", "counts-characters-python"],
    ),
];

/// The words of a program's failure.
fn told(curriculum: &Curriculum, exercise: &Exercise, mutant: Option<&str>) -> String {
    let mut known = exercise.languages.iter().map(|id| id.value.as_str());
    let written = known.clone().find(|id| *id == "python");
    let id = written.or_else(|| known.next()).expect("a language");
    let language = curriculum.language(id).expect("it is there");
    let material = match mutant {
        None => Material::Starter,
        Some(_) => Material::Solution,
    };
    let home = tempfile::tempdir().expect("a directory");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(home.path(), open).expect("ours");
    let directory = home.path().join("program");
    fs::create_dir(&directory).expect("a directory");
    for file in starter::files(exercise, language, material) {
        fs::write(directory.join(file.name), file.bytes).expect("written");
    }
    let mutants = &exercise.proof.mutants;
    let chosen = mutant.map(|id| {
        let found = mutants.iter().find(|mutant| mutant.id.value == id);
        found.unwrap_or_else(|| panic!("{} has no mutant {id}", exercise.slug))
    });
    for edit in chosen.iter().flat_map(|mutant| &mutant.edits) {
        let path = directory.join(&edit.file);
        let text = fs::read_to_string(&path).expect("text");
        fs::write(path, text.replacen(&edit.find, &edit.replace, 1)).expect("written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["check", &exercise.slug, "--json", "--seed", "1", "--dir"])
        .arg(&directory)
        .env("XDG_STATE_HOME", home.path().join("state"))
        .env("XDG_CACHE_HOME", home.path().join("cache"))
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    let stage = report.first_failure().expect("it fails");
    let failure = stage.failure.as_ref().expect("it says why");
    let mut told = format!("stage: {}\n", stage.title);
    for (label, text) in [
        ("rule", failure.requirement.clone()),
        ("cause", failure.cause.clone()),
        ("look", failure.look.clone()),
        ("by hand", failure.by_hand.clone()),
    ] {
        writeln!(told, "{label}: {text}").expect("a String takes all");
    }
    steady(&told.replace(&*directory.to_string_lossy(), "PROGRAM"))
}

/// Without numbers, and with the names of private directories made alike.
fn steady(text: &str) -> String {
    const PRIVATE: &str = "/tmp/ipcm-";
    const DRAWN: usize = 6;
    let mut parts = text.split(PRIVATE);
    let mut alike = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        alike.push_str("/tmp/ARENA");
        alike.extend(part.chars().skip(DRAWN));
    }
    let mut steady = String::new();
    let mut number = false;
    for character in alike.chars() {
        let digit = character.is_ascii_digit();
        match (digit, number) {
            (false, _) => steady.push(character),
            (true, false) => steady.push('#'),
            (true, true) => {}
        }
        number = digit;
    }
    steady
}

#[test]
fn failures_read_as_a_tutor_would_say_them() {
    let curriculum = Curriculum::load(&Source::Embedded).expect("it loads");
    let tell = |exercise: &Exercise| {
        let chosen = TOLD.iter().find(|(slug, _)| *slug == exercise.slug);
        let (_, mutants) = chosen.unwrap_or_else(|| panic!("{} tells nothing", exercise.slug));
        let mut all = told(&curriculum, exercise, None);
        for mutant in *mutants {
            all += &format!("\n--- {mutant}\n\n");
            all += &told(&curriculum, exercise, Some(mutant));
        }
        all
    };
    // Each exercise on a thread of its own: most of the time something is waited for.
    let all: Vec<String> = std::thread::scope(|scope| {
        let tell = &tell;
        let begin = |exercise| scope.spawn(move || tell(exercise));
        let begun: Vec<_> = curriculum.exercises.iter().map(begin).collect();
        let ends = begun.into_iter().map(|one| one.join().expect("it is told"));
        ends.collect()
    });
    for (exercise, all) in curriculum.exercises.iter().zip(all) {
        insta::assert_snapshot!(exercise.slug.clone(), all);
    }
}
