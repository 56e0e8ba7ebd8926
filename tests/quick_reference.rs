//! The quick reference keeps its word: every piece of C compiles by itself and does what is said,
//! every strace command shows what it promises, every function is in the running kernel.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use ipc_mastery::curriculum::Curriculum;
use ipc_mastery::curriculum::pages::Pages;
use ipc_mastery::curriculum::quick_reference::{QuickReference, Trace};
use ipc_mastery::curriculum::source::Source;
use ipc_mastery::experiment::running_kernel;
use tempfile::TempDir;

fn reference() -> QuickReference {
    let curriculum = Curriculum::load(&Source::Embedded).expect("a sound curriculum");
    let pages = Pages::load(&Source::Embedded, &curriculum).expect("sound pages");
    pages.quick_reference
}

fn is_here(program: &str) -> bool {
    let found = which::which(program).is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

fn compile(directory: &Path, source: &str, options: &[&str]) -> Result<(), String> {
    fs::write(directory.join("piece.c"), source).expect("the source is written");
    let output = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror"])
        .args(options)
        .arg("piece.c")
        .current_dir(directory)
        .output()
        .expect("a compiler");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn every_piece_of_code_compiles_by_itself() {
    if !is_here("cc") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let reference = reference();
    assert!(reference.calls.len() > 15);
    for call in reference.calls {
        let compiled = compile(directory.path(), &call.code, &["-fsyntax-only"]);
        assert_eq!(compiled, Ok(()), "{}", call.id.value);
    }
}

/// All pieces in one program, each followed by what proves it.
fn proofs(reference: &QuickReference) -> String {
    let mut headers = BTreeSet::from(["#include <stdio.h>", "#include <sys/wait.h>"]);
    let (mut pieces, mut proofs, mut calls) = (String::new(), String::new(), String::new());
    for call in &reference.calls {
        for line in call.code.lines() {
            if line.starts_with("#include") {
                headers.insert(line);
            } else if line != "#define _GNU_SOURCE" {
                pieces += &format!("{line}\n");
            }
        }
        let name = call.id.value.replace('-', "_");
        proofs += &format!("static void prove_{name}(void)\n{{\n{}}}\n", call.proof);
        calls += &format!("    prove_{name}();\n");
    }
    let headers: Vec<&str> = headers.into_iter().collect();
    format!(
        "#define _GNU_SOURCE\n{}\n\
         #define check(is) do {{ if (!(is)) {{ fprintf(stderr, \"%s: %s: %s\\n\", __func__, #is, \
         strerror(errno)); _exit(1); }} }} while (0)\n\
         {pieces}static int say_hello(int fd) {{ return write(fd, \"hello\", 5) != 5; }}\n\
         {proofs}int main(void)\n{{\n{calls}    return 0;\n}}\n",
        headers.join("\n")
    )
}

#[test]
fn every_piece_of_code_does_what_is_said() {
    if !is_here("cc") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = proofs(&reference());
    let options = ["-Wno-unused-result", "-o", "proofs"];
    assert_eq!(compile(directory.path(), &source, &options), Ok(()));
    let place = directory.path().join("place");
    fs::create_dir(&place).expect("a directory");
    let output = Command::new(directory.path().join("proofs"))
        .current_dir(&place)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said} {}", output.status);
}

#[test]
fn a_piece_of_code_that_is_wrong_is_found() {
    if !is_here("cc") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut reference = reference();
    let call = reference
        .calls
        .iter_mut()
        .find(|call| call.id.value == "receive-descriptor");
    let call = call.expect("it is there");
    let before = call.code.clone();
    call.code = before.replace("                close(fd);\n", "");
    assert_ne!(call.code, before);
    let options = ["-Wno-unused-result", "-o", "proofs"];
    let source = proofs(&reference);
    assert_eq!(compile(directory.path(), &source, &options), Ok(()));
    let output = Command::new(directory.path().join("proofs"))
        .current_dir(directory.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("after == before"), "{said}");
    let broken = "int f(void) { return undeclared; }\n";
    assert!(compile(directory.path(), broken, &["-fsyntax-only"]).is_err());
}

/// What is printed on standard output and standard error by one trace.
fn traced(trace: &Trace, place: &TempDir) -> String {
    let path = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
    let program = path("traced");
    let words = |role: &str, name: &str| match name {
        "" => format!("{program} {role}"),
        name => format!("{program} {role} {}", path(name)),
    };
    let mut command = trace.command.clone();
    for (word, meaning) in [
        ("CLIENT", words("client", "served.sock")),
        ("WRITER", words("writer", "")),
        ("SHOW-PID", words("pid", "")),
        ("PROGRAM", program.clone()),
    ] {
        command = command.replace(word, &meaning);
    }
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("export WANTED=$$; {command}")])
            .current_dir(place.path())
            .stdin(Stdio::null());
        shell
    };
    if !command.contains("PID") {
        let listener = trace
            .command
            .contains("CLIENT")
            .then(|| UnixListener::bind(path("served.sock")).expect("a listener"));
        let output = shell(&command).output().expect("a shell");
        drop(listener);
        return String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
    }
    let mut server = Command::new(&program)
        .args(["server", &path("server.sock")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server runs");
    let mut line = String::new();
    let said = server.stdout.take().expect("a pipe");
    BufReader::new(said).read_line(&mut line).expect("a line");
    assert_eq!(line, "listening\n");
    let command = command.replace("PID", &server.id().to_string());
    let mut strace = shell(&format!("exec {command}"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace runs");
    let mut said = BufReader::new(strace.stderr.take().expect("a pipe"));
    let mut text = String::new();
    said.read_line(&mut text).expect("a line");
    drop(UnixStream::connect(path("server.sock")).expect("a connection"));
    said.read_to_string(&mut text).expect("text");
    strace.wait().expect("strace ends");
    server.wait().expect("the server ends");
    text
}

#[test]
fn every_trace_shows_what_it_promises_and_nothing_that_it_denies() {
    if !is_here("cc") || !is_here("strace") {
        return;
    }
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace is not permitted here");
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let source = include_str!("fixtures/traced.c");
    assert_eq!(compile(place.path(), source, &["-o", "traced"]), Ok(()));
    let traces = reference().traces;
    assert!(traces.len() > 10);
    for trace in traces {
        let text = traced(&trace, &place);
        if trace.command.contains("-p PID") && text.contains("Operation not permitted") {
            eprintln!("skipped: attaching to a process is not permitted here");
            continue;
        }
        for word in &trace.shows {
            assert!(
                text.contains(word),
                "{} lacks {word}:\n{text}",
                trace.command
            );
        }
        for word in &trace.lacks {
            assert!(
                !text.contains(word),
                "{} has {word}:\n{text}",
                trace.command
            );
        }
    }
}

/// The kernel whose symbols decide which functions are marked as put into their callers. Another
/// build of the same release may have chosen otherwise.
const LOOKED_UP: &str = "6.18.44-fc-v657";

#[test]
fn every_function_is_in_the_running_kernel() {
    let symbols = fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let names: BTreeSet<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        // Compilers add endings, as in `name.isra.0`.
        .filter_map(|name| name.split('.').next())
        .collect();
    if names.len() < 1000 {
        eprintln!("skipped: /proc/kallsyms cannot be read here");
        return;
    }
    let release = running_kernel();
    let reference = reference();
    let functions: Vec<_> = reference
        .areas
        .iter()
        .flat_map(|it| &it.functions)
        .collect();
    assert!(functions.len() > 40);
    let here = functions.iter().filter(|function| {
        let range = function.range.as_ref();
        range.is_none_or(|range| range.covers(&release))
    });
    let (mut absent, mut present) = (Vec::new(), Vec::new());
    for function in here {
        let name = function.ident.value.as_str();
        match (names.contains(name), function.inlined) {
            (false, false) => absent.push(name),
            (true, true) => present.push(name),
            _ => {}
        }
    }
    if release == LOOKED_UP {
        assert!(absent.is_empty(), "no symbol: {absent:?}");
        assert!(
            present.is_empty(),
            "not put into their callers: {present:?}"
        );
        assert!(
            reference
                .checked
                .iter()
                .any(|it| LOOKED_UP.starts_with(it.as_str()))
        );
    } else {
        // Another compiler puts others into their callers, and a module may not be loaded.
        eprintln!("{release} has no symbol of {absent:?}");
        assert!(absent.len() * 3 < functions.len(), "no symbol: {absent:?}");
    }
}
