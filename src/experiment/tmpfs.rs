//! Experiments about tmpfs: what a file in memory takes, and the two ways in which such a directory
//! is full.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::order::{Kind, Order, Outcome};
use super::recorded::{BY_A_USER, Part, or_recorded};
use super::setting::socket;
use super::stage::{Actor, Stage};
use super::standing::{Space, Standing};
use super::{Failure, Nothing, parameters, path};

/// One tebibyte.
const LONG: u64 = 1 << 40;

/// One exbibyte: longer than any tmpfs is large.
const LONGEST: u64 = 1 << 60;

fn file(touch: Touch) -> Order {
    Order::File(touch)
}

/// What a file takes, in bytes; the look is written down.
fn taken(stage: &mut Stage, actor: &mut Actor, fd: i32) -> Result<u64, Failure> {
    let told = stage.call(actor, file(Touch::Usage(fd)))?;
    Ok(told.usage()?.1)
}

/// `tmpfs.memory`: part a, a file in memory is made long, written, read and punched; part b, what
/// /dev/shm and a memfd have in common, and a mount with a limit beyond any memory.
pub(super) fn memory(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut writer = stage.actor("writer")?;
    let page = rustix::param::page_size();

    stage.part("a");
    let create = file(Touch::Memfd("cache".to_owned()));
    let cache = stage.call(&mut writer, create)?.descriptor()?;
    stage
        .call(&mut writer, file(Touch::Truncate(cache, LONG)))?
        .done()?;
    let empty = stage.decisive(&mut writer, file(Touch::Usage(cache)))?;
    let (size, empty) = empty.usage()?;
    let last = LONG - 1;
    let wrote = stage.call(&mut writer, file(Touch::WriteAt(cache, 1, last)))?;
    wrote.count()?;
    let written = taken(stage, &mut writer, cache)?;
    let order = file(Touch::ReadAt(cache, page, 0));
    let read = stage.call(&mut writer, order)?.count()?;
    let after_read = taken(stage, &mut writer, cache)?;
    let page = page as u64;
    let order = file(Touch::Punch(cache, LONG - page, page));
    stage.call(&mut writer, order)?.done()?;
    let punched = taken(stage, &mut writer, cache)?;
    let a = json!({
        "size": size, "empty": empty, "written": written, "page": page, "read": read,
        "after_read": after_read, "punched": punched, "fd": cache,
    });

    stage.part("b");
    let directory = "/dev/shm";
    let order = file(Touch::Room(directory.to_owned()));
    let room = stage.call(&mut writer, order)?;
    let missing = |_| Failure::Lacking(format!("the directory {directory}"));
    let (shared, limit) = room.file_system().map_err(missing)?;
    let behind = stage.decisive(&mut writer, file(Touch::RoomBehind(cache)))?;
    let (same, own_limit) = behind.file_system()?;
    let order = file(Touch::Nameless(directory.to_owned()));
    let note = stage.call(&mut writer, order)?.descriptor()?;
    let lengthened = stage.call(&mut writer, file(Touch::Truncate(note, LONGEST)))?;
    let told = stage.call(&mut writer, file(Touch::Usage(note)))?;
    let (length, note_taken) = told.usage()?;
    let (mounted, used) = oversized(stage)?;
    let b = json!({
        "shm": if shared { "tmpfs" } else { "something else" },
        "memfd": if same { "tmpfs" } else { "something else" },
        "limit": limit, "memfd_limit": own_limit, "lengthened": lengthened.name(),
        "length": length, "note": note_taken, "fd": note, "cache": cache,
        "mounted": mounted, "used": used,
    });
    Ok(json!({ "a": a, "b": b }))
}

/// Mounts a tmpfs with a limit of one tebibyte where that is permitted: what came of it, and how many
/// bytes of it are in use, or −1.
fn oversized(stage: &mut Stage) -> Result<(String, i64), Failure> {
    let mut admin = stage.actor("admin")?;
    let order = Order::Standing(Standing::Unshare(Space::Mounts));
    let unshared = stage.call(&mut admin, order)?;
    if unshared.result.is_err() {
        return Ok((unshared.name(), -1));
    }
    let at = "huge";
    stage
        .quietly(&mut admin, &Order::Mkdir(at.to_owned()))?
        .done()?;
    let order = file(Touch::Mount(at.to_owned(), "size=1024G".to_owned()));
    let mounted = stage.call(&mut admin, order)?;
    if mounted.result.is_err() {
        return Ok((mounted.name(), -1));
    }
    let room = stage.call(&mut admin, file(Touch::Room(at.to_owned())))?;
    let (_, limit) = room.file_system()?;
    let (free, _) = room.free()?;
    let used = i64::try_from(limit - free).unwrap_or(-1);
    Ok((mounted.name(), used))
}

/// `tmpfs.full`: part a, a tmpfs without a byte left, whose largest file is removed while it is open;
/// part b, one without an inode left. It needs a mount namespace of its own; where there can be none,
/// a recorded run is shown.
pub(super) fn full(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    or_recorded(stage, filled, recorded)
}

/// The same as it was seen on another machine, whose pages have 4096 bytes.
fn recorded() -> Vec<Part> {
    vec![
        Part {
            id: "a",
            source: BY_A_USER,
            lines: &[
                ("admin", "mount(\"run\", \"tmpfs\", \"size=65536\")", "0"),
                ("recorder", "open(\"run/log\", O_RDWR|O_CREAT)", "4"),
                ("recorder", "write(4, buffer, 131072)", "65536"),
                ("recorder", "write(4, buffer, 1)", "-1 ENOSPC"),
                ("admin", "bind(3, \"run/a.sock\")", "0"),
                ("admin", "unlink(\"run/log\")", "0"),
                ("admin", "statfs(\"run\")", "0, 0 of 65536 bytes free"),
                ("recorder", "exit_group(0)", "?"),
                ("admin", "statfs(\"run\")", "0, 65536 of 65536 bytes free"),
            ],
            decisive: 6,
            seen: json!({
                "limit": 65536, "tried": 131_072, "wrote": 65536, "more": "ENOSPC", "fd": 4,
                "while_full": "success", "removed": 0, "ended": 65536,
            }),
        },
        Part {
            id: "b",
            source: BY_A_USER,
            lines: &[
                (
                    "admin",
                    "mount(\"names\", \"tmpfs\", \"size=65536,nr_inodes=3\")",
                    "0",
                ),
                ("admin", "bind(4, \"names/a\")", "0"),
                ("admin", "bind(5, \"names/b\")", "0"),
                ("admin", "bind(6, \"names/c\")", "-1 ENOSPC"),
                (
                    "admin",
                    "statfs(\"names\")",
                    "0, 65536 bytes free, 0 inodes free",
                ),
                ("admin", "unlink(\"names/b\")", "0"),
                ("admin", "bind(6, \"names/c\")", "-1 ENOSPC"),
                ("admin", "close(5)", "0"),
                ("admin", "bind(6, \"names/c\")", "0"),
                ("admin", "rename(\"names/a\", \"names/d\")", "0"),
            ],
            decisive: 3,
            seen: json!({
                "first": "success", "second": "success", "third": "ENOSPC", "free": 65536,
                "limit": 65536, "inodes": 0, "unlinked": "ENOSPC", "closed": "success",
                "renamed": "success", "fd": 5, "third_fd": 6,
            }),
        },
    ]
}

fn filled(stage: &mut Stage) -> Result<Value, Failure> {
    let page = rustix::param::page_size();
    let limit = 16 * page;
    let mut admin = stage.actor("admin")?;
    let order = Order::Standing(Standing::Unshare(Space::Mounts));
    let unshared = stage.quietly(&mut admin, &order)?;
    let lacking = |what: &str, outcome: &Outcome| {
        let error = outcome.name();
        Failure::Lacking(format!(
            "a mount namespace of one's own ({what} gives {error})"
        ))
    };
    unshared.done().map_err(|_| lacking("unshare", &unshared))?;
    for at in ["run", "names"] {
        stage
            .quietly(&mut admin, &Order::Mkdir(at.to_owned()))?
            .done()?;
    }

    stage.part("a");
    let order = file(Touch::Mount("run".to_owned(), format!("size={limit}")));
    let mounted = stage.call(&mut admin, order)?;
    mounted.done().map_err(|_| lacking("mount", &mounted))?;
    let mut recorder = stage.fork(&mut admin, "recorder")?;
    let log = "run/log".to_owned();
    let order = file(Touch::Create(log.clone()));
    let fd = stage.call(&mut recorder, order)?.descriptor()?;
    let order = file(Touch::WriteMany(fd, 2 * limit));
    let wrote = stage.call(&mut recorder, order)?.count()?;
    let more = stage.call(&mut recorder, file(Touch::WriteMany(fd, 1)))?;
    let bound = socket(stage, &mut admin, Kind::Stream)?;
    let name = path("run/a.sock");
    let while_full = stage.call(&mut admin, Order::Bind(bound, name))?;
    stage.call(&mut admin, Order::Unlink(log))?.done()?;
    let room = || file(Touch::Room("run".to_owned()));
    let (removed, _) = stage.decisive(&mut admin, room())?.free()?;
    stage.end(recorder);
    let (ended, _) = stage.call(&mut admin, room())?.free()?;
    let a = json!({
        "limit": limit, "tried": 2 * limit, "wrote": wrote, "more": more.name(), "fd": fd,
        "while_full": while_full.name(), "removed": removed, "ended": ended,
    });

    stage.part("b");
    let options = format!("size={limit},nr_inodes=3");
    let order = file(Touch::Mount("names".to_owned(), options));
    stage.call(&mut admin, order)?.done()?;
    let mut fds = Vec::new();
    let mut bound = Vec::new();
    for name in ["names/a", "names/b", "names/c"] {
        let fd = socket(stage, &mut admin, Kind::Stream)?;
        let order = Order::Bind(fd, path(name));
        fds.push(fd);
        bound.push(if name == "names/c" {
            stage.decisive(&mut admin, order)?.name()
        } else {
            stage.call(&mut admin, order)?.name()
        });
    }
    let room = file(Touch::Room("names".to_owned()));
    let (free, inodes) = stage.call(&mut admin, room)?.free()?;
    let order = Order::Unlink("names/b".to_owned());
    stage.call(&mut admin, order)?.done()?;
    let third = || Order::Bind(fds[2], path("names/c"));
    let unlinked = stage.call(&mut admin, third())?;
    stage.call(&mut admin, Order::Close(fds[1]))?.done()?;
    let closed = stage.call(&mut admin, third())?;
    let order = file(Touch::Rename("names/a".to_owned(), "names/d".to_owned()));
    let renamed = stage.call(&mut admin, order)?;
    let b = json!({
        "first": bound[0], "second": bound[1], "third": bound[2], "free": free, "limit": limit,
        "inodes": inodes, "unlinked": unlinked.name(), "closed": closed.name(),
        "renamed": renamed.name(), "fd": fds[1], "third_fd": fds[2],
    });
    Ok(json!({ "a": a, "b": b }))
}
