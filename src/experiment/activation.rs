//! `listen.fds`: a program that is handed its sockets under numbers, and what goes wrong on the way.

use serde_json::{Map, Value, json};

use super::deed::Deed;
use super::environment::wrapper;
use super::handed::Handed;
use super::identity::Act;
use super::letter::Letter;
use super::order::{Kind, Order};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

/// `SD_LISTEN_FDS_START`: the first descriptor that is handed on (sd_listen_fds(3)).
const START: i32 = 3;

fn handed(handed: Handed) -> Order {
    Order::Handed(handed)
}

fn pid_of(actor: &Actor) -> i32 {
    i32::try_from(actor.pid()).unwrap_or(0)
}

fn strings(pid: i32) -> Vec<String> {
    vec!["LISTEN_FDS=1".to_owned(), format!("LISTEN_PID={pid}")]
}

/// What a service finds: the pid in `LISTEN_PID`, its own, and whether the descriptor is open.
struct Found {
    named: i32,
    own: i32,
    open: bool,
}

impl Found {
    fn mine(&self) -> bool {
        self.named == self.own
    }
}

/// Part a: a manager listens, a client connects and writes, and only then the service is started.
/// Part b: a shell stands between them. Part c: dup2(2) of a descriptor onto its own number.
pub(super) fn listen_fds(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let name = "print.sock";
    let mut manager = stage.actor("manager")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.quietly(&mut manager, &order)?.descriptor()?;
    if listener != START {
        return Err(Failure::Fault(format!(
            "the first descriptor is {listener}"
        )));
    }
    stage
        .call(&mut manager, Order::Bind(listener, path(name)))?
        .done()?;
    stage
        .call(&mut manager, Order::Listen(listener, 5))?
        .done()?;
    let own = stage.quietly(&mut client, &order)?.descriptor()?;
    let connected = stage.call(&mut client, Order::Connect(own, path(name)))?;
    let word = "page 1";
    let written = stage.call(&mut client, Order::Write(own, word.to_owned()))?;
    let mut service = stage.fork(&mut manager, "service")?;
    let pid = pid_of(&service);
    stage.become_program(&mut service, "service", Letter::Execute(strings(pid)))?;
    let found = look(stage, &mut service)?;
    let accepted = stage.call(&mut service, Order::Accept(START))?;
    let accepted = accepted.descriptor()?;
    let read = stage.decisive(&mut service, Order::Read(accepted, 100))?;
    let told = stage.call(&mut client, Order::PeerCredentials(own))?;
    let (peer, _, _) = told.credentials()?;
    let a = json!({
        "manager": manager.pid(), "service": service.pid(), "client_fd": own,
        "listener": listener, "connected": connected.name(), "written": written.name(),
        "word": word, "read": read.bytes().unwrap_or_default(), "named": found.named,
        "own": found.own, "mine": found.mine(), "open": found.open, "accepted": accepted,
        "peer": peer,
    });
    drop(service);

    stage.part("b");
    let mut wrapped = stage.fork(&mut manager, "sh")?;
    let shell = pid_of(&wrapped);
    let order = Letter::Wrapped(wrapper("", "; true"), strings(shell));
    stage.become_program(&mut wrapped, "sh", order)?;
    wrapped.rename("service");
    let behind = look(stage, &mut wrapped)?;
    stage.mark();
    let open = stage.quietly(&mut wrapped, &Order::Listening(START))?;
    let listens = open.flag().unwrap_or(false);
    drop(wrapped);
    let mut replaced = stage.fork_quietly(&mut manager, "sh")?;
    let pid = pid_of(&replaced);
    let order = Letter::Wrapped(wrapper("exec", ""), strings(pid));
    stage.become_program(&mut replaced, "sh 2", order)?;
    replaced.rename("service 2");
    let in_place = look(stage, &mut replaced)?;
    let b = json!({
        "shell": shell, "named": behind.named, "own": behind.own, "mine": behind.mine(),
        "open": behind.open, "listens": listens, "exec_named": in_place.named,
        "exec_own": in_place.own, "exec_mine": in_place.mine(),
    });
    drop(replaced);
    drop(manager);

    stage.part("c");
    let mut first = stage.actor("manager 1")?;
    let closing = handed(Handed::SocketClosing);
    let socket = stage.call(&mut first, closing.clone())?.descriptor()?;
    let same = stage.call(&mut first, handed(Handed::Onto(socket, START)))?;
    let kept = flags(stage, &mut first, START)?;
    let mut service = served(stage, &mut first, "service 1")?;
    let order = handed(Handed::Inherited(START));
    let trapped = stage.decisive(&mut service, order.clone())?;
    let mut second = stage.actor("manager 2")?;
    let log = stage.quietly(&mut second, &handed(Handed::SocketClosing))?;
    if log.descriptor()? != START {
        return Err(Failure::Fault("the first descriptor is not 3".to_owned()));
    }
    let other = stage.call(&mut second, closing)?.descriptor()?;
    stage
        .call(&mut second, handed(Handed::Onto(other, START)))?
        .descriptor()?;
    let cleared = flags(stage, &mut second, START)?;
    let mut service = served(stage, &mut second, "service 2")?;
    let open = stage.call(&mut service, order.clone())?;
    // The cure where the number is right already.
    let keep = handed(Handed::KeepOpen(START));
    stage.quietly(&mut first, &keep)?.done()?;
    let mut service = served(stage, &mut first, "service 3")?;
    let mended = stage.quietly(&mut service, &order)?;
    let wayland = wayland_socket(stage)?;
    let c = json!({
        "socket": socket, "same": same.name(), "kept": kept, "trapped": trapped.name(),
        "other": other, "cleared": cleared, "served": open.name(), "mended": mended.name(),
        "wayland_fd": wayland.0, "wayland_named": wayland.1, "wayland_word": wayland.2,
        "wayland_read": wayland.3, "wayland_name": wayland.4,
    });
    Ok(json!({ "a": a, "b": b, "c": c }))
}

/// A service of a manager, quietly forked and executed, that is told its own pid.
fn served(stage: &mut Stage, manager: &mut Actor, name: &str) -> Result<Actor, Failure> {
    let mut service = stage.fork_quietly(manager, name)?;
    let order = Letter::Execute(strings(pid_of(&service)));
    stage.become_quietly(&mut service, order)?;
    Ok(service)
}

/// What `sd_listen_fds(3)` looks at: the variable, the descriptor, and last its own pid.
fn look(stage: &mut Stage, service: &mut Actor) -> Result<Found, Failure> {
    let named = Order::Getenv("LISTEN_PID".to_owned());
    let named = stage.call(service, named)?;
    let named = named.value()?.and_then(|pid| pid.parse().ok()).unwrap_or(0);
    let open = stage.call(service, handed(Handed::Inherited(START)))?;
    let own = stage.call(service, Order::Identity(Act::Getpid))?;
    Ok(Found {
        named,
        own: own.process()?,
        open: open.result.is_ok(),
    })
}

fn flags(stage: &mut Stage, actor: &mut Actor, fd: i32) -> Result<String, Failure> {
    let flags = stage.call(actor, Order::On(fd, Deed::DescriptorFlags))?;
    Ok(flags.told()?.to_owned())
}

/// A connection without a name, handed on as `WAYLAND_SOCKET`: its number, what the variable says,
/// what was written, what was read, and the name of the socket.
fn wayland_socket(stage: &mut Stage) -> Result<(i32, i32, &'static str, String, String), Failure> {
    let variable = "WAYLAND_SOCKET";
    let mut compositor = stage.actor("compositor")?;
    let pair = stage.quietly(&mut compositor, &handed(Handed::Pair))?;
    let (ours, theirs) = pair.ends()?;
    let mut program = stage.fork_quietly(&mut compositor, "program")?;
    let string = format!("{variable}={theirs}");
    stage.become_quietly(&mut program, Letter::Execute(vec![string]))?;
    let named = stage.quietly(&mut program, &Order::Getenv(variable.to_owned()))?;
    let named = named.value()?.and_then(|fd| fd.parse().ok()).unwrap_or(-1);
    let taken = stage.quietly(&mut program, &handed(Handed::Inherited(named)))?;
    taken.done()?;
    let word = "get_registry";
    let order = Order::Write(named, word.to_owned());
    stage.quietly(&mut program, &order)?.done()?;
    let read = stage.quietly(&mut compositor, &Order::Read(ours, 100))?;
    let order = Order::On(named, Deed::Name);
    let name = stage.quietly(&mut program, &order)?;
    Ok((theirs, named, word, read.bytes()?, name.told()?.to_owned()))
}
