//! Programs that turn against the grader.

use ipc_mastery::sys::fence::{Reach, reach};

use crate::cage::{Cage, Who};

/// Serves well after it has tried this; what came of each attempt stands on its standard error.
fn after_trying(attempts: &str) -> String {
    format!(
        "def attempt(what):\n\
         \x20   try: what(); return 'done'\n\
         \x20   except OSError as error: return error.strerror\n\
         grader = int(open(f'/proc/{{os.getppid()}}/stat').read().rsplit(')', 1)[1].split()[1])\n\
         helpers = [grader, os.getppid()]\n\
         {attempts}\n\
         serve()\n"
    )
}

/// The program does its worst, and is judged by how it serves: well.
#[track_caller]
fn survives(who: Who, attempts: &str) {
    let Some(cage) = Cage::new(who) else { return };
    let end = cage
        .check("serve", &after_trying(attempts))
        .leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
}

fn scoped() -> bool {
    let scoped = reach() == Reach::WritingAndSignals;
    if !scoped {
        eprintln!("skipped: this kernel cannot confine signals (Landlock 6)");
    }
    scoped
}

#[test]
fn signals_reach_neither_the_grader_nor_its_helpers() {
    if !scoped() {
        return;
    }
    let kills = "for pid in helpers:\n\
                 \x20   assert attempt(lambda: os.kill(pid, signal.SIGKILL)) != 'done'\n";
    survives(Who::User, kills);
    survives(Who::Root, kills);
}

#[test]
fn kill_everybody_reaches_only_the_program_itself() {
    if !scoped() {
        return;
    }
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    // kill(2): the caller is spared, so what dies is the child, and the server serves.
    let kills = "child = os.fork()\n\
                 if child == 0:\n\
                 \x20   while True: signal.pause()\n\
                 os.kill(-1, signal.SIGKILL)\n\
                 assert os.waitpid(child, 0)[1] == signal.SIGKILL\n";
    let end = cage.check("serve", &after_trying(kills)).leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
}

#[test]
fn the_whole_group_is_only_its_own() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let end = cage.check("serve", "serve(lambda c: os.kill(0, signal.SIGTERM))\n");
    end.blames("crashed", "SIGTERM");
}

#[test]
fn signals_for_io_do_not_reach_the_supervisor() {
    if !scoped() {
        return;
    }
    let sends = "a, b = socket.socketpair()\n\
                 attempt(lambda: fcntl.fcntl(a, fcntl.F_SETOWN, os.getppid()))\n\
                 attempt(lambda: fcntl.fcntl(a, 10, signal.SIGKILL))\n\
                 fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n\
                 b.send(b'x')\n";
    survives(Who::User, sends);
}

#[test]
fn the_memory_descriptors_and_environment_of_the_grader_are_closed() {
    let looks = "for pid in helpers:\n\
                 \x20   for name in ['mem', 'environ', 'maps']:\n\
                 \x20       assert attempt(lambda: open(f'/proc/{pid}/{name}', 'rb').read(1)) != 'done', name\n\
                 \x20   assert attempt(lambda: os.listdir(f'/proc/{pid}/fd')) != 'done'\n\
                 \x20   assert ctypes.CDLL(None).ptrace(16, pid, 0, 0) == -1\n";
    survives(Who::User, looks);
}

#[test]
fn another_users_limits_cannot_be_changed() {
    let limits = "for pid in helpers:\n\
                  \x20   seen = attempt(lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)))\n\
                  \x20   assert seen != 'done', seen\n";
    survives(Who::Root, limits);
}

#[test]
fn a_grader_without_descriptors_says_so_and_leaves_nothing() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let limits = "attempt(lambda: resource.prlimit(grader, resource.RLIMIT_NOFILE, (0, 0)))";
    let end = cage.check("serve", &after_trying(limits)).leaves_nothing();
    assert_eq!(end.code, 4, "{end:#?}");
    let report = end.report();
    let cause = report["stages"][0]["failure"]["cause"].as_str().unwrap();
    assert!(cause.starts_with("The checker itself failed"), "{cause}");
    let gaps = report["isolation"]["not_contained"].to_string();
    assert!(
        gaps.contains("prlimit()"),
        "what is not contained is said: {gaps}"
    );
}

#[test]
fn there_is_no_terminal_to_type_into() {
    survives(
        Who::User,
        "assert attempt(lambda: open('/dev/tty')) == 'No such device or address'",
    );
}

#[test]
fn a_flood_of_descriptors_in_flight_fills_the_programs_quota_and_not_ours() {
    let flood = "a, b = socket.socketpair()\n\
                 a.setblocking(False)\n\
                 try:\n\
                 \x20   while True: socket.send_fds(a, [b'x'], [0] * 250)\n\
                 except OSError: pass\n";
    survives(Who::User, flood);
}

#[test]
fn a_broken_connection_does_not_hide_a_crash() {
    let Some(cage) = Cage::new(Who::Root) else {
        return;
    };
    for how in [
        "c.close(); os.kill(os.getpid(), signal.SIGSEGV)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "c.recv(1); os.kill(os.getpid(), signal.SIGSEGV)",
    ] {
        let source = format!("def crash(c):\n\x20   {how}\nserve(crash)\n");
        cage.check("serve", &source).blames("crashed", "SIGSEGV");
    }
}

#[test]
fn a_program_that_asks_for_its_oom_score_is_the_first_to_go() {
    survives(
        Who::User,
        "assert open('/proc/self/oom_score_adj').read().strip() == '1000'",
    );
}

#[test]
fn no_signal_is_blocked_or_ignored() {
    survives(
        Who::Root,
        "status = open('/proc/self/status').read()\n\
         assert 'SigBlk:\\t0000000000000000' in status\n\
         assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()",
    );
}
