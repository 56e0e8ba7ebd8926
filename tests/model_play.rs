//! Free play on the running kernel: what is typed is made on both, a call that sleeps is broken off,
//! and nothing is left.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use ipc_mastery::differential::play::{Reply, Turn};
use ipc_mastery::differential::role::Request;
use ipc_mastery::differential::session::Session;
use ipc_mastery::model::script::Asleep;

/// Our own binary.
const PROGRAM: &str = env!("CARGO_BIN_EXE_ipc-mastery");

fn started() -> Session {
    let start = |directory| Request::Play {
        processes: Vec::new(),
        directory,
    };
    Session::start(Path::new(PROGRAM), start).expect("a process")
}

fn ask(session: &mut Session, pid: u32, call: &str) -> Reply {
    let turn = Turn::Call {
        pid,
        call: call.to_owned(),
        times: 1,
        asleep: Asleep::Interrupted,
    };
    session.ask(&turn).expect("an answer")
}

#[test]
fn both_answer_call_by_call() {
    let mut session = started();
    for (pid, call, answer) in [
        (0, "socketpair stream", "fds 3 4"),
        (0, "recv 4 10", "asleep"),
        (0, "fork", "process B"),
        (1, "send 3 \"hello\"", "5"),
        (0, "recv 4 10", "5 \"hello\""),
        (0, "getsockopt 3 peercred", ""),
        (0, "bind 3 abstract:free-play", "0"),
        (0, "getsockname 3", "name abstract:free-play"),
        (1, "close 3", "0"),
        (0, "close 3", "0"),
        (1, "recv 4 10", "0 \"\""),
        (1, "exit", "process B"),
        (0, "create notes", "0"),
        (0, "mode notes", "420"),
    ] {
        match ask(&mut session, pid, call) {
            Reply::Answered {
                model,
                linux,
                agree,
            } => {
                assert!(agree, "{call}: {model}, {linux}");
                assert!(answer.is_empty() || linux == answer, "{call}: {linux}");
            }
            other => panic!("{call}: {other:?}"),
        }
    }
    assert_eq!(session.ask(&Turn::Collect).expect("an answer"), Reply::Done);
}

#[test]
fn what_leads_out_of_the_play_is_refused_by_the_process_too() {
    let mut session = started();
    for (pid, call) in [
        (0, "unlink /etc/passwd"),
        (0, "write 1 \"x\""),
        (7, "fork"),
        (0, "no call"),
    ] {
        let reply = ask(&mut session, pid, call);
        assert!(matches!(reply, Reply::Refused(_)), "{call}: {reply:?}");
    }
    for _ in 1..12 {
        ask(&mut session, 0, "fork");
    }
    assert!(matches!(ask(&mut session, 0, "fork"), Reply::Refused(_)));
}

/// Plays what is read from standard input.
fn played(script: &str, temporary: &Path) -> (Option<i32>, String) {
    let mut child = Command::new(PROGRAM)
        .args(["model", "play"])
        .env("TMPDIR", temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

#[test]
fn a_script_is_played_line_by_line_without_a_terminal() {
    let temporary = tempfile::tempdir().expect("a directory");
    let script = "# A comment\nsocketpair dgram\nsend 3 \"abc\"\nrecv 4 2\nrecv 4 2\ncollect\n";
    let (status, text) = played(script, temporary.path());
    assert_eq!(status, Some(0), "{text}");
    for words in [
        "A: recv 4 2\n   the model and this kernel: = 2 \"ab\" trunc   agree",
        "= asleep   agree",
        "4 calls were made on both. The model and this kernel agree.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let left = std::fs::read_dir(temporary.path()).expect("it is there");
    assert_eq!(left.count(), 0);
    let (status, text) = played("sokcet stream\n", temporary.path());
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("socket"), "{text}");
}
