//! The proof of the exercises: starters fail kindly, solutions pass, every mutant is told exactly
//! what is wrong with it, by the real binary.
//!
//! Of an exercise's mutants with the same diagnosis one is judged, in the stage in which it must fail,
//! after those that this one depends on; and none in a language whose programs take longer to build
//! than to judge. Of these, one third: `IPC_MASTERY_PART=1` and `=2` take the others, and a change that is to
//! land the third that its number in the history says. `IPC_MASTERY_ALL=1` judges all of them, in all stages up to the first that fails,
//! which must be that one. Each stage is run once: `told` and `check` have the runs that explain
//! a failure. `IPC_MASTERY_REPEAT=N` repeats the whole matrix and reports every verdict that changed:
//! `IPC_MASTERY_ALL=1 IPC_MASTERY_REPEAT=20 cargo test --release --test exercises -- --ignored`.
//! `IPC_MASTERY_ONLY=WORD,WORD` leaves out the programs whose name contains none of the words; names
//! are `echo-server/slow-c`. With `IPC_MASTERY_TURN=N` one mutant of each diagnosis is judged, another
//! one each turn. `IPC_MASTERY_TOLD=FILE` appends a line for each program: its name, the stage in which
//! it failed, and the diagnosis.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use ipc_mastery::check::starter::{self, Material};
use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::exercise::{Diagnosis, Exercise, Language, Mutant};
use ipc_mastery::curriculum::source::Source;
use nix::unistd::Uid;
use serde_json::{Value, json};

/// Checks at the same time: most of their time is waiting for something that does not come.
/// `IPC_MASTERY_AT_ONCE` says otherwise.
fn at_once() -> usize {
    let wish = std::env::var("IPC_MASTERY_AT_ONCE").ok();
    wish.and_then(|wish| wish.parse().ok()).unwrap_or(12)
}

/// In how many parts the mutants are judged.
const PARTS: usize = 3;

/// Why what the supervisor does to any program has no mutant in an exercise.
const BOUNDS: &str = "a bound of the supervisor, no fault of an exercise";

/// Diagnoses without a mutant, each with the reason.
const UNPROVEN: &[(&str, &str)] = &[
    ("limit-memory", BOUNDS),
    ("limit-processes", BOUNDS),
    ("limit-disk", BOUNDS),
    ("limit-files", BOUNDS),
    ("limit-output", BOUNDS),
    ("limit-cpu", BOUNDS),
    ("stopped", BOUNDS),
    ("second-stopped", BOUNDS),
    ("other-server", "needs a third party that binds in between"),
    ("other-socket-type", "exercise 3 has its own: not-a-stream"),
    (
        "bound-not-listening",
        "exercise 3 has its own: listen-missing",
    ),
    ("too-much-memory", "no exercise has such a stage yet"),
    ("no-answer", "only where /proc is not readable"),
    ("not-as-told", "the last resort"),
];

fn curriculum() -> Curriculum {
    match Curriculum::load(&Source::Embedded) {
        Ok(curriculum) => curriculum,
        Err(error) => panic!("the embedded curriculum does not load: {error}"),
    }
}

/// Contents by name.
type Files = BTreeMap<String, Vec<u8>>;

/// Told by the system calls of a second run, so never judged with `--once`: of an exercise's
/// mutants, those with this diagnosis.
const NEEDS_A_TRACE: &[(&str, &str)] = &[("echo-server", "needs-a-descriptor")];

/// A program to check, and what must come of it.
#[derive(Clone)]
struct Case {
    exercise: String,
    id: String,
    files: Files,
    /// A diagnosis's id, or `pass`.
    expect: String,
    /// The stage in which it must fail first, where that is told.
    stage: Option<String>,
    /// Whether it is judged in that stage alone.
    only_there: bool,
    /// What is said to be wrong with a mutant, whatever its language and how: exercise and diagnosis.
    fault: Option<String>,
    /// Whether it is a mutant whose build takes longer than all the rest of its check.
    slow_to_build: bool,
}

impl Case {
    fn is_mutant(&self) -> bool {
        !(self.id.starts_with("solution-") || self.id.starts_with("starter-"))
    }

    /// A number that stays the same when others come and go.
    fn number(&self) -> usize {
        let name = self.exercise.bytes().chain(self.id.bytes());
        name.fold(7, |number: usize, byte| {
            number.wrapping_mul(31).wrapping_add(usize::from(byte)) % 65_521
        })
    }
}

/// The program's files as `start` lays them out.
fn lay_out(exercise: &Exercise, language: &Language, material: Material) -> Files {
    let files = starter::files(exercise, language, material);
    files
        .into_iter()
        .map(|file| (file.name, file.bytes.into_owned()))
        .collect()
}

fn cases(curriculum: &Curriculum) -> Vec<Case> {
    let mut cases = Vec::new();
    for exercise in &curriculum.exercises {
        let case = |id: String, lang: &str, kind: Material, expect: &str| Case {
            exercise: exercise.slug.clone(),
            id,
            files: lay_out(exercise, curriculum.language(lang).expect("known"), kind),
            expect: expect.to_owned(),
            stage: None,
            only_there: false,
            fault: None,
            slow_to_build: false,
        };
        for lang in &exercise.languages {
            let lang = &lang.value;
            if let Some(diagnosis) = &exercise.proof.starter {
                let id = format!("starter-{lang}");
                cases.push(case(id, lang, Material::Starter, &diagnosis.value));
            }
            cases.push(case(
                format!("solution-{lang}"),
                lang,
                Material::Solution,
                Mutant::PASS,
            ));
        }
        for mutant in &exercise.proof.mutants {
            let id = mutant.id.value.clone();
            let mut mutated = case(
                id,
                &mutant.lang.value,
                Material::Solution,
                &mutant.expect.value,
            );
            for edit in &mutant.edits {
                let bytes = mutated
                    .files
                    .get_mut(&edit.file)
                    .expect("a file of the solution");
                let text = String::from_utf8_lossy(bytes);
                *bytes = text.replacen(&edit.find, &edit.replace, 1).into_bytes();
            }
            // A compiler that has to be prepared takes its time.
            let language = curriculum.language(&mutant.lang.value).expect("known");
            mutated.slow_to_build = !language.prepare.is_empty();
            let fault = format!("{} {}", exercise.slug, mutant.expect.value);
            mutated.stage = mutant.stage.as_ref().map(|stage| stage.value.clone());
            mutated.fault = (mutant.expect.value != Mutant::PASS).then_some(fault);
            cases.push(mutated);
        }
    }
    if let Ok(only) = std::env::var("IPC_MASTERY_ONLY") {
        cases.retain(|case| {
            let name = format!("{}/{}", case.exercise, case.id);
            only.split(',').any(|word| name.contains(word))
        });
    }
    let turn = std::env::var("IPC_MASTERY_TURN").ok();
    let whole = ["IPC_MASTERY_ALL", "IPC_MASTERY_ONLY"];
    if let Some(turn) = turn.and_then(|turn| turn.parse().ok()) {
        retain_one_of_each_diagnosis(&mut cases, turn);
    } else if whole.iter().all(|name| std::env::var_os(name).is_none()) {
        cases.retain(|case| !case.slow_to_build);
        // Who is judged in one stage takes less time than who is judged in all.
        let told = cases.iter().filter(|case| case.stage.is_some());
        let told: BTreeSet<_> = told.filter_map(|case| case.fault.clone()).collect();
        let is_quick = |case: &Case| case.stage.is_some();
        cases.retain(|case| {
            let replaced = case
                .fault
                .as_ref()
                .is_some_and(|fault| told.contains(fault));
            is_quick(case) || !replaced
        });
        retain_one_of_each_diagnosis(&mut cases, 0);
        let part = std::env::var("IPC_MASTERY_PART").ok();
        let part: usize = part.and_then(|part| part.parse().ok()).unwrap_or(0);
        cases.retain(|case| !case.is_mutant() || case.number() % PARTS == part % PARTS);
        for case in &mut cases {
            case.only_there = case.stage.is_some();
        }
    }
    cases
}

/// Of mutants with the same diagnosis keeps one; which, its name and the turn decide, so that all
/// languages have their share.
fn retain_one_of_each_diagnosis(cases: &mut Vec<Case>, turn: usize) {
    let mut kept = BTreeSet::new();
    let mut faults: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        match &case.fault {
            Some(fault) => faults.entry(fault).or_default().push(index),
            None => drop(kept.insert(index)),
        }
    }
    for (fault, members) in faults {
        let of_name = fault.bytes().map(usize::from).sum::<usize>();
        kept.insert(members[(of_name + turn) % members.len()]);
    }
    let mut index = 0..;
    cases.retain(|_| index.next().is_some_and(|at| kept.contains(&at)));
}

/// What a check said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    /// The first diagnosis, or `pass`, or why there is no report.
    first: String,
    /// The stage it was made in, or `build`.
    stage: String,
    /// Its words.
    cause: String,
    /// Whether every stage passed, the bonus too.
    everything: bool,
    /// Whether a stage needs another user, whom only root can play.
    unjudged: bool,
}

impl Said {
    /// Whether it is what must come of a case. An ordinary user sees no fault that only another
    /// user meets; root sees them all.
    fn is(&self, case: &Case) -> bool {
        let unseen = self.unjudged && !Uid::effective().is_root();
        let nothing_found = self.first == Mutant::PASS;
        let elsewhere = case
            .stage
            .as_ref()
            .is_some_and(|stage| *stage != self.stage);
        match case.expect.as_str() {
            Mutant::PASS => nothing_found && (self.everything || unseen),
            diagnosis => (self.first == diagnosis && !elsewhere) || (nothing_found && unseen),
        }
    }
}

/// A home of its own for whoever runs a check, so that no progress of the real user is touched: one for
/// each exercise, since what is remembered of all would have to be read each time. Compiled dependencies
/// stay from run to run.
fn check(arguments: &[&str]) -> (Option<i32>, Value) {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .arg("check")
        .args(arguments)
        .arg("--json")
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .env("XDG_STATE_HOME", scratch.join("state").join(arguments[0]))
        .output()
        .expect("the program runs");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        json!({ "no report": words })
    });
    (output.status.code(), report)
}

fn said((code, report): (Option<i32>, Value)) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let stages = report["stages"].as_array().cloned().unwrap_or_default();
    let passed = |stage: &Value| stage["verdict"] == "pass";
    let unjudged = |stage: &Value| stage["verdict"] == "cannot-judge";
    let failed =
        |stage: &&Value| !passed(stage) && !unjudged(stage) && stage["verdict"] != "not-judged";
    let required = stages.iter().filter(|stage| stage["bonus"] == false);
    let first = required
        .clone()
        .find(failed)
        .or_else(|| stages.iter().find(failed));
    let (stage, failure, code_due) = match (&report["build"], first) {
        (build @ Value::Object(_), _) => ("build".to_owned(), build.clone(), 1),
        (_, Some(stage)) => {
            let code = match required.clone().any(|stage| failed(&stage)) {
                true => 1,
                false if required.clone().any(unjudged) => 3,
                false => 0,
            };
            (text(&stage["id"]), stage["failure"].clone(), code)
        }
        _ if required.clone().any(unjudged) => (String::new(), Value::Null, 3),
        _ => (String::new(), Value::Null, 0),
    };
    let first = match &failure {
        _ if stages.is_empty() && stage.is_empty() => format!("no report: {report}"),
        _ if code != Some(code_due) => format!("exit code {code:?}, not {code_due}"),
        Value::Null => Mutant::PASS.to_owned(),
        failure => text(&failure["diagnosis"]),
    };
    Said {
        first,
        stage,
        cause: text(&failure["cause"]),
        everything: !stages.is_empty() && stages.iter().all(passed),
        unjudged: stages.iter().any(unjudged),
    }
}

/// Lays a case out where it was last time, so that what did not change is not built again.
fn check_case(case: &Case) -> Said {
    let programs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    let directory = programs.join(&case.exercise).join(&case.id);
    for (name, bytes) in &case.files {
        let path = directory.join(name);
        if fs::read(&path).is_ok_and(|there| there == *bytes) {
            continue;
        }
        fs::create_dir_all(path.parent().expect("below the directory")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    let directory = directory.to_string_lossy();
    let mut arguments = vec![&case.exercise, "--dir", &*directory, "--fail-fast"];
    if !NEEDS_A_TRACE.contains(&(&case.exercise, &case.expect)) {
        arguments.push("--once");
    }
    if let (Some(stage), true) = (&case.stage, case.only_there) {
        arguments.extend(["--stage", stage]);
    }
    said(check(&arguments))
}

/// Appends what was said to the file that is asked for, if one is.
fn keep(cases: &[Case], results: &[Said]) {
    let Some(path) = std::env::var_os("IPC_MASTERY_TOLD") else {
        return;
    };
    let mut told = String::new();
    for (case, said) in cases.iter().zip(results) {
        let Case { exercise, id, .. } = case;
        writeln!(told, "{exercise}/{id}\t{}\t{}", said.stage, said.first).expect("a String");
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).append(true).open(path).expect("open");
    file.write_all(told.as_bytes()).expect("written");
}

/// Checks all cases, several at a time, in their order.
fn check_all(cases: &[Case]) -> Vec<Said> {
    let next = Mutex::new(0..cases.len());
    let results = Mutex::new(vec![None; cases.len()]);
    thread::scope(|scope| {
        for _ in 0..at_once() {
            scope.spawn(|| {
                while let Some(index) = { next.lock().expect("no panic").next() } {
                    let said = check_case(&cases[index]);
                    results.lock().expect("no panic")[index] = Some(said);
                }
            });
        }
    });
    let results = results.into_inner().expect("no panic").into_iter();
    let results: Vec<Said> = results.map(|said| said.expect("checked")).collect();
    keep(cases, &results);
    results
}

/// One line for each case that went wrong.
fn table(cases: &[Case], results: &[Said]) -> String {
    let mut table = String::new();
    for (case, said) in cases.iter().zip(results) {
        if !said.is(case) {
            let line = format!(
                "{:32} expected {:24} in {:14} got {:24} in {:14} {}",
                case.id,
                case.expect,
                case.stage.as_deref().unwrap_or("any stage"),
                said.first,
                said.stage,
                said.cause
            );
            writeln!(table, "{line}").expect("writing to a String cannot fail");
        }
    }
    table
}

#[test]
fn starters_fail_kindly_solutions_pass_and_every_mutant_gets_its_diagnosis() {
    let cases = cases(&curriculum());
    let wrong = table(&cases, &check_all(&cases));
    assert!(wrong.is_empty(), "of {} programs:\n{wrong}", cases.len());
}

#[test]
#[ignore = "repeats the whole matrix IPC_MASTERY_REPEAT times"]
fn verdicts_do_not_change_from_run_to_run() {
    let times = std::env::var("IPC_MASTERY_REPEAT").ok();
    let times: usize = times.and_then(|times| times.parse().ok()).unwrap_or(3);
    let cases = cases(&curriculum());
    let mut wrong = String::new();
    for round in 1..=times {
        let found = table(&cases, &check_all(&cases));
        eprintln!(
            "round {round}: {} of {} changed",
            found.lines().count(),
            cases.len()
        );
        if !found.is_empty() {
            eprint!("{found}");
            writeln!(wrong, "round {round}:\n{found}").expect("writing to a String cannot fail");
        }
    }
    assert!(
        wrong.is_empty(),
        "of {times} rounds, {} programs each:\n{wrong}",
        cases.len()
    );
}

#[test]
fn every_edit_of_a_mutant_matches_exactly_once() {
    for exercise in &curriculum().exercises {
        for mutant in &exercise.proof.mutants {
            for edit in &mutant.edits {
                let name = format!("{}/{}", mutant.lang.value, edit.file);
                let file = exercise.file_of_solution(&name);
                let bytes = &file.unwrap_or_else(|| panic!("no {name}")).bytes;
                let count = String::from_utf8_lossy(bytes).matches(&edit.find).count();
                assert_eq!(count, 1, "{}: {:?}", mutant.id.value, edit.find);
            }
            assert!(
                !mutant.edits.is_empty(),
                "{} changes nothing",
                mutant.id.value
            );
        }
    }
}

/// Diagnoses and rules of an exercise are proven by its own mutants; those that all exercises share
/// are proven by any.
#[test]
fn every_rule_is_broken_by_a_mutant_and_every_diagnosis_is_proven_or_says_why_not() {
    let curriculum = curriculum();
    let mut proven_anywhere = BTreeSet::new();
    for exercise in &curriculum.exercises {
        let slug = &exercise.slug;
        let proof = &exercise.proof;
        let proven: BTreeSet<&str> = proof
            .mutants
            .iter()
            .map(|mutant| mutant.expect.value.as_str())
            .chain(proof.starter.iter().map(|starter| starter.value.as_str()))
            .collect();
        for diagnosis in &exercise.diagnoses {
            let id = diagnosis.id.value.as_str();
            assert!(proven.contains(id), "{slug}: no mutant is told `{id}`");
        }
        let broken = rules_of(exercise.diagnoses.iter(), &proven);
        for rule in &exercise.rules {
            let id = rule.id.value.as_str();
            assert!(broken.contains(id), "{slug}: no mutant breaks `{id}`");
        }
        proven_anywhere.extend(proven);
    }
    for diagnosis in &curriculum.common.diagnoses {
        let id = diagnosis.id.value.as_str();
        let excused = UNPROVEN.iter().any(|(unproven, _)| *unproven == id);
        assert_ne!(proven_anywhere.contains(id), excused, "shared `{id}`");
    }
    let excused = UNPROVEN.iter().map(|(unproven, _)| *unproven);
    proven_anywhere.extend(excused);
    let broken = rules_of(curriculum.common.diagnoses.iter(), &proven_anywhere);
    for rule in &curriculum.common.rules {
        let id = rule.id.value.as_str();
        assert!(broken.contains(id), "nothing breaks the shared `{id}`");
    }
}

/// The rules of those diagnoses that are proven.
fn rules_of<'a>(
    diagnoses: impl Iterator<Item = &'a Diagnosis>,
    proven: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    diagnoses
        .filter(|diagnosis| proven.contains(diagnosis.id.value.as_str()))
        .map(|diagnosis| diagnosis.rule.value.as_str())
        .collect()
}

/// A sentence without the words of its template's tags: what they choose from is not read at once.
fn outside_tags(text: &str) -> String {
    let mut parts = text.split("{%");
    let first = parts.next().unwrap_or_default().to_owned();
    let shown = parts.map(|part| part.split_once("%}").map_or("", |(_, shown)| shown));
    let without = first + &shown.collect::<String>();
    let mut parts = without.split("{{");
    let first = parts.next().unwrap_or_default().to_owned();
    let shown = parts.map(|part| part.split_once("}}").map_or("", |(_, shown)| shown));
    first + &shown.map(|shown| format!("…{shown}")).collect::<String>()
}

/// Hints and diagnosis sentences stay within what a reader takes in at a glance.
#[test]
fn hints_and_diagnosis_sentences_keep_to_their_length() {
    let curriculum = curriculum();
    let words = |text: &str| outside_tags(text).split_whitespace().count();
    for exercise in &curriculum.exercises {
        for stage in &exercise.stages {
            let id = &stage.id.value;
            let (look, think) = (words(&stage.hints.look), words(&stage.hints.think));
            assert!(
                look <= 45 && think <= 45,
                "{id}: Look {look}, Think {think} words"
            );
            assert!(stage.hints.show.lines().count() <= 15, "{id}: Show");
        }
    }
    let own = curriculum
        .exercises
        .iter()
        .flat_map(|exercise| &exercise.diagnoses);
    for diagnosis in own.chain(&curriculum.common.diagnoses) {
        for text in [&diagnosis.say, &diagnosis.look] {
            assert!(
                words(text) <= 50,
                "{}: {} words",
                diagnosis.id.value,
                words(text)
            );
        }
    }
}

/// What a client that everybody uses is told: the stages it fails, with the diagnosis.
fn client_fails(tool: &str, command: &str) -> Option<Vec<(String, String)>> {
    if Command::new(tool).arg("-h").output().is_err() {
        let skipped = format!("skipped: {tool} is not installed\n");
        std::io::Write::write_all(&mut std::io::stderr(), skipped.as_bytes()).expect("stderr");
        return None;
    }
    let (code, report) = check(&["exercise-2", "--cmd", command]);
    assert_eq!(code, Some(1), "{report}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let stages = report["stages"].as_array().expect("stages");
    let failed = stages.iter().filter(|stage| stage["verdict"] != "pass");
    Some(
        failed
            .map(|stage| (text(&stage["id"]), text(&stage["failure"]["diagnosis"])))
            .collect(),
    )
}

#[test]
fn socat_passes_the_client_stages_but_those_of_a_connection_that_breaks() {
    let Some(failed) = client_fails("socat", "socat -t 10 - UNIX-CONNECT:{socket}") else {
        return;
    };
    let stages: Vec<&str> = failed.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(stages, ["last-words", "reset"], "{failed:?}");
}

#[test]
fn socat_passes_the_echo_stages_and_is_told_what_it_lacks() {
    if Command::new("socat").arg("-V").output().is_err() {
        let skipped = "skipped: socat is not installed\n";
        std::io::Write::write_all(&mut std::io::stderr(), skipped.as_bytes()).expect("stderr");
        return;
    }
    let command = "socat UNIX-LISTEN:{socket},fork EXEC:cat";
    let (code, report) = check(&["exercise-3", "--cmd", command]);
    let verdicts: Vec<(String, String, String)> = report["stages"]
        .as_array()
        .unwrap_or_else(|| panic!("no report: {report}"))
        .iter()
        .map(|stage| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let diagnosis = text(&stage["failure"]["diagnosis"]);
            (text(&stage["id"]), text(&stage["verdict"]), diagnosis)
        })
        .collect();
    let of = |id: &str| {
        let (_, verdict, diagnosis) = verdicts
            .iter()
            .find(|(stage, _, _)| stage == id)
            .expect("a stage");
        (verdict.as_str(), diagnosis.as_str())
    };
    for echo in [
        "friendly",
        "bytes",
        "end",
        "pieces",
        "clients",
        "mebibyte",
        "slow-reader",
        "vanishing",
        "living-server",
        "longest-path",
    ] {
        assert_eq!(of(echo), ("pass", ""), "{echo}");
    }
    assert_eq!(of("credentials"), ("fail", "no-line"));
    assert_eq!(of("restart"), ("fail", "stopped-by-stale-name"));
    assert_eq!(of("open-file"), ("fail", "descriptor-dropped"));
    assert_eq!(of("every-peer").0, "not-judged");
    assert_eq!((code, &report["evidence"]), (Some(1), &json!(false)));
}

/// A command that says nothing of its arguments gets those of each stage; one that names the address
/// is judged where they are the exercise's.
#[test]
fn a_command_gets_the_arguments_of_each_stage() {
    let curriculum = curriculum();
    let exercise = curriculum
        .exercise("pass-a-descriptor")
        .expect("it is there");
    let python = curriculum.language("python").expect("it is there");
    let home = tempfile::Builder::new().tempdir_in("/tmp").expect("made");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(home.path(), open).expect("ours");
    for (name, bytes) in lay_out(exercise, python, Material::Solution) {
        fs::write(home.path().join(name), bytes).expect("written");
    }
    let command = format!("python3 -B {}/main.py", home.path().display());
    let (code, report) = check(&["pass-a-descriptor", "--cmd", &command]);
    assert_eq!(code, Some(0), "{report:#}");

    let named = format!("{command} receive {{socket}}");
    let (_, report) = check(&["pass-a-descriptor", "--cmd", &named]);
    let stages = report["stages"].as_array().expect("stages");
    assert!(
        stages.iter().all(|stage| stage["verdict"] != "fail"),
        "{report:#}"
    );
    let unjudged = stages
        .iter()
        .find(|stage| stage["verdict"] == "cannot-judge");
    let why = unjudged.expect("some send")["failure"]["cause"].as_str();
    let why = why.expect("a reason");
    assert!(why.contains("other arguments"), "{why}");
}
