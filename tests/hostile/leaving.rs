//! Programs that leave something behind.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::cage::{Cage, End, Who};

/// Ends in good order when asked, having done `before`.
fn ends_after(before: &str) -> String {
    format!(
        "def end(*_):\n\
         \x20   os.unlink(path); os._exit(0)\n\
         signal.signal(signal.SIGTERM, end)\n\
         {before}\n\
         serve()\n"
    )
}

fn leftovers(end: &End) -> Vec<Value> {
    let report = end.report();
    report["stages"][0]["leftovers"].as_array().unwrap().clone()
}

/// A program that leaves this passes a stage that does not ask, and fails one that does.
#[track_caller]
fn left_and_told(who: Who, before: &str, kind: &str, words: &str) {
    let Some(cage) = Cage::new(who) else { return };
    left_there_and_told(&cage, before, kind, words);
}

/// The same in this cage.
#[track_caller]
fn left_there_and_told(cage: &Cage, before: &str, kind: &str, words: &str) {
    let source = ends_after(before);
    let end = cage.check("ended", &source).leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
    let left = leftovers(&end);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["kind"], kind);
    assert_eq!(left[0]["removed"], true);
    assert!(
        left[0]["what"].as_str().unwrap().contains(words),
        "{left:#?}"
    );
    cage.check("tidy", &source).blames("leftovers", words);
}

#[test]
fn a_program_that_leaves_nothing_is_not_blamed() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let end = cage.check("tidy", &ends_after("")).leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(leftovers(&end).is_empty());
}

#[test]
fn a_silent_daemon_is_named_and_ended() {
    let daemon = "if os.fork() == 0:\n\
                  \x20   os.setsid()\n\
                  \x20   if os.fork(): os._exit(0)\n\
                  \x20   signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                  \x20   os.closerange(0, 100)\n\
                  \x20   while True: signal.pause()";
    left_and_told(Who::User, daemon, "process", "(python3)");
    left_and_told(Who::Root, daemon, "process", "(python3)");
}

#[test]
fn a_grandchild_that_keeps_the_output_open_holds_nobody_up() {
    let keeps = "subprocess.Popen(['sleep', '1000'], start_new_session=True)";
    left_and_told(
        Who::User,
        keeps,
        "process",
        "(sleep), which keeps the output open",
    );
}

#[test]
fn the_abstract_socket_of_a_leftover_is_named() {
    let holds = "if os.fork() == 0:\n\
                 \x20   s = socket.socket(socket.AF_UNIX); s.bind('\\0left-over'); s.listen()\n\
                 \x20   os.closerange(0, s.fileno())\n\
                 \x20   while True: signal.pause()";
    left_and_told(Who::Root, holds, "process", "@left-over");
}

#[test]
fn a_child_that_still_accepts_after_the_end_is_named() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let forks = "os.fork()\nserve()\n";
    let source = forks.replace("os.fork()\nserve()", "serve(ready=lambda: os.fork())");
    cage.check("tidy", &source)
        .blames("leftovers", "server.sock open");
}

#[test]
fn the_name_of_a_socket_is_a_leftover_only_where_the_exercise_says_so() {
    let Some(cage) = Cage::new(Who::Root) else {
        return;
    };
    let end = cage.check("ended", "serve()\n").leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(leftovers(&end).is_empty());
    cage.check("tidy", "serve()\n")
        .blames("leftovers", "socket file");
}

#[test]
fn shared_memory_queues_and_semaphores_are_named_and_removed() {
    let libc = "libc = ctypes.CDLL(None)";
    let segment = format!("{libc}; libc.shmget(0, 4096, 0o1600)");
    left_and_told(
        Who::User,
        &segment,
        "shared-memory",
        "System V shared memory segment",
    );
    left_and_told(
        Who::Root,
        &segment,
        "shared-memory",
        "System V shared memory segment",
    );
    let queue = format!("{libc}; libc.msgget(0, 0o1600)");
    left_and_told(Who::Root, &queue, "message-queue", "System V message queue");
    let semaphores = format!("{libc}; libc.semget(0, 1, 0o1600)");
    left_and_told(
        Who::Root,
        &semaphores,
        "semaphores",
        "System V semaphore set",
    );
    let named = "os.close(os.open('/dev/shm/left', os.O_CREAT | os.O_RDWR))";
    left_and_told(Who::Root, named, "posix-shared-memory", "/dev/shm/left");
}

const LIBC: &str = "ctypes.CDLL(None)";

/// Where the queues' file system is mounted in a cage: only there do their names have a place
/// (mq_overview(7)). Of the cages that have it, one at a time: removing the directory takes the mount away
/// in all of them.
struct Queues {
    made: bool,
    _alone: MutexGuard<'static, ()>,
}

impl Queues {
    fn mount(cage: &mut Cage) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let made = fs::create_dir("/dev/mqueue").is_ok();
        cage.mount(&["-t", "mqueue", "mqueue", "/dev/mqueue"]);
        Self { made, _alone }
    }
}

impl Drop for Queues {
    fn drop(&mut self) {
        if self.made {
            let _ = fs::remove_dir("/dev/mqueue");
        }
    }
}

#[test]
fn a_posix_message_queue_is_named_and_removed() {
    let Some(mut cage) = Cage::new(Who::Root) else {
        return;
    };
    let _queues = Queues::mount(&mut cage);
    let queue = format!("{LIBC}.mq_open(b'/left', os.O_CREAT | os.O_RDWR, 0o600, None)");
    left_there_and_told(&cage, &queue, "posix-message-queue", "/dev/mqueue/left");
}

#[test]
fn what_may_be_another_programs_is_told_and_stays() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let queue = ends_after("ctypes.CDLL(None).msgget(0, 0o1600)");
    let end = cage.check("ended", &queue);
    let left = leftovers(&end);
    assert_eq!(left[0]["removed"], false, "{left:#?}");
    assert_eq!(end.left, ["System V objects: 1"]);
}

/// A neighbour of the same user does this when the program asks for it, and stays.
fn beside_a_neighbour(cage: &Cage, does: &str) -> End {
    let [ask, answer] = ["ask", "answer"].map(|name| cage.path(name));
    for pipe in [&ask, &answer] {
        nix::unistd::mkfifo(pipe, nix::sys::stat::Mode::empty()).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(pipe, open).unwrap();
    }
    let neighbour = format!(
        "import ctypes, os, signal\n\
         os.open({ask:?}, os.O_RDONLY)\n\
         {does}\n\
         os.close(os.open({answer:?}, os.O_WRONLY))\n\
         while True: signal.pause()\n"
    );
    let asks = format!(
        "os.close(os.open({ask:?}, os.O_WRONLY)); os.close(os.open({answer:?}, os.O_RDONLY))"
    );
    cage.check_beside(&neighbour, "tidy", &ends_after(&asks))
}

/// Makes shared memory.
const MAKES: &str = "theirs = os.open('/dev/shm/theirs', os.O_CREAT | os.O_RDWR)";

#[test]
fn what_another_program_of_the_user_has_open_is_not_left_behind() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let end = beside_a_neighbour(&cage, MAKES);
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(leftovers(&end).is_empty(), "{end:#?}");
    assert_eq!(end.left, ["shared: \"theirs\""]);
}

#[test]
fn a_queue_that_another_program_of_the_user_has_open_is_not_left_behind() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    let _queues = Queues::mount(&mut cage);
    let does = format!("{LIBC}.mq_open(b'/theirs', os.O_CREAT | os.O_RDWR, 0o600, None)");
    let end = beside_a_neighbour(&cage, &does);
    assert_eq!(end.code, 0, "{end:#?}");
    assert!(leftovers(&end).is_empty(), "{end:#?}");
}

#[test]
fn a_queue_that_nobody_has_open_may_be_left_behind() {
    let Some(mut cage) = Cage::new(Who::User) else {
        return;
    };
    let _queues = Queues::mount(&mut cage);
    let does = format!("os.close({LIBC}.mq_open(b'/left', os.O_CREAT | os.O_RDWR, 0o600, None))");
    let end = beside_a_neighbour(&cage, &does);
    assert_eq!(end.diagnosis().0, "leftovers", "{end:#?}");
}

#[test]
fn what_nobody_has_open_may_be_left_behind_and_stays() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let end = beside_a_neighbour(&cage, &format!("{MAKES}; os.close(theirs)"));
    assert_eq!(end.code, 1, "{end:#?}");
    assert_eq!(end.diagnosis().0, "leftovers", "{end:#?}");
    assert_eq!(end.left, ["shared: \"theirs\""]);
}

#[test]
fn python_has_its_locks_behind_the_fence() {
    let Some(cage) = Cage::new(Who::User) else {
        return;
    };
    let locks = "import multiprocessing\n\
                 q = multiprocessing.Queue(); q.put(1); q.get(); q.close()\n\
                 serve()\n";
    let directory = cage.directory(locks);
    let end = cage
        .run(&["--json", "--stage", "serve", "--dir", &directory])
        .leaves_nothing();
    assert_eq!(end.code, 0, "{end:#?}");
}

#[test]
fn a_program_that_ignores_sigterm_is_said_to_and_ended() {
    let Some(cage) = Cage::new(Who::Root) else {
        return;
    };
    let ignores = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nserve()\n";
    let end = cage.check("ended", ignores).leaves_nothing();
    assert_eq!(end.code, 1, "{end:#?}");
    let report = end.report();
    let saw = &report["stages"][0]["failure"]["saw"]["words"];
    assert!(
        saw.as_str().unwrap().starts_with("it still ran after"),
        "{saw}"
    );
}

#[test]
fn a_private_directory_that_is_closed_goes_all_the_same() {
    for who in [Who::User, Who::Root] {
        let Some(cage) = Cage::new(who) else { continue };
        let closes = "def close(c):\n\
                      \x20   home = os.environ['HOME']; os.makedirs(home + '/a/b')\n\
                      \x20   for d in [home + '/a/b', home + '/a', home, os.path.dirname(home)]: os.chmod(d, 0)\n\
                      serve(close)\n";
        let end = cage.check("serve", closes).leaves_nothing();
        assert_eq!(end.code, 0, "{end:#?}");
    }
}
