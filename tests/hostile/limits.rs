//! Programs that use too much.

use crate::cage::{Cage, Who};

/// A program that does this instead of serving is ended for it, whoever the grader is. Deadlines
/// are far off: what is waited for is the bound.
#[track_caller]
fn ended_for(who: Who, source: &str, diagnosis: &str, words: &str) {
    let Some(cage) = Cage::new(who) else { return };
    let command = cage.command(source);
    let arguments = [
        "--json",
        "--patience",
        "20",
        "--stage",
        "serve",
        "--cmd",
        &command,
    ];
    cage.run(&arguments).blames(diagnosis, words);
}

/// The same for one that hangs: the deadline tells.
#[track_caller]
fn hangs(who: Who, source: &str, diagnosis: &str, words: &str) {
    let Some(cage) = Cage::new(who) else { return };
    cage.check("serve", source).blames(diagnosis, words);
}

#[test]
fn a_memory_hog_is_ended_before_it_has_much_more_than_its_bound() {
    let hog = "a = []\nwhile True: a.append(b'x' * (1 << 20))\n";
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let command = cage.command(hog);
    let end = cage.run(&[
        "--json",
        "--patience",
        "20",
        "--stage",
        "serve",
        "--cmd",
        &command,
    ]);
    let (_, cause) = end.diagnosis();
    end.blames("limit-memory", "1024 MiB are allowed");
    let used: u64 = cause
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap();
    assert!((1024..1900).contains(&used), "{cause}");
}

#[test]
fn a_hog_of_many_processes_is_ended_for_what_they_have_together() {
    let hog = "for _ in range(15): os.fork() or time.sleep(0)\n";
    let hog = hog.replace(
        "os.fork() or time.sleep(0)",
        "\n    if os.fork() == 0: break",
    );
    let hog = format!("{hog}a = []\nwhile True: a.append(b'x' * (1 << 20))\n");
    ended_for(
        Who::Root,
        &hog,
        "limit-memory",
        "all its processes together",
    );
}

#[test]
fn memory_that_processes_share_counts_once() {
    let shares = "a = b'x' * (100 << 20)\n\
                  import gc; gc.freeze()\n\
                  for _ in range(12):\n\
                  \x20   if os.fork() == 0:\n\
                  \x20       while True: signal.pause()\n\
                  serve()\n";
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let end = cage.check("serve", shares).leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
}

#[test]
fn a_fork_bomb_is_ended_and_named() {
    let bomb = "while True:\n\x20   try: os.fork()\n\x20   except OSError: pass\n";
    ended_for(Who::User, bomb, "limit-processes", "512 are allowed");
    ended_for(Who::Root, bomb, "limit-processes", "512 are allowed");
}

#[test]
fn a_thread_bomb_is_ended_and_named() {
    let bomb = "while True:\n\
                \x20   try: threading.Thread(target=time.sleep, args=(100,)).start()\n\
                \x20   except RuntimeError: time.sleep(100)\n";
    ended_for(Who::Root, bomb, "limit-processes", "processes and threads");
}

#[test]
fn a_chain_of_processes_that_replace_themselves_is_outrun() {
    let chain = "serve(ready=lambda: os.fork() or chain())\n";
    let source = format!(
        "def chain():\n\
         \x20   while True:\n\
         \x20       if os.fork(): os._exit(0)\n\
         \x20       os.setsid()\n\
         {chain}"
    );
    for who in [Who::User, Who::Root] {
        let Some(cage) = Cage::new(who) else { continue };
        let end = cage.check("serve", &source).leaves_nothing();
        assert_eq!(end.code, 0, "{end:#?}");
    }
}

#[test]
fn a_flood_of_output_is_ended_at_its_bound() {
    let flood = "while True: os.write(1, b'x' * 65536)\n";
    ended_for(Who::User, flood, "limit-output", "64 MiB are allowed");
}

#[test]
fn a_program_that_fills_the_disk_is_ended() {
    let fill = "os.chdir(os.environ['HOME'])\n\
                for n in range(100000): open(str(n), 'wb').write(b'x' * (1 << 20))\n";
    ended_for(Who::User, fill, "limit-disk", "128 MiB are allowed");
}

#[test]
fn one_huge_file_is_ended_by_the_kernel_and_named_all_the_same() {
    let huge = "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n\
                f = open(os.environ['HOME'] + '/huge', 'wb')\n\
                f.truncate(127 << 20); f.seek(127 << 20)\n\
                while True: f.write(b'x' * (1 << 20)); f.flush()\n";
    ended_for(Who::Root, huge, "limit-disk", "SIGXFSZ");
}

#[test]
fn a_program_that_makes_files_without_end_is_ended() {
    let files = "os.chdir(os.environ['HOME'])\n\
                 for n in range(10**9): os.close(os.open(str(n), os.O_CREAT))\n";
    ended_for(Who::Root, files, "limit-files", "10000 are allowed");
}

#[test]
fn directories_nested_without_end_are_counted_and_removed() {
    let nested = "os.chdir(os.environ['HOME'])\nwhile True: os.mkdir('d'); os.chdir('d')\n";
    ended_for(Who::User, nested, "limit-files", "10000 are allowed");
}

#[test]
fn a_program_that_burns_cpu_without_reading_is_said_to_do_so() {
    let burns = "def burn(c):\n\x20   while True: pass\nserve(burn)\n";
    hangs(Who::User, burns, "spins", "CPU time");
}

#[test]
fn a_program_that_stops_itself_is_said_to_be_stopped() {
    let before = "os.kill(os.getpid(), signal.SIGSTOP)\n";
    hangs(Who::User, before, "stopped", "state T");
    let during = "serve(lambda c: os.kill(os.getpid(), signal.SIGSTOP))\n";
    hangs(Who::Root, during, "stopped", "state T");
}
