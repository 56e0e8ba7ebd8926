//! Room and rights: `tmpfs.memory`, `tmpfs.full`, `socket.locks`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::within;
use crate::experiment::files::Touch;
use crate::experiment::order::{Kind, Order, Outcome};
use crate::experiment::setting::{hasty, listener, socket, without_privileges};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::standing::{Space, Standing};
use crate::experiment::{Failure, parameters, path};

fn file(touch: Touch) -> Order {
    Order::File(touch)
}

fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Memory {
    /// Length of the file in MiB.
    mib: u64,
    /// Places at which one byte is written.
    places: u64,
    /// From one place to the next, in halves of a page.
    halves: u64,
    /// Pages that are punched out at the beginning.
    punched: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            mib: 1 << 20,
            places: 1,
            halves: 2,
            punched: 1,
        }
    }
}

/// A file in memory: long, written here and there, punched.
pub fn memory(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Memory {
        mib,
        places,
        halves,
        punched,
    } = parameters(params)?;
    within("mib", mib, (1, 1 << 20))?;
    within("places", places, (1, 12))?;
    within("halves", halves, (1, 6))?;
    within("punched", punched, (1, 10))?;
    let page = page_size();
    let mut writer = stage.actor("writer")?;
    stage.part("a");
    let create = file(Touch::Memfd("cache".to_owned()));
    let fd = stage.call(&mut writer, create)?.descriptor()?;
    stage
        .call(&mut writer, file(Touch::Truncate(fd, mib << 20)))?
        .done()?;
    let pages = |stage: &mut Stage, writer: &mut Actor| -> Result<u64, Failure> {
        let told = stage.decisive(writer, file(Touch::Usage(fd)))?;
        Ok(told.usage()?.1 / page)
    };
    let empty = pages(stage, &mut writer)?;
    for place in 0..places {
        let order = file(Touch::WriteAt(fd, 1, place * halves * page / 2));
        stage.call(&mut writer, order)?.done()?;
    }
    let written = pages(stage, &mut writer)?;
    let order = file(Touch::Punch(fd, 0, punched * page));
    stage.call(&mut writer, order)?.done()?;
    let left = pages(stage, &mut writer)?;
    let a = json!({ "empty": empty, "written": written, "left": left });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Full {
    /// The limit in pages.
    pages: u64,
    /// Pages of a file that stays.
    other: u64,
    /// The limit of inodes.
    inodes: u64,
}

impl Default for Full {
    fn default() -> Self {
        Self {
            pages: 16,
            other: 0,
            inodes: 3,
        }
    }
}

/// A tmpfs that is filled beside another file and emptied again, and one with few inodes. It needs a
/// mount namespace of its own.
pub fn full(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Full {
        pages,
        other,
        inodes,
    } = parameters(params)?;
    within("pages", pages, (2, 100))?;
    within("other", other, (0, pages - 1))?;
    within("inodes", inodes, (2, 12))?;
    let page = page_size();
    let mut admin = stage.actor("admin")?;
    let order = Order::Standing(Standing::Unshare(Space::Mounts));
    let unshared = stage.quietly(&mut admin, &order)?;
    let lacking = |outcome: &Outcome| {
        let (call, error) = (&outcome.call, outcome.name());
        Failure::Lacking(format!(
            "a mount namespace of one's own ({call} gives {error})"
        ))
    };
    unshared.done().map_err(|_| lacking(&unshared))?;
    for at in ["run", "names"] {
        stage
            .quietly(&mut admin, &Order::Mkdir(at.to_owned()))?
            .done()?;
    }
    stage.part("a");
    let options = format!("size={}", pages * page);
    let order = file(Touch::Mount("run".to_owned(), options));
    let mounted = stage.call(&mut admin, order)?;
    mounted.done().map_err(|_| lacking(&mounted))?;
    let bytes = |pages: u64| usize::try_from(pages * page).unwrap_or(usize::MAX);
    let order = file(Touch::Create("run/notes".to_owned()));
    let notes = stage.call(&mut admin, order)?.descriptor()?;
    if other > 0 {
        let order = file(Touch::WriteMany(notes, bytes(other)));
        stage.call(&mut admin, order)?.done()?;
    }
    let order = file(Touch::Create("run/log".to_owned()));
    let log = stage.call(&mut admin, order)?.descriptor()?;
    let order = file(Touch::WriteMany(log, bytes(2 * pages)));
    let wrote = stage.decisive(&mut admin, order)?.count()? as u64 / page;
    let order = Order::Unlink("run/log".to_owned());
    stage.call(&mut admin, order)?.done()?;
    let room = || file(Touch::Room("run".to_owned()));
    let (removed, _) = stage.decisive(&mut admin, room())?.free()?;
    stage.call(&mut admin, Order::Close(log))?.done()?;
    let (closed, _) = stage.decisive(&mut admin, room())?.free()?;
    let options = format!("nr_inodes={inodes}");
    let order = file(Touch::Mount("names".to_owned(), options));
    stage.call(&mut admin, order)?.done()?;
    let mut bound = 0;
    loop {
        let fd = socket(stage, &mut admin, Kind::Stream)?;
        let order = Order::Bind(fd, path(&format!("names/{bound}")));
        if stage.call(&mut admin, order)?.result.is_err() || bound > 20 {
            stage.mark();
            break;
        }
        bound += 1;
    }
    let a = json!({
        "wrote": wrote, "removed": removed / page, "closed": closed / page, "bound": bound,
    });
    Ok(json!({ "a": a }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Locks {
    /// Mode of the socket file, in octal; the client is its owner.
    door: String,
    /// Mode of its directory.
    hall: String,
    /// The umask of a server.
    umask: String,
    /// The mode that fchmod gives a socket before bind.
    early: String,
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            door: "0222".to_owned(),
            hall: "0700".to_owned(),
            umask: "0022".to_owned(),
            early: "0600".to_owned(),
        }
    }
}

/// A mode that is written in octal.
fn octal(name: &str, text: &str) -> Result<u32, Failure> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|&it| it <= 0o777);
    let message = || format!("`{name}` is {text:?}; it is a mode in octal, such as 0600");
    mode.ok_or_else(|| Failure::Parameters(message()))
}

/// A door with its two locks, and the modes that sockets are born with.
pub fn locks(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let locks: Locks = parameters(params)?;
    let door_mode = octal("door", &locks.door)?;
    let hall_mode = octal("hall", &locks.hall)?;
    let umask = octal("umask", &locks.umask)?;
    let early = octal("early", &locks.early)?;
    let (hall, door) = ("hall", "hall/door");
    let mut owner = stage.actor("owner")?;
    let mut client = stage.actor("client")?;
    without_privileges(stage, &mut client)?;
    stage
        .quietly(&mut owner, &Order::Mkdir(hall.to_owned()))?
        .done()?;
    listener(stage, &mut owner, door, 8)?;
    stage.part("a");
    for (name, mode) in [(door, door_mode), (hall, hall_mode)] {
        let order = file(Touch::Chmod(name.to_owned(), mode));
        stage.call(&mut owner, order)?.done()?;
    }
    let fd = hasty(stage, &mut client)?;
    let connected = stage.decisive(&mut client, Order::Connect(fd, path(door)))?;
    let order = file(Touch::Chmod(hall.to_owned(), 0o700));
    stage.quietly(&mut owner, &order)?.done()?;
    let order = file(Touch::Umask(umask));
    stage.call(&mut owner, order)?.done()?;
    let mut modes = Vec::new();
    for (name, mode) in [("plain", None), ("early", Some(early))] {
        let fd = socket(stage, &mut owner, Kind::Stream)?;
        if let Some(mode) = mode {
            let order = file(Touch::Fchmod(fd, mode));
            stage.call(&mut owner, order)?.done()?;
        }
        stage
            .call(&mut owner, Order::Bind(fd, path(name)))?
            .done()?;
        let told = stage.decisive(&mut owner, Order::Stat(name.to_owned()))?;
        let (told, _) = told.stat()?;
        let mode = told.split("mode ").nth(1).and_then(|rest| rest.get(..4));
        modes.push(mode.unwrap_or_default().to_owned());
    }
    let a = json!({ "connect": connected.name(), "plain": modes[0], "early": modes[1] });
    Ok(json!({ "a": a }))
}
