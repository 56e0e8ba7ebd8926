//! Mistakes in a pack, as its author sees them: the exact drawing, on standard error, exit status 2.

use std::path::Path;
use std::process::{Command, Output};

use ipc_mastery::curriculum::source::Source;
use ipc_mastery::curriculum::{Curriculum, LoadError};
use ipc_mastery::render::problem;
use ipc_mastery::render::theme::{Palette, Theme};

const PACK: &str = "tests/fixtures/broken-pack";

fn list(pack: &Path, environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ipc-mastery"))
        .args(["list", "--curriculum"])
        .arg(pack)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs")
}

#[test]
fn every_mistake_of_every_file_is_drawn_with_its_place() {
    let output = list(Path::new(PACK), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    insta::assert_snapshot!(String::from_utf8(output.stderr).expect("text"));
}

#[test]
fn colour_changes_no_character_of_the_drawing() {
    let forced = list(Path::new(PACK), &[("CLICOLOR_FORCE", "1")]);
    let coloured = String::from_utf8(forced.stderr).expect("text");
    assert!(coloured.contains("\x1b["));
    let plain = String::from_utf8(list(Path::new(PACK), &[]).stderr).expect("text");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn a_long_line_is_cut_around_its_caret() {
    let Err(LoadError::Problems(problems)) = Curriculum::load(&Source::Directory(PACK.into()))
    else {
        panic!("the pack has mistakes");
    };
    let drawn = problem::draw(&problems, Theme::new(Palette::Bare), 40);
    let long = drawn.split("\n\n").find(|one| one.contains("`an-exercise"));
    insta::assert_snapshot!(long.expect("one with a long line"));
}

#[test]
fn a_file_cannot_send_escape_sequences_through_its_mistakes() {
    let pack = tempfile::tempdir().expect("a directory");
    let curriculum = pack.path().join("curriculum");
    std::fs::create_dir_all(curriculum.join("01-\x1b[31mred")).expect("made");
    std::fs::write(
        curriculum.join("path.toml"),
        "format = 1\n\"\\u001b[2J\" = 1\n",
    )
    .expect("written");
    std::fs::write(
        curriculum.join("01-\x1b[31mred/module.toml"),
        "# \x1b[2J\nx = '\x1b[2J'\n",
    )
    .expect("written");
    let output = list(pack.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).expect("text");
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(control), "{text:?}");
}

#[test]
fn a_directory_that_is_no_pack_is_an_error_of_usage_with_its_cause() {
    let output = list(Path::new("/nonexistent/pack"), &[]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).expect("text"));
}
