//! Questions of lessons as their authors get them wrong: each mistake is named with its file, its line
//! and what mends it. A question that is drawn is looked at however it may be drawn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The lesson that questions are added to.
const LESSON: &str = "curriculum/01-start/01-welcome/lesson.toml";

/// One right question of each kind.
const RIGHT: &str = r#"
[[quiz]]
id = "two"
kind = "two-tier"
prompt = "Two?"
[[quiz.option]]
text = "right"
ok = true
say = "right it is"
[[quiz.option]]
text = "wrong"
say = "wrong it is"
misconception = "M01"
[[quiz.reason]]
text = "because"
ok = true
[[quiz.reason]]
text = "by chance"
misconception = "M01"

[[quiz]]
id = "order"
kind = "order"
prompt = "In which order?"
[[quiz.step]]
text = "first"
say = "say of the first"
[[quiz.step]]
text = "second"
say = "say of the second"
[[quiz.step]]
text = "third"
say = "say of the third"
[[quiz.trap]]
text = "trap"
say = "say of the trap"
misconception = "M01" # trap

[[quiz]]
id = "match"
kind = "match"
prompt = "What for?"
[[quiz.purpose]]
id = "p"
text = "the one"
[[quiz.purpose]]
id = "q"
text = "the other"
[[quiz.purpose]]
id = "none"
text = "neither"
misconception = "M01" # none
[[quiz.line]]
text = "l"
is = "p"
say = "say of the line"
[[quiz.line]]
text = "m"
is = "q"
say = "say of m"

[[quiz]]
id = "number"
kind = "number"
prompt = "{{ n }} and {{ m }}?"
equals = "n + m"
say = "count"
why = "they add up"
[[quiz.draw]]
name = "n"
from = 1
to = 9
[[quiz.draw]]
name = "m"
from = 10
to = 90
[[quiz.wrong]]
text = "{{ m }}"
say = "say of the wrong one"
misconception = "M01" # wrong

[[quiz]]
id = "name"
kind = "identifier"
prompt = "Which name?"
accept = ["unix_bind"]
say = "look"
why = "so it is called"

[[quiz]]
id = "drawn"
kind = "choice"
prompt = "Is it {{ what }}?"
[[quiz.draw]]
name = "what"
among = ["this", "that"]
[[quiz.option]]
text = "yes"
when = "what == 'this'"
say = "say of yes"
misconception = "M01" # yes
[[quiz.option]]
text = "no"
when = "what == 'that'"
say = "say of no"
misconception = "M01" # no
"#;

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/small")
}

/// What `lint` says of the small pack with these questions in it, and its exit status.
fn lint(questions: &str) -> (Option<i32>, String) {
    let pack = tempfile::tempdir().unwrap();
    copy(&small(), &pack.path().join("pack"));
    let pack = pack.path().join("pack");
    let lesson = pack.join(LESSON);
    let text = fs::read_to_string(&lesson).unwrap();
    fs::write(&lesson, text + questions).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .arg("lint")
        .arg(&pack)
        .env_clear()
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A mistake: what is replaced by what, what `lint` says, and what mends it where that is not plain.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

const NAME_IT: &str = "Add `misconception = \"M…\"` from misconceptions.toml.";

const MISTAKES: [Mistake; 27] = [
    ("say = \"right it is\"\n", "", "an option lacks `say`", ""),
    ("say = \"wrong it is\"\n", "", "an option lacks `say`", ""),
    (
        "say = \"wrong it is\"\nmisconception = \"M01\"\n",
        "say = \"wrong it is\"\n",
        "a wrong answer must name its misconception",
        NAME_IT,
    ),
    (
        "text = \"by chance\"\nmisconception = \"M01\"\n",
        "text = \"by chance\"\n",
        "a wrong answer must name its misconception",
        NAME_IT,
    ),
    (
        "kind = \"two-tier\"",
        "kind = \"choice\"",
        "only a two-tier question has reasons",
        "Make it `two-tier`.",
    ),
    (
        "text = \"wrong\"\n",
        "text = \"wrong\"\nok = true\n",
        "a choice needs two or more options, one of them right",
        "",
    ),
    (
        "text = \"wrong\"\n",
        "text = \"right\"\n",
        "`right` is there twice",
        "",
    ),
    (
        "say = \"say of the second\"\n",
        "",
        "a step lacks `say`",
        "",
    ),
    ("say = \"say of the trap\"\n", "", "a trap lacks `say`", ""),
    (
        "misconception = \"M01\" # trap\n",
        "",
        "a wrong answer must name its misconception",
        NAME_IT,
    ),
    (
        "misconception = \"M01\" # trap\n",
        "misconception = \"M77\"\n",
        "there is no misconception `M77`",
        "",
    ),
    ("say = \"say of the line\"\n", "", "a line lacks `say`", ""),
    (
        "misconception = \"M01\" # none\n",
        "",
        "a purpose that fits no line must name its misconception",
        "or a line that it fits.",
    ),
    (
        "is = \"q\"\n",
        "is = \"x\"\n",
        "there is no purpose `x`",
        "",
    ),
    ("why = \"they add up\"\n", "", "a quiz item lacks `why`", ""),
    (
        "say = \"say of the wrong one\"\n",
        "",
        "a wrong answer lacks `say`",
        "",
    ),
    (
        "misconception = \"M01\" # wrong\n",
        "",
        "a wrong answer must name its misconception",
        NAME_IT,
    ),
    (
        "equals = \"n + m\"",
        "equals = \"n + k\"",
        "with `m` = ",
        "",
    ),
    (
        "equals = \"n + m\"",
        "equals = \"m\"",
        "is told to be wrong, and is right",
        "",
    ),
    (
        "equals = \"n + m\"",
        "equals = \"'many'\"",
        "`many` is no whole number",
        "",
    ),
    (
        "equals = \"n + m\"",
        "equals = \"n + \"",
        "`equals` is not an expression",
        "",
    ),
    (
        "equals = \"n + m\"",
        "accept = [\"many\"]",
        "this is no whole number",
        "make the question an `identifier`",
    ),
    (
        "from = 1\nto = 9\n",
        "from = 9\nto = 1\n",
        "nothing can be drawn from this",
        "Give `from` and `to`, the larger one last",
    ),
    (
        "among = [\"this\", \"that\"]",
        "among = [\"this\"]",
        "nothing can be drawn from this",
        "two or more words as `among`",
    ),
    (
        "name = \"what\"",
        "name = \"what?\"",
        "this cannot be named in a text",
        "Use letters, digits and `_`.",
    ),
    (
        "when = \"what == 'that'\"",
        "when = \"what != 'other'\"",
        "with `what` = \"this\": 2 answers are right",
        "",
    ),
    (
        "misconception = \"M01\" # no\n",
        "",
        "a wrong answer must name its misconception",
        NAME_IT,
    ),
];

#[test]
fn every_mistake_in_a_question_is_named_with_its_place_and_what_mends_it() {
    let (code, said) = lint(RIGHT);
    assert_eq!(code, Some(0), "{said}");
    let before = fs::read_to_string(small().join(LESSON)).unwrap();
    let before = before.lines().count();
    for (find, replace, message, remedy) in MISTAKES {
        assert_eq!(RIGHT.matches(find).count(), 1, "{find}");
        let (code, said) = lint(&RIGHT.replace(find, replace));
        assert_eq!(code, Some(2), "{replace}: {said}");
        assert!(said.contains(message), "{replace}: {said}");
        assert!(said.contains(remedy), "{replace}: {said}");
        let place = said.split(LESSON).nth(1).unwrap_or_default();
        let line = place.trim_start_matches(':').split(':').next();
        let line: usize = line.unwrap_or_default().parse().unwrap_or(0);
        assert!(line > before, "{replace}: {said}");
    }
}

#[test]
fn a_mistake_that_only_some_draws_have_is_found() {
    // One of 369 draws: where there are so few, all are looked at.
    let few = RIGHT.replace("to = 90\n", "to = 50\n");
    let rare = few.replace(
        "equals = \"n + m\"",
        "equals = \"m if n + m == 59 else n + m\"",
    );
    let (code, said) = lint(&rare);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("with `m` = 50, `n` = 9"), "{said}");
}
