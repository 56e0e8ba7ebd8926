//! What is written is read back, and what cannot be read is told where and why.

use nix::errno::Errno;

use super::samples::{calls, outcomes};
use super::*;
use crate::model::outcome::Received;

fn settings() -> Arc<Settings> {
    Arc::new(Settings::default())
}

#[test]
fn every_call_is_read_back_as_it_was_written() {
    for call in calls() {
        let text = call.to_string();
        let read: Result<Call, _> = text.parse();
        assert_eq!(read.as_ref(), Ok(&call), "{text}");
        assert!(
            text.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{text}"
        );
    }
}

#[test]
fn every_call_of_the_table_is_written_by_something() {
    let written: Vec<String> = calls().iter().map(Call::to_string).collect();
    for (name, usage) in words::CALLS {
        let mut written = written.iter().map(|text| text.split(' ').next());
        assert!(written.any(|first| first == Some(name)), "{name}");
        assert_eq!(usage.split(' ').next(), Some(*name));
    }
}

#[test]
fn every_outcome_is_read_back_as_far_as_it_has_a_written_form() {
    for outcome in outcomes() {
        let expected = Expected::of(&outcome);
        let text = expected.to_string();
        let read: Result<Expected, _> = text.parse();
        assert_eq!(read.as_ref(), Ok(&expected), "{text}");
        assert!(expected.is_met_by(&outcome));
        assert!(
            text.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{text}"
        );
    }
}

#[test]
fn outcomes_differ_where_their_text_does() {
    let outcomes = outcomes();
    for (place, one) in outcomes.iter().enumerate() {
        for other in &outcomes[..place] {
            let same = format!("{one:#}") == format!("{other:#}");
            assert_eq!(Expected::of(one).is_met_by(other), same, "{one} {other}");
        }
    }
}

#[test]
fn long_data_is_cut_only_for_a_reader_and_only_when_it_does_not_repeat() {
    let mut received = Received {
        count: 300,
        data: b"ab".repeat(150),
        ..Received::default()
    };
    let text = Outcome::Done(Answer::Received(received.clone())).to_string();
    assert_eq!(text, r#"300 "ab"x300"#);
    received.data[100] = b'!';
    let outcome = Outcome::Done(Answer::Received(received));
    assert_eq!(outcome.to_string(), "300 \"abababababababab\"\u{2026}300");
    let mistake = Expected::from_str(&outcome.to_string()).unwrap_err();
    assert_eq!(mistake.message, "this says only how the bytes begin");
}

/// The first script of the specification.
const EXAMPLE: &str = r#"
# a comment
process B 1000
A: socketpair stream nonblock
= fds 3 4
    # another
  A: send 3 "hello" nosignal
= 5
recv 4 100
= 5 "hello"
A: recv 4 100
= -1 EAGAIN
collect
B: getsockname 3
= -1 EBADF
"#;

#[test]
fn a_script_runs_and_the_model_meets_what_it_says() {
    let script = Script::parse(EXAMPLE).unwrap();
    assert_eq!(script.processes, [(Pid(1), 1000)]);
    let answers = answers(&script, settings()).unwrap();
    assert_eq!(answers.len(), 5);
    for (line, outcome) in answers {
        let expected = line.expected.as_ref().unwrap();
        assert!(expected.is_met_by(&outcome), "{}: {outcome}", line.number);
    }
}

#[test]
fn a_script_that_is_written_is_read_back() {
    let script = Script::parse(EXAMPLE).unwrap();
    let mut again = Script::parse(&script.to_string()).unwrap();
    assert_eq!(again.lines.len(), script.lines.len());
    for (line, known) in again.lines.iter_mut().zip(&script.lines) {
        line.number = known.number;
    }
    assert_eq!(again, script);
}

#[test]
fn words_at_the_end_stand_in_any_order() {
    let call = |text: &str| Call::from_str(text).unwrap().to_string();
    assert_eq!(
        call(r#"send 3 "x" rights=4 nosignal to=unnamed dontwait"#),
        r#"send 3 "x" dontwait nosignal to=unnamed rights=4"#
    );
    assert_eq!(
        call("socket stream cloexec protocol=1 nonblock"),
        "socket stream protocol=1 nonblock cloexec"
    );
}

#[test]
fn a_mistake_names_its_place_and_what_would_be_right() {
    let of = |text: &str| {
        let mistake = Script::parse(text).unwrap_err();
        let line = text.lines().nth(mistake.line - 1).unwrap();
        let there = line.get(mistake.columns.clone()).unwrap_or("").to_owned();
        let help = mistake.help.unwrap_or_default();
        (mistake.line, there, mistake.message, help)
    };
    for (text, line, there, message, help) in [
        (
            "\nA: snd 3 \"x\"",
            2,
            "snd",
            "there is no call `snd`",
            "Did you mean `send`?",
        ),
        (
            "A: listen 3",
            1,
            "",
            "a backlog is missing",
            "It is written `listen FD BACKLOG`.",
        ),
        (
            "A: close 3 4",
            1,
            "4",
            "nothing more belongs here",
            "It is written `close FD`.",
        ),
        (
            "close three",
            1,
            "three",
            "`three` is no number from -2147483648 to 2147483647",
            "",
        ),
        (
            "send 3 hello",
            1,
            "hello",
            "`hello` is not between quotes",
            "Bytes are written `\"text\"`.",
        ),
        (
            "send 3 \"hello",
            1,
            "\"hello",
            "this quote is never closed",
            "A quote inside",
        ),
        (
            "send 3 \"\\q\"",
            1,
            "\"\\q\"",
            "this text has an unknown escape",
            "Known: `\\n`",
        ),
        (
            "send 3 \"\"x4",
            1,
            "\"\"x4",
            "nothing can be repeated only to nothing",
            "",
        ),
        (
            "send 3 \"x\" nosingal",
            1,
            "nosingal",
            "`nosingal` means nothing here",
            "Did you mean `nosignal`?",
        ),
        ("send 3 \"x\" to", 1, "to", "`to` wants a value", ""),
        (
            "send 3 \"x\" spare=1",
            1,
            "spare=1",
            "there is nothing that has spare bytes",
            "",
        ),
        (
            "send 3 \"x\" rights=3 spare=4",
            1,
            "spare=4",
            "`4` is no number from 0 to 3",
            "",
        ),
        (
            "bind 3 file:x",
            1,
            "file:x",
            "`file` is no kind of address",
            "Known: path:NAME",
        ),
        (
            "socket streem",
            1,
            "streem",
            "`streem` is no type of socket",
            "Did you mean `stream`?",
        ),
        (
            "pipe nonblock nonblock",
            1,
            "nonblock",
            "`nonblock` stands here twice",
            "",
        ),
        (
            "B: fork",
            1,
            "B:",
            "there is no process B",
            "`process B 1000` at the start makes it",
        ),
        (
            "exit\nfork",
            2,
            "fork",
            "there is no process A",
            "It exited on line 1.",
        ),
        (
            "b: fork",
            1,
            "b:",
            "`b` is no process",
            "Processes are called by",
        ),
        (
            "fork\nprocess C 0",
            2,
            "process",
            "processes are declared before the first call",
            "",
        ),
        ("process A 0", 1, "A", "process A is there already", ""),
        (
            "= 3",
            1,
            "= 3",
            "there is no call before this that could answer",
            "",
        ),
        (
            "collect\n= 3",
            2,
            "= 3",
            "there is no call before this that could answer",
            "",
        ),
        (
            "fork\n= process B\n= 3",
            3,
            "= 3",
            "the call of line 1 has its answer already",
            "",
        ),
        ("fork\n= -1 EWHAT", 2, "EWHAT", "`EWHAT` is no errno", ""),
        ("fork\n= sleeps", 2, "sleeps", "`sleeps` is no outcome", ""),
        (
            "fork\n=",
            2,
            "",
            "an outcome is missing",
            "It is written `= N |",
        ),
        ("A:", 1, "", "a call is missing", ""),
        (
            "mkdir d 0888",
            1,
            "0888",
            "`0888` is no mode",
            "A mode is octal",
        ),
    ] {
        let (found, place, said, advice) = of(text);
        assert_eq!(
            (found, place.as_str(), said.as_str()),
            (line, there, message)
        );
        assert!(advice.starts_with(help), "{text}: {advice}");
    }
}

#[test]
fn there_are_letters_for_26_processes() {
    let text = "fork\n".repeat(26);
    let mistake = Script::parse(&text).unwrap_err();
    assert_eq!(mistake.line, 26);
    assert!(Script::parse(&"fork\n".repeat(25)).is_ok());
}

#[test]
fn urgent_data_of_a_stream_is_told_to_be_left_out() {
    let script = Script::parse("socketpair stream\nsend 3 \"x\" oob").unwrap();
    let mistake = answers(&script, settings()).unwrap_err();
    assert_eq!(mistake.line, 2);
    let script = Script::parse("socketpair dgram\nsend 3 \"x\" oob").unwrap();
    let answers = answers(&script, settings()).unwrap();
    assert_eq!(answers[1].1, Outcome::Failed(Errno::EOPNOTSUPP));
}

#[test]
fn a_further_process_has_the_ids_it_was_declared_with() {
    let script = Script::parse("process C 1000\nC: fork").unwrap();
    let kernel = script.kernel(settings());
    let process = kernel.process(Pid(2));
    let ids = [process.uid, process.euid, process.gid, process.egid];
    assert_eq!(ids, [1000; 4]);
}

#[test]
fn a_call_that_sleeps_is_interrupted_unless_a_line_says_that_it_was_woken() {
    let text = "socketpair stream\nfork\nB: recv 4 10\n= asleep\nsend 3 \"x\"\n";
    let given_up = Script::parse(&format!("{text}B: recv 4 10")).unwrap();
    let answers_of = |script: &Script| answers(script, settings()).unwrap();
    assert_eq!(answers_of(&given_up)[4].1.to_string(), "1 \"x\"");
    let woken = Script::parse(&format!("{text}woken B\n= 1 \"x\"")).unwrap();
    assert_eq!(woken.lines[4].action.to_string(), "woken B");
    let made = answers_of(&woken);
    assert!(matches!(made[2].1, Outcome::Sleeps(_)));
    assert_eq!(made[4].1.to_string(), "1 \"x\"");
}

#[test]
fn who_was_woken_comes_before_all_else_and_nobody_is_woken_who_does_not_sleep() {
    let sleeps = "socketpair stream\nfork\nB: recv 4 10\n= asleep\n";
    for (rest, line, message) in [
        (
            "send 3 \"x\"\nsend 3 \"y\"\nwoken B",
            6,
            "process B has been woken before this",
        ),
        (
            "send 3 \"x\"\ninterrupted B",
            6,
            "process B has been woken before this",
        ),
        (
            "send 3 \"x\"\nwoken B\n= 1 \"x\"\nwoken B",
            8,
            "process B does not sleep",
        ),
        ("woken A", 5, "process A does not sleep"),
        ("woken", 5, "one process is woken"),
        ("interrupted everybody", 5, "`everybody` is no process"),
    ] {
        let text = format!("{sleeps}{rest}");
        let run = Script::parse(&text).and_then(|script| answers(&script, settings()));
        let told = run.err().map(|mistake| (mistake.line, mistake.message));
        assert_eq!(told, Some((line, message.to_owned())), "{rest}");
    }
}

#[test]
fn a_sender_is_woken_when_three_quarters_of_its_buffer_are_free() {
    let before = "socketpair stream\nfork\nsend 3 \"z\"x1048576\n= asleep\n";
    let reads = |times: usize, then: &str| {
        let text = format!("{before}{}{then}", "B: read 4 36544\n".repeat(times));
        let script = Script::parse(&text).unwrap();
        answers(&script, settings()).map(|answers| answers.last().unwrap().1.to_string())
    };
    assert_eq!(reads(4, "interrupted A").unwrap(), "365440");
    assert_eq!(reads(5, "woken A").unwrap(), "asleep");
    assert!(reads(5, "interrupted A").is_err());
}
