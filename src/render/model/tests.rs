//! Frames at several widths, and what no frame may do.

use std::sync::Arc;

use super::call::written;
use super::data::Steps;
use super::*;
use crate::model::script::Script;
use crate::model::script::samples::{calls, outcomes};
use crate::model::settings::Settings;

fn ran(source: &str) -> Run {
    let script = Script::parse(source).unwrap();
    Run::of(&script, Arc::new(Settings::default())).unwrap()
}

fn drawn(source: &str, place: usize, width: usize) -> String {
    let rows = Rows::default();
    let run = ran(source);
    let told = Told {
        source,
        rows: &rows,
        cast: &Cast::of(&run),
    };
    frame(&run, place, told, width).plain()
}

const SHARED: &str = r#"# A title
A: socketpair stream
A: fork
# Both lead
# to it.
B: send 3 "hello" rights=4
A: close 3
B: close 3
exit
"#;

#[test]
fn a_frame_tells_the_call_what_happened_and_the_state_behind_it() {
    assert_eq!(
        drawn(SHARED, 2, 80),
        "\
── step 3 of 6, line 6 ─────────────────────────────────────────────────────────
Both lead to it.
B  sendmsg(3, {msg_iov=[{\"hello\", 5}], msg_control=[{SCM_RIGHTS, [4]}]}, 0) = 5

   1 one reference more to file 1: 3 references
   2 768 bytes of memory are charged to socket 0: 768 in all
   3 buffer 1, of 5 bytes, goes to the end of the queue of socket 1; it carries
     file 1
   4 whoever sleeps for socket 1 looks again

  ┌─ A ──┐    ┌─ open file descriptions ───────────────────────────┐    ┌─ B ──┐
  │ fd 3 ├───▶│ file 0  ──▶ socket 0  2 references                 │◀───┤ fd 3 │
* │ fd 4 ├───▶│ file 1  ──▶ socket 1  3 references, 1 in flight    │◀───┤ fd 4 │
  └──────┘    └────────────────────────────────────────────────────┘    └──────┘

  SOCKETS and what waits to be read from each
* socket 0   stream     ┃ empty                                    ┃◀── socket 1
             768 of 212992 bytes of its send buffer in use
* socket 1   stream     ┃ \"hello\" with file 1                      ┃◀── socket 0
"
    );
}

#[test]
fn on_a_wide_terminal_the_state_stands_beside_what_happened() {
    let wide = drawn(SHARED, 3, 120);
    assert_eq!(
        wide.lines().skip(3).take(3).collect::<Vec<_>>(),
        [
            "   1 descriptor 3 of A, which led to file 0,      ┌─ A ──┐    \
             ┌─ open file descriptions ───────────────────┐    ┌─ B ──┐",
            "     is free again                              * │ gone │    \
             │ file 0  ──▶ socket 0  1 reference          │◀───┤ fd 3 │",
            "   2 one reference less to file 0: 1 reference    │ fd 4 ├───▶\
             │ file 1  ──▶ socket 1                       │◀───┤ fd 4 │",
        ]
    );
}

#[test]
fn what_is_gone_is_said_once_more_where_it_stood() {
    let last = drawn(SHARED, 4, 80);
    let gone: Vec<&str> = last.lines().filter(|line| line.ends_with("gone")).collect();
    assert_eq!(gone, ["* socket 0   gone"]);
    let row = "* │      │    │ file 0  gone                                       │    │ gone │";
    assert!(drawn(SHARED, 4, 80).contains(row));
    assert!(!drawn(SHARED, 5, 80).contains("socket 0   gone"));
}

#[test]
fn what_a_script_expects_and_does_not_get_is_told() {
    let frame = drawn("getpeername 3\n= name none", 0, 80);
    assert!(frame.contains("getpeername(3, …, …) = -1 EBADF\n   the script expects: name none\n"));
}

/// Everything that scripts can put into a picture, by somebody who means ill.
const HOSTILE: &str = r#"# a title with [2J
# and more
A: socket dgram
A: bind 3 path:"\x1b[2J\x9b\n* socket 9"
# 
A: socket dgram
A: bind 4 abstract:"\0\x1b]0;x\x07\xff"
A: connect 3 abstract:"\0\x1b]0;x\x07\xff"
A: send 3 "\x1b[31m\x0d\n\"\\"x4000
A: recv 4 4000 control=100
A: send 3 "\xe2\x80\xae"
A: mkdir "\x1b\x07" 0755
A: symlink "\x1b\x07" "\x08"
A: unlink "\x08"
A: pipe
A: write 6 "\x1b[2J"
A: open "\x1b\x07" r
"#;

#[test]
fn nothing_from_a_script_moves_the_cursor() {
    let run = ran(HOSTILE);
    let plain = |text: Text| text.plain();
    let mut all = plain(title(HOSTILE, 80));
    for place in 0..run.steps().len() {
        all += &drawn(HOSTILE, place, 80);
        all += &drawn(HOSTILE, place, 130);
    }
    let moves = |c: &char| (c.is_control() && *c != '\n') || *c == '\u{202e}';
    assert_eq!(all.chars().find(moves), None);
    assert!(!all.contains("\n* socket 9"));
    let json = serde_json::to_string(&Steps::of(&run, &Rows::default())).unwrap();
    assert!(!json.chars().any(|c| c.is_control()));
}

#[test]
fn frames_keep_to_the_width() {
    let many = "fork\n".repeat(8) + "socketpair stream\nC: socketpair dgram nonblock\nexit\n";
    for source in [SHARED, many.as_str()] {
        let steps = ran(source).steps().len();
        for width in [60, 80, 100, 120, 200] {
            for place in 0..steps {
                for line in drawn(source, place, width).lines() {
                    let columns = crate::render::markdown::columns(line);
                    assert!(columns <= width, "{width}: {line}");
                    assert_eq!(line.trim_end(), line);
                }
            }
        }
    }
}

#[test]
fn nothing_changes_without_an_event() {
    let source = "socketpair stream\nget-cloexec 3\ncloexec 3 on\n";
    assert!(drawn(source, 1, 80).contains("\n     nothing changes\n"));
    let marked = drawn(source, 2, 80);
    assert!(marked.contains("\n   1 execve closes descriptor 3 of A: FD_CLOEXEC\n"));
    assert!(marked.contains("\n* │ fd 3 cloexec ├"));
    for call in [
        "setsockopt 3 sndbuf=9000",
        "setsockopt 3 passcred=on",
        "setsockopt 3 sndtimeo=100",
        "setsockopt 3 rcvtimeo=100",
        "fchmod 3 0600",
        "pipe",
        "epoll",
        "umask 0077",
        "limit-files 50",
        "set-ids 0 1000",
        "pipe\nwrite 6 \"x\"",
        "pipe\nclose 6",
        "eventfd 1\nread 5 8",
        "epoll\nepoll-add 5 3 in\nepoll-mod 5 3 out",
        "create f\nopen f rw\nwrite 5 \"x\"",
        "create f\nchown f 1000 1000",
        "mkdir d 0755\nchdir d",
        "bind 3 path:p",
    ] {
        let run = ran(&format!("socketpair stream\n{call}\n"));
        let last = run.steps().last().unwrap();
        assert!(!last.events.is_empty(), "{call}");
    }
    for source in [HOSTILE, SHARED] {
        let run = ran(source);
        let cast = Cast::of(&run);
        let picture = |kernel| picture::draw(picture::States::alone(kernel), &cast, 120).plain();
        for (place, step) in run.steps().iter().enumerate() {
            if step.events.is_empty() {
                assert_eq!(picture(run.before(place)), picture(&step.after), "{place}");
            }
        }
    }
}

#[test]
fn a_process_without_a_column_is_told_below() {
    let source = "socketpair stream\n".to_owned() + &"fork\n".repeat(8);
    let last = drawn(&source, 8, 80);
    assert!(
        last.contains("\n  I fd 3 ─▶ file 0, fd 4 ─▶ file 1\n"),
        "{last}"
    );
}

#[test]
fn every_call_is_written_in_the_notation_of_c_whatever_comes_back() {
    for call in calls() {
        for outcome in outcomes() {
            let Written { call, result } = written(&call, &outcome);
            assert!(call.contains('(') && call.ends_with(')'), "{call}");
            assert!(result.starts_with("= ") || result == "<unfinished ...>");
        }
    }
}

#[test]
fn calls_are_written_as_strace_prints_them() {
    let source = r#"process B 1000
socket stream nonblock cloexec
bind 3 path:s
listen 3 1
accept 3
socket stream
connect 4 path:s
accept 3 cloexec
send 4 "twelve bytes and more than that" nosignal
setsockopt 5 passcred=on
recv 5 100 control=64
recv 5 100
getsockopt 5 peercred
getpeername 4
poll 4 in out
inq 5
recv 5 10
fork
B: exit"#;
    let run = ran(source);
    let calls: Vec<String> = Steps::of(&run, &Rows::default())
        .steps
        .into_iter()
        .filter_map(|step| step.written)
        .collect();
    assert_eq!(
        calls,
        [
            "socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 3",
            "bind(3, {sa_family=AF_UNIX, sun_path=\"s\"}, 4) = 0",
            "listen(3, 1) = 0",
            "accept(3, NULL, NULL) = -1 EAGAIN",
            "socket(AF_UNIX, SOCK_STREAM, 0) = 4",
            "connect(4, {sa_family=AF_UNIX, sun_path=\"s\"}, 4) = 0",
            "accept4(3, NULL, NULL, SOCK_CLOEXEC) = 5",
            "send(4, \"twelve bytes and more th\"..., 31, MSG_NOSIGNAL) = 31",
            "setsockopt(5, SOL_SOCKET, SO_PASSCRED, [1]) = 0",
            "recvmsg(5, {msg_iov=[{\"twelve bytes and more th\"..., 100}], \
             msg_control=[{SCM_CREDENTIALS, {pid=0, uid=65534, gid=65534}}], msg_flags=0}, 0) = 31",
            "recv(5, …, 100, 0) <unfinished ...>",
            "getsockopt(5, SOL_SOCKET, SO_PEERCRED, {pid=A, uid=0, gid=0}) = 0",
            "getpeername(4, {sa_family=AF_UNIX, sun_path=\"s\"}, [4]) = 0",
            "poll([{fd=4, events=POLLIN|POLLOUT}], 1, 0) = 1 ([{revents=POLLOUT}])",
            "ioctl(5, SIOCINQ, [0]) = 0",
            "recv(5, …, 10, 0) <unfinished ...>",
            "fork() = C",
            "_exit(0) = ?",
        ]
    );
}

#[test]
fn a_line_passes_behind_the_next_process_and_the_last_one_stands_on_the_right() {
    let source = "socketpair stream\nfork\nfork\nB: close 3\n";
    let frame = drawn(source, 3, 100);
    let rows: Vec<&str> = frame
        .lines()
        .filter(|line| line.contains("──▶ socket"))
        .collect();
    assert!(
        rows[0].starts_with("* │ fd 3 ├┈┈│ gone │───▶│ file 0"),
        "{frame}"
    );
    assert!(
        rows[1].starts_with("  │ fd 4 ├┈┈│ fd 4 ├───▶│ file 1"),
        "{frame}"
    );
    assert!(rows[0].ends_with("│◀───┤ fd 3 │"), "{frame}");
}
