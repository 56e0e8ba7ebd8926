//! `--watch`: a save gives the check up that goes on, however the editor saves, and begins anew.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::bench::{Bench, OUTER, echo, finish};

#[test]
fn watch_judges_again_when_an_editor_renames_a_new_file_over_the_old() {
    use std::io::{BufRead, BufReader};

    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let main = directory.join("main.py");
    fs::write(&main, "import sys\nsys.exit(7)\n").unwrap();
    let mut child = bench
        .of_directory(&directory, &["--watch"])
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut waits = move || {
        said.find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.starts_with("Waiting for a change"))
        })
        .is_some()
    };
    assert!(waits());
    let better = format!("import os, signal, socket, sys\n{}", echo("", "pass"));
    fs::write(directory.join(".main.py.new"), better).unwrap();
    fs::rename(directory.join(".main.py.new"), &main).unwrap();
    assert!(waits());
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the program ended with status 7"), "{text}");
    assert!(text.contains("Passed: 1 of 1 stages"), "{text}");
    assert_eq!(output.status.code(), Some(130), "Ctrl-C ends it");
}

/// How editors save a file.
#[derive(Clone, Copy, Debug)]
enum Save {
    /// vim with `backupcopy=no`, most others: a new file takes the name.
    Rename,
    /// nano, `cat >`: the file itself is emptied and written.
    Truncate,
    /// The two files exchange their names at once (renameat2(2)).
    Exchange,
}

impl Save {
    fn save(self, file: &Path, text: &str) {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use std::io::Write;

        let new = file.with_file_name(".main.py.new");
        match self {
            Self::Truncate => {
                let mut file = File::create(file).unwrap();
                let (first, second) = text.split_at(text.len() / 2);
                file.write_all(first.as_bytes()).unwrap();
                file.write_all(second.as_bytes()).unwrap();
            }
            Self::Rename => {
                fs::write(&new, text).unwrap();
                fs::rename(&new, file).unwrap();
            }
            Self::Exchange => {
                fs::write(&new, text).unwrap();
                renameat_with(CWD, &new, CWD, file, RenameFlags::EXCHANGE).unwrap();
            }
        }
    }
}

#[test]
fn a_save_while_watch_judges_gives_the_check_up_however_the_editor_saves() {
    let bench = Bench::new();
    let directory = bench.path("mine");
    fs::create_dir(&directory).unwrap();
    let main = directory.join("main.py");
    // A program that is being judged calls here, and then never answers its client.
    let calls = UnixListener::bind(bench.path("calls")).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(bench.path("calls"), open).unwrap();
    let hangs = format!(
        "import os, signal, socket, sys\n{}",
        echo(
            "",
            &format!(
                "t = socket.socket(socket.AF_UNIX); t.connect({:?}); signal.pause()",
                bench.path("calls")
            )
        )
    );
    let answers = format!("import os, signal, socket, sys\n{}", echo("", "pass"));
    fs::write(&main, &hangs).unwrap();
    // Nobody waits so long for a deadline: what ends a check here is the save.
    let mut child = bench
        .of_directory(&directory, &["--watch", "--patience", "60"])
        .spawn()
        .unwrap();
    let called = || {
        let mut fds = [PollFd::new(calls.as_fd(), PollFlags::POLLIN)];
        let wait = PollTimeout::try_from(OUTER.as_millis() as i32).unwrap();
        assert!(nix::poll::poll(&mut fds, wait).unwrap() > 0);
        calls.accept().unwrap().0
    };
    let saves = [
        (Save::Rename, &hangs),
        (Save::Truncate, &hangs),
        (Save::Exchange, &answers),
    ];
    for (save, text) in saves {
        let mut program = called();
        save.save(&main, text);
        // The end of the program: the check of the old text is over.
        assert_eq!(program.read(&mut [0]).unwrap(), 0, "{save:?}");
    }
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = Vec::new();
    while !lines
        .last()
        .is_some_and(|line: &String| line.starts_with("Waiting for a change"))
    {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert!(!line.is_empty(), "it has ended: {lines:?}");
        lines.push(line);
    }
    let begun_again = lines.iter().filter(|line| line.starts_with("Saved: "));
    assert_eq!(begun_again.count(), 3, "{lines:?}");
    nix::sys::signal::kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = finish(child);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("stages").count(), 1, "one verdict: {text}");
    assert!(text.contains("Passed: 1 of 1 stages"), "{text}");
    assert_eq!(output.status.code(), Some(130));
}
