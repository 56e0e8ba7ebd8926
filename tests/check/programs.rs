//! Programs that are hostile or broken: the grader survives, names the cause, and leaves nothing
//! behind.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

use crate::bench::{Bench, diagnosis, echo, finish, gone, stage};

#[test]
fn a_flood_on_standard_output_blocks_nobody_and_is_bounded() {
    let bench = Bench::new();
    let flood = "for _ in range(500): os.write(1, b'x' * 65536 + b'\\n')";
    let command = bench.server(&echo("", flood));
    let report = bench.check(&command, &["--stage", "friendly", "--patience", "4"]);
    assert_eq!(stage(&report, "friendly")["verdict"], "pass", "{report:#}");
    assert!(report.to_string().len() < 1 << 20);
}

#[test]
fn a_crash_is_named_by_its_signal_whatever_it_looked_like_on_the_wire() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.recv(1); os.kill(os.getpid(), signal.SIGBUS)"));
    let report = bench.check(&command, &["--stage", "friendly"]);
    assert_eq!(diagnosis(&report, "friendly"), "crashed");
    let failure = &stage(&report, "friendly")["failure"];
    assert!(
        failure["cause"].as_str().unwrap().contains("SIGBUS"),
        "{failure:#}"
    );
}

#[test]
fn a_program_that_leaves_its_session_is_ended_all_the_same() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let daemon = format!(
        "if os.fork() == 0:\n\
         \x20   os.setsid()\n\
         \x20   if os.fork() == 0:\n\
         \x20       signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
         \x20       open({fifo:?}, 'w').write(str(os.getpid()))\n\
         \x20       while True: signal.pause()\n\
         \x20   os._exit(0)\n"
    );
    let command = bench.server(&echo(&daemon, "pass"));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let daemon: i32 = bench.note("pid").parse().unwrap();
    assert_eq!(finish(child).status.code(), Some(0));
    assert!(gone(daemon));
}

#[test]
fn a_hang_tells_the_call_and_what_it_waits_for() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.recv(1); r, w = os.pipe(); os.read(r, 1)"));
    let report = bench.check(&command, &["--stage", "friendly"]);
    let saw = &stage(&report, "friendly")["failure"]["saw"]["words"];
    assert!(
        saw.as_str()
            .unwrap()
            .contains("waits in read on descriptor"),
        "{saw}"
    );
    assert!(saw.as_str().unwrap().ends_with("a pipe"), "{saw}");
}

#[test]
fn the_program_gets_three_descriptors_and_a_short_environment() {
    let bench = Bench::new();
    let fifo = bench.fifo("facts");
    let here = bench.here();
    let facts = format!(
        "open({fifo:?}, 'w').write(repr([sorted(os.environ), \
         sorted(int(n) for n in os.listdir('/proc/self/fd'))[:4], os.getsid(0) == os.getpid(), \
         os.environ['IPC_SOCKET'] == sys.argv[1], \
         signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, os.getcwd() == {here:?}]))\n"
    );
    let command = bench.server(&(facts + &echo("", "pass")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .env("LANG", "C.UTF-8")
        .env("SSH_AUTH_SOCK", "/nowhere")
        .env_remove("LC_ALL")
        .env_remove("LC_CTYPE")
        .spawn()
        .unwrap();
    let facts = bench.note("facts");
    finish(child);
    // 3 is the directory being listed; Python itself adds LC_CTYPE in the C locale.
    let expected = "[['HOME', 'IPC_SOCKET', 'LANG', 'PATH', 'PWD', 'PYTHONDONTWRITEBYTECODE', \
                    'TMPDIR', 'XDG_RUNTIME_DIR'], [0, 1, 2, 3], True, True, True, True]";
    assert_eq!(
        facts.replace("'PWD', ", ""),
        expected.replace("'PWD', ", "")
    );
}

#[test]
fn as_root_the_program_has_a_user_of_its_own() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can give a program another user");
        return;
    }
    let bench = Bench::new();
    let fifo = bench.fifo("ids");
    let ids = format!("open({fifo:?}, 'w').write(f'{{os.getresuid()}} {{os.getgroups()}}')\n");
    let command = bench.server(&(ids + &echo("", "pass")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let ids = bench.note("ids");
    finish(child);
    assert!(!ids.starts_with("(0"), "{ids}");
    assert!(ids.ends_with("[]"), "{ids}");
}

#[test]
fn killing_the_grader_takes_the_program_and_its_directory_along() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let tell = format!("open({fifo:?}, 'w').write(f'{{os.getpid()}} {{sys.argv[1]}}')");
    let command = bench.server(&echo("", &format!("{tell}; signal.pause()")));
    let mut child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let note = bench.note("pid");
    let (pid, socket) = note.split_once(' ').unwrap();
    let supervisor = parent(pid.parse().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(gone(pid.parse().unwrap()));
    assert!(gone(supervisor), "the supervisor has cleaned up and ended");
    let arena = Path::new(socket).ancestors().nth(3).unwrap();
    assert!(
        arena
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("ipcm-")
    );
    assert!(!arena.exists(), "{} is left", arena.display());
}

fn parent(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = &stat[stat.rfind(')').unwrap() + 2..];
    rest.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn ctrl_c_ends_a_check_with_130_and_leaves_nothing() {
    let bench = Bench::new();
    let fifo = bench.fifo("pid");
    let tell = format!("open({fifo:?}, 'w').write(f'{{os.getpid()}} {{sys.argv[1]}}')");
    let command = bench.server(&echo("", &format!("{tell}; signal.pause()")));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let note = bench.note("pid");
    let (pid, socket) = note.split_once(' ').unwrap();
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(gone(pid.parse().unwrap()));
    assert!(!Path::new(socket).ancestors().nth(3).unwrap().exists());
}

#[test]
fn a_link_to_somebody_elses_socket_is_not_followed() {
    let bench = Bench::new();
    let victim = bench.path("victim");
    let listener = UnixListener::bind(&victim).unwrap();
    listener.set_nonblocking(true).unwrap();
    let source = format!("os.symlink({victim:?}, sys.argv[1]); signal.pause()\n");
    let report = bench.check(&bench.server(&source), &["--stage", "friendly"]);
    assert_eq!(diagnosis(&report, "friendly"), "not-a-socket");
    let refused = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(
        refused,
        Err(std::io::ErrorKind::WouldBlock),
        "the victim was connected to"
    );
}

#[test]
fn a_server_that_already_runs_is_judged_as_far_as_it_can_be() {
    let bench = Bench::new();
    let path = bench.path("running");
    // With the modes that bind() gave it: its clients come as the user who runs it.
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut back = connection.try_clone().unwrap();
            drop(std::io::copy(&mut connection, &mut back));
        }
    });
    let child = bench
        .command(&["--json", "--socket", path.to_str().unwrap()])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "cannot-judge");
    assert_eq!(report["evidence"], false);
    for id in ["friendly", "end", "bytes", "mebibyte"] {
        assert_eq!(stage(&report, id)["verdict"], "pass", "{id}");
    }
    let restart = stage(&report, "restart");
    assert_eq!(restart["verdict"], "cannot-judge");
    assert!(
        restart["failure"]["cause"]
            .as_str()
            .unwrap()
            .starts_with("This stage ")
    );
}

#[test]
fn a_seed_repeats_the_bytes_it_drew() {
    let bench = Bench::new();
    let command = bench.server(&echo("", "c.send(c.recv(65536).upper())"));
    let seen = |seed: &str| {
        let report = bench.check(&command, &["--stage", "bytes", "--seed", seed]);
        stage(&report, "bytes")["failure"]["expected"].clone()
    };
    let first = seen("4711");
    assert_eq!(first, seen("4711"));
}

#[test]
fn a_verdict_that_cannot_be_recorded_is_given_all_the_same() {
    let bench = Bench::new();
    fs::write(
        bench.path("state"),
        "a file where the state directory should be",
    )
    .unwrap();
    let command = bench.server(&echo("", "pass"));
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Passed: 1 of 1 stages"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("this verdict was not recorded"), "{said}");
}

#[test]
fn hostile_output_reaches_the_terminal_escaped() {
    let bench = Bench::new();
    let command = bench.server("os.write(2, b'\\x1b[2J\\x1b]0;owned\\x07\\xff\\n'); sys.exit(3)\n");
    let child = bench
        .command(&["--cmd", &command, "--stage", "friendly"])
        .spawn()
        .unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r"\x1b[2J\x1b]0;owned\x07\xff"), "{text}");
    assert!(!text.contains('\x1b'));
}

#[test]
fn a_program_writes_only_in_its_own_directory_and_signals_only_itself() {
    use ipc_mastery::sys::fence::{Reach, reach};

    if reach() != Reach::WritingAndSignals {
        eprintln!("skipped: this kernel's Landlock cannot fence in writing and signals");
        return;
    }
    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let outside = bench.path("outside");
    // Prints what each attempt came to; the check shows the last line of stderr.
    let attempts = format!(
        "import os, signal, socket, sys\n\
         def attempt(what):\n\
         \x20   try: what(); return 'done'\n\
         \x20   except OSError as error: return error.strerror\n\
         open(os.environ['HOME'] + '/inside', 'w').write('x')\n\
         seen = [attempt(lambda: open({outside:?}, 'w')),\n\
         \x20   attempt(lambda: os.kill(os.getppid(), 0)),\n\
         \x20   attempt(lambda: os.kill(os.getpid(), 0))]\n\
         print(seen, file=sys.stderr)\n\
         sys.exit(9)\n"
    );
    fs::write(directory.join("main.py"), attempts).unwrap();
    let output = finish(bench.of_directory(&directory, &["--json"]).spawn().unwrap());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = report["stages"][0]["failure"]["output"][0]
        .as_str()
        .unwrap();
    assert_eq!(
        said, "['Permission denied', 'Operation not permitted', 'done']",
        "{report:#}"
    );
    assert!(!outside.exists());
}

/// The helpers of a check that play this role.
fn helpers(check: u32, role: &str) -> Vec<Pid> {
    let children = fs::read_to_string(format!("/proc/{check}/task/{check}/children")).unwrap();
    let pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
    let wanted = format!("__role\0{role}\0");
    pids.filter(|pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&wanted)
    })
    .map(Pid::from_raw)
    .collect()
}

#[test]
fn a_helper_that_is_killed_costs_its_stage_and_no_other() {
    let bench = Bench::new();
    bench.fifo("asked");
    // In the second stage it says that it was asked, and answers nothing.
    let each = format!(
        "if '/s01/' in sys.argv[1]:\n\
         \x20       c.recv(1); open({:?}, 'w').write('asked'); signal.pause()",
        bench.path("asked")
    );
    let command = bench.server(&echo("", &each));
    let child = bench
        .command(&["--json", "--cmd", &command, "--once"])
        .spawn()
        .unwrap();
    assert_eq!(bench.note("asked"), "asked");
    let peers = helpers(child.id(), "peer");
    assert!(!peers.is_empty());
    for peer in peers {
        nix::sys::signal::kill(peer, Signal::SIGKILL).unwrap();
    }
    let output = finish(child);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let second = stage(&report, "bytes");
    assert_eq!(second["verdict"], "checker-error", "{second:#}");
    for id in ["friendly", "end", "pieces"] {
        assert_eq!(stage(&report, id)["verdict"], "pass", "{report:#}");
    }
}
