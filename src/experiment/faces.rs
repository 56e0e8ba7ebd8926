//! `cred.which-uid`: one process and its user, seen from inside and outside of a user namespace, and
//! from inside and outside of a pid namespace. It needs the right to make them.

use serde_json::{Map, Value, json};

use super::files::Touch;
use super::identity::Act;
use super::order::{Kind, Order};
use super::recorded::{BY_A_USER, Part, or_recorded};
use super::setting::{bound, socket};
use super::stage::{Actor, Stage};
use super::standing::{Space, Standing};
use super::{Failure, Nothing, parameters, path};

const NAME: &str = "desk.sock";

/// The user that root plays: one that no machine has for a purpose.
const ORDINARY: u32 = 12345;

fn standing(standing: Standing) -> Order {
    Order::Standing(standing)
}

fn getuid(stage: &mut Stage, actor: &mut Actor) -> Result<i64, Failure> {
    stage.call(actor, standing(Standing::Getuid))?.number()
}

/// Connects the client to the server: the descriptors of the client's and of the server's end.
fn connect(
    stage: &Stage,
    server: (&mut Actor, i32),
    client: &mut Actor,
) -> Result<(i32, i32), Failure> {
    let own = socket(stage, client, Kind::Stream)?;
    stage
        .quietly(client, &Order::Connect(own, path(NAME)))?
        .done()?;
    let accepted = stage.quietly(server.0, &Order::Accept(server.1))?;
    Ok((own, accepted.descriptor()?))
}

/// Part a: a process that is root in its namespace, and one without a map; part b: a pid namespace;
/// beside them, where root's privilege allows it, a process whose real and effective user differ.
/// Where there can be no namespaces, a recorded run is shown.
pub(super) fn which_uid(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    or_recorded(stage, seen, recorded)
}

/// The same as it was seen on another machine by user 1000.
fn recorded() -> Vec<Part> {
    vec![
        Part {
            id: "a",
            source: BY_A_USER,
            lines: &[
                ("server", "getuid()", "1000"),
                ("guest", "unshare(CLONE_NEWUSER), 0 mapped", "0"),
                ("guest", "getuid()", "0"),
                (
                    "server",
                    "getsockopt(4, SO_PEERCRED)",
                    "0, pid 4103, uid 1000",
                ),
                ("guest", "getsockopt(3, SO_PEERCRED)", "0, pid 4101, uid 0"),
                ("stray", "unshare(CLONE_NEWUSER), no map", "0"),
                ("stray", "getuid()", "65534"),
                (
                    "server",
                    "getsockopt(5, SO_PEERCRED)",
                    "0, pid 4105, uid 1000",
                ),
                (
                    "stray",
                    "getsockopt(3, SO_PEERCRED)",
                    "0, pid 4101, uid 65534",
                ),
            ],
            decisive: 3,
            seen: json!({
                "uid": 1000, "inside": 0, "outside": 1000, "servers": 0, "stray_inside": 65534,
                "stray_outside": 1000, "stray_sees": 65534, "overflow": 65534, "faces": "EPERM",
                "effective": -1, "real": -1, "guest_fd": 3, "server_fd": 4,
            }),
        },
        Part {
            id: "b",
            source: BY_A_USER,
            lines: &[
                ("launcher", "unshare(CLONE_NEWUSER|CLONE_NEWPID)", "0"),
                ("launcher", "fork()", "4107"),
                ("first", "getpid()", "1"),
                (
                    "server",
                    "getsockopt(6, SO_PEERCRED)",
                    "0, pid 4107, uid 1000",
                ),
                ("first", "getsockopt(4, SO_PEERCRED)", "0, pid 0, uid 0"),
            ],
            decisive: 4,
            seen: json!({
                "own": 1, "outside": 4107, "from_outside": 4107, "from_inside": 0,
                "server": 4101, "first_fd": 4, "server_fd": 6,
            }),
        },
    ]
}

fn seen(stage: &mut Stage) -> Result<Value, Failure> {
    let mut server = stage.actor("server")?;
    let listening = bound(stage, &mut server, Kind::Stream, NAME)?;
    let faces = two_faces(stage, (&mut server, listening))?;
    as_ordinary(stage, &mut server)?;
    let order = Order::Listen(listening, 8);
    stage.quietly(&mut server, &order)?.done()?;
    let lacking = |name: &str| {
        Failure::Lacking(format!(
            "a user namespace of one's own (unshare gives {name})"
        ))
    };

    stage.part("a");
    let true_uid = getuid(stage, &mut server)?;
    let mut guest = stage.actor("guest")?;
    as_ordinary(stage, &mut guest)?;
    let order = standing(Standing::Unshare(Space::User));
    let unshared = stage.call(&mut guest, order)?;
    unshared.done().map_err(|_| lacking(&unshared.name()))?;
    let inside = getuid(stage, &mut guest)?;
    let (guest_fd, guest_end) = connect(stage, (&mut server, listening), &mut guest)?;
    let told = stage.decisive(&mut server, Order::PeerCredentials(guest_end))?;
    let (_, outside, _) = told.credentials()?;
    let told = stage.call(&mut guest, Order::PeerCredentials(guest_fd))?;
    let (_, servers, _) = told.credentials()?;
    let mut stray = stage.actor("stray")?;
    as_ordinary(stage, &mut stray)?;
    let order = standing(Standing::Unshare(Space::Unmapped));
    stage.call(&mut stray, order)?.done()?;
    let stray_inside = getuid(stage, &mut stray)?;
    let (stray_fd, stray_end) = connect(stage, (&mut server, listening), &mut stray)?;
    let told = stage.call(&mut server, Order::PeerCredentials(stray_end))?;
    let (_, stray_outside, _) = told.credentials()?;
    let told = stage.call(&mut stray, Order::PeerCredentials(stray_fd))?;
    let (_, stray_sees, _) = told.credentials()?;
    let overflow = std::fs::read_to_string("/proc/sys/kernel/overflowuid")
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok())
        .ok_or_else(|| Failure::Lacking("the file /proc/sys/kernel/overflowuid".into()))?;
    let a = json!({
        "uid": true_uid, "inside": inside, "outside": outside, "servers": servers,
        "stray_inside": stray_inside, "stray_outside": stray_outside, "stray_sees": stray_sees,
        "overflow": overflow, "faces": faces.0, "effective": faces.1, "real": faces.2,
        "guest_fd": guest_fd, "server_fd": guest_end,
    });

    stage.part("b");
    let mut launcher = stage.actor("launcher")?;
    let order = standing(Standing::Unshare(Space::Pids));
    let unshared = stage.call(&mut launcher, order)?;
    unshared.done().map_err(|_| lacking(&unshared.name()))?;
    let mut first = stage.fork(&mut launcher, "first")?;
    let own = stage
        .call(&mut first, Order::Identity(Act::Getpid))?
        .process()?;
    let (first_fd, first_end) = connect(stage, (&mut server, listening), &mut first)?;
    let told = stage.call(&mut server, Order::PeerCredentials(first_end))?;
    let (from_outside, _, _) = told.credentials()?;
    let told = stage.decisive(&mut first, Order::PeerCredentials(first_fd))?;
    let (from_inside, _, _) = told.credentials()?;
    let b = json!({
        "own": own, "outside": first.pid(), "from_outside": from_outside,
        "from_inside": from_inside, "server": server.pid(), "first_fd": first_fd,
        "server_fd": first_end,
    });
    drop(first);
    drop(launcher);
    Ok(json!({ "a": a, "b": b }))
}

/// Root has the same number on both sides of its namespaces, so it plays an ordinary user.
pub(super) fn as_ordinary(stage: &Stage, actor: &mut Actor) -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let became = stage.quietly(actor, &standing(Standing::Become(ORDINARY)))?;
    let lacking = |_| Failure::Lacking("a user that root may become".to_owned());
    became.done().map_err(lacking)
}

/// Lets other users reach the name, and listens for as long as this takes: the user that SO_PEERCRED
/// and a message show of a process whose effective user is not its real one, and whether that could
/// be arranged.
fn two_faces(
    stage: &Stage,
    (server, listening): (&mut Actor, i32),
) -> Result<(String, i64, i64), Failure> {
    for (name, mode) in [(".", 0o711), (NAME, 0o777)] {
        let order = Order::File(Touch::Chmod(name.to_owned(), mode));
        stage.quietly(server, &order)?.done()?;
    }
    let order = Order::Listen(listening, 8);
    stage.quietly(server, &order)?.done()?;
    let mut helper = stage.actor("helper")?;
    let changed = stage.quietly(&mut helper, &standing(Standing::Effective(65534)))?;
    if changed.result.is_err() {
        return Ok((changed.name(), -1, -1));
    }
    let (own, end) = connect(stage, (server, listening), &mut helper)?;
    let told = stage.quietly(server, &Order::PeerCredentials(end))?;
    let (_, effective, _) = told.credentials()?;
    let order = Order::Identity(Act::PassCredentials(end));
    stage.quietly(server, &order)?.done()?;
    let order = Order::Write(own, "who".to_owned());
    stage.quietly(&mut helper, &order)?.done()?;
    let order = Order::Identity(Act::ReceiveCredentials(end, 100));
    let message = stage.quietly(server, &order)?;
    let real = message.signed()?.1.map_or(-1, |(_, uid, _)| uid);
    Ok((changed.name(), effective, real))
}
