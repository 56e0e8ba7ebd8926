//! What happens to the grader from outside: Ctrl-C and SIGKILL at any moment, a full disk, a home
//! that cannot be written.

use crate::cage::{Blow, Cage, End, Who};

/// A server that tells `events` about every step it takes, with children in sessions of their own.
const TELLS: &str = "\
def tell(what): os.write(events, what.encode() + b'\\n')
try: events = os.open(EVENTS, os.O_WRONLY | os.O_NONBLOCK)
except OSError: events = os.open('/dev/null', os.O_WRONLY)
tell('starts')
if os.fork() == 0:
    os.setsid(); tell('forks')
    while True: signal.pause()
serve(lambda c: tell('accepts'), lambda: tell('listens'))
";

/// A command that is told where the events go.
fn telling(cage: &Cage) -> String {
    let events = cage.path("events");
    cage.command(&TELLS.replace("EVENTS", &format!("{events:?}")))
}

fn interrupted(who: Who, after: usize, signal: &'static str) -> (End, End) {
    let cage = Cage::new(who).expect("asked before");
    let command = telling(&cage);
    let blow = Blow {
        after,
        signal,
        supervisor_too: false,
    };
    let mut ends = cage.strike(&["--stage", "serve", "--cmd", &command], blow);
    let again = ends.pop().unwrap();
    (ends.pop().unwrap(), again)
}

#[test]
fn ctrl_c_at_any_moment_leaves_nothing() {
    for who in [Who::User, Who::Root] {
        if Cage::new(who).is_none() {
            continue;
        }
        for after in 1..=4 {
            let (end, again) = interrupted(who, after, "SIGINT");
            // At the last moment the verdict may be out already.
            let over = after == 4 && end.code == 0;
            assert!(end.code == 130 || over, "after {after}: {end:#?}");
            end.leaves_nothing();
            assert_eq!(again.leaves_nothing().code, 0);
        }
    }
}

#[test]
fn killing_the_grader_at_any_moment_leaves_nothing() {
    for who in [Who::User, Who::Root] {
        if Cage::new(who).is_none() {
            continue;
        }
        for after in [1, 3] {
            let (end, again) = interrupted(who, after, "SIGKILL");
            assert_eq!(end.code, -9, "{end:#?}");
            end.leaves_nothing();
            assert_eq!(again.leaves_nothing().code, 0);
        }
    }
}

#[test]
fn what_is_left_when_grader_and_helpers_are_killed_together_goes_at_the_next_start() {
    for who in [Who::User, Who::Root] {
        let Some(cage) = Cage::new(who) else { continue };
        let command = telling(&cage);
        let blow = Blow {
            after: 3,
            signal: "SIGKILL",
            supervisor_too: true,
        };
        let mut ends = cage.strike(&["--stage", "serve", "--cmd", &command], blow);
        let again = ends.pop().unwrap();
        let end = ends.pop().unwrap();
        assert_eq!(end.code, -9);
        assert!(
            end.left.iter().any(|left| left.starts_with("arenas")),
            "{end:#?}"
        );
        assert_eq!(again.leaves_nothing().code, 0);
    }
}

#[test]
fn where_every_disk_is_full_or_closed_the_message_names_them_all() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    for place in ["/tmp", "/dev/shm"] {
        cage.mount(&["-t", "tmpfs", "-o", "mode=1777,nr_inodes=1", "tmpfs", place]);
    }
    cage.mount(&["--rbind", "/var/tmp", "/var/tmp"]);
    cage.mount(&["-o", "remount,bind,ro", "/var/tmp"]);
    let command = cage.command("serve()\n");
    let end = cage
        .run(&["--stage", "serve", "--cmd", &command])
        .leaves_nothing();
    assert_eq!(end.code, 3, "{end:#?}");
    let said = &end.stderr;
    assert!(said.contains("no private directory can be made"), "{said}");
    assert!(said.contains("/tmp: No space left on device"), "{said}");
    assert!(said.contains("/var/tmp: Read-only file system"), "{said}");
}

#[test]
fn where_one_disk_is_full_another_is_used() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    cage.mount(&[
        "-t",
        "tmpfs",
        "-o",
        "mode=1777,nr_inodes=1",
        "tmpfs",
        "/tmp",
    ]);
    let end = cage.check("serve", "serve()\n").leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
}

#[test]
fn a_full_home_changes_no_verdict() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    let state = cage.path("state");
    std::fs::create_dir(&state).unwrap();
    let options = "mode=1777,nr_inodes=1";
    cage.mount(&[
        "-t",
        "tmpfs",
        "-o",
        options,
        "tmpfs",
        state.to_str().unwrap(),
    ]);
    let command = cage.command("serve()\n");
    let end = cage
        .run(&["--stage", "serve", "--cmd", &command])
        .leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(
        end.stderr.contains("this verdict was not recorded"),
        "{end:#?}"
    );
}

#[test]
fn a_home_that_cannot_be_written_changes_no_verdict() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    std::fs::create_dir(cage.path("state")).unwrap();
    let state = cage.path("state");
    cage.mount(&["-t", "tmpfs", "-o", "ro", "tmpfs", state.to_str().unwrap()]);
    let command = cage.command("serve()\n");
    let end = cage
        .run(&["--stage", "serve", "--cmd", &command])
        .leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(
        end.stderr.contains("this verdict was not recorded"),
        "{end:#?}"
    );
}
