//! Descriptors on their way: `unix.lost-descriptors`, `listen.fds`, `clip.broker`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{letters, received, within};
use crate::experiment::af_unix::connect_quietly;
use crate::experiment::deed::Deed;
use crate::experiment::environment::wrapper;
use crate::experiment::handed::Handed;
use crate::experiment::identity::Act;
use crate::experiment::letter::Letter;
use crate::experiment::order::{Got, Kind, Order, Outcome};
use crate::experiment::stage::Stage;
use crate::experiment::traffic::Traffic;
use crate::experiment::{Failure, parameters, path};

/// Whether something is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Lost {
    /// Descriptors in the message.
    sent: usize,
    /// Room for control data, in bytes.
    room: usize,
    /// `SO_PASSCRED` at the receiver.
    passcred: Switch,
}

impl Default for Lost {
    fn default() -> Self {
        Self {
            sent: 3,
            room: 24,
            passcred: Switch::Off,
        }
    }
}

/// One message with descriptors, and a receiver whose room may be too small.
pub fn lost(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Lost {
        sent,
        room,
        passcred,
    } = parameters(params)?;
    within("sent", sent, (1, 10))?;
    within("room", room, (0, 200))?;
    let mut sender = stage.actor("sender")?;
    let mut receiver = stage.actor("receiver")?;
    let pair = (&mut receiver, &mut sender);
    let ends = connect_quietly(stage, pair, Kind::Stream, "parcel.sock")?;
    stage.part("a");
    if passcred == Switch::On {
        let order = Order::Identity(Act::PassCredentials(ends.server));
        stage.call(&mut receiver, order)?.done()?;
    }
    let open = Order::Open("/dev/null".to_owned());
    let mut fds = Vec::new();
    for _ in 0..sent {
        fds.push(stage.quietly(&mut sender, &open)?.descriptor()?);
    }
    let order = Traffic::SendMany(ends.client, "parcel".to_owned(), fds, 1);
    stage.call(&mut sender, Order::Traffic(order))?.done()?;
    let receive = |room| Order::Traffic(Traffic::ReceiveWith(ends.server, 100, room));
    let message = stage.decisive(&mut receiver, receive(room))?;
    let arrival = message.arrival()?;
    let order = Order::On(ends.server, Deed::ReceiveNow(100));
    let next = stage.call(&mut receiver, order)?;
    let a = json!({
        "arrived": arrival.fds.len(), "cut": arrival.control_cut, "bytes": arrival.bytes.len(),
        "next": received(&next),
    });
    Ok(json!({ "a": a }))
}

/// `SD_LISTEN_FDS_START`: the first descriptor that is handed on (sd_listen_fds(3)).
const START: i32 = 3;

/// What stands between the manager and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Through {
    Nothing,
    Exec,
    Shell,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenFds {
    /// Sockets that the manager makes.
    sockets: i32,
    /// How many of them, the last ones, are made with SOCK_CLOEXEC.
    closing: i32,
    through: Through,
}

impl Default for ListenFds {
    fn default() -> Self {
        Self {
            sockets: 1,
            closing: 0,
            through: Through::Nothing,
        }
    }
}

/// A manager hands sockets on, and a service looks at what it is told and what it has.
pub fn listen_fds(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let ListenFds {
        sockets,
        closing,
        through,
    } = parameters(params)?;
    within("sockets", sockets, (1, 6))?;
    within("closing", closing, (0, sockets))?;
    let mut manager = stage.actor("manager")?;
    stage.part("a");
    for number in 0..sockets {
        let order = if number < sockets - closing {
            Order::Socket(path(""), Kind::Stream)
        } else {
            Order::Handed(Handed::SocketClosing)
        };
        let fd = stage.call(&mut manager, order)?.descriptor()?;
        if fd != START + number {
            return Err(Failure::Fault(format!("socket {number} is {fd}")));
        }
        let at = path(&format!("door-{number}"));
        stage.quietly(&mut manager, &Order::Bind(fd, at))?.done()?;
        stage.quietly(&mut manager, &Order::Listen(fd, 5))?.done()?;
    }
    let mut service = stage.fork(&mut manager, "service")?;
    let strings = vec![
        format!("LISTEN_FDS={sockets}"),
        format!("LISTEN_PID={}", service.pid()),
    ];
    let letter = match through {
        Through::Nothing => Letter::Execute(strings),
        Through::Exec => Letter::Wrapped(wrapper("exec", ""), strings),
        Through::Shell => Letter::Wrapped(wrapper("", "; true"), strings),
    };
    let name = match through {
        Through::Nothing => "service",
        Through::Exec | Through::Shell => "sh",
    };
    stage.become_program(&mut service, name, letter)?;
    service.rename("service");
    let mut told = |stage: &mut Stage, name: &str| -> Result<i32, Failure> {
        let order = Order::Getenv(name.to_owned());
        let value = stage.call(&mut service, order)?;
        Ok(value.value()?.and_then(|it| it.parse().ok()).unwrap_or(0))
    };
    let count = told(stage, "LISTEN_FDS")?;
    let named = told(stage, "LISTEN_PID")?;
    let own = stage.decisive(&mut service, Order::Identity(Act::Getpid))?;
    let own = own.process()?;
    let mut open = 0;
    for fd in START..START + sockets {
        let order = Order::Handed(Handed::Inherited(fd));
        open += usize::from(stage.call(&mut service, order)?.result.is_ok());
    }
    let a = json!({ "last": START + count - 1, "mine": named == own, "open": open });
    Ok(json!({ "a": a }))
}

/// What the broker does with the end of the pipe that it has handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Broker {
    Closes,
    Keeps,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Clip {
    /// Bytes of what is copied.
    bytes: usize,
    /// How often it is pasted.
    pastes: usize,
    broker: Broker,
}

impl Default for Clip {
    fn default() -> Self {
        Self {
            bytes: 13,
            pastes: 1,
            broker: Broker::Closes,
        }
    }
}

fn one(message: &Outcome) -> Result<i32, Failure> {
    match message.descriptors()? {
        [fd] => Ok(*fd),
        _ => Err(message.unforeseen()),
    }
}

/// Pastes through a broker: what it is sent, and when the paster sees the end.
pub fn broker(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Clip {
        bytes,
        pastes,
        broker: does,
    } = parameters(params)?;
    within("bytes", bytes, (1, 90))?;
    within("pastes", pastes, (1, 4))?;
    let mut broker = stage.actor("broker")?;
    let mut holder = stage.actor("holder")?;
    let mut paster = stage.actor("paster")?;
    let to_holder = connect_quietly(
        stage,
        (&mut broker, &mut holder),
        Kind::Stream,
        "holder.sock",
    )?;
    let to_paster = connect_quietly(
        stage,
        (&mut broker, &mut paster),
        Kind::Stream,
        "paster.sock",
    )?;
    stage.part("a");
    let (mut handled, mut rights, mut end) = (0, 0, String::new());
    for _ in 0..pastes {
        let pipe = Order::Handed(Handed::Pipe);
        let (reader, writer) = stage.call(&mut paster, pipe)?.ends()?;
        let order = Order::SendDescriptor(to_paster.client, "paste".to_owned(), writer);
        stage.call(&mut paster, order)?.done()?;
        stage.quietly(&mut paster, &Order::Close(writer))?.done()?;
        let order = Order::ReceiveDescriptor(to_paster.server, 100);
        let wanted = stage.call(&mut broker, order)?;
        if let Ok(Got::Message(bytes, _)) = &wanted.result {
            handled += bytes.len();
        }
        let passing = one(&wanted)?;
        let order = Order::SendDescriptor(to_holder.server, "send".to_owned(), passing);
        stage.call(&mut broker, order)?.done()?;
        rights += 2;
        if does == Broker::Closes {
            stage.call(&mut broker, Order::Close(passing))?.done()?;
        }
        let order = Order::ReceiveDescriptor(to_holder.client, 100);
        let into = one(&stage.call(&mut holder, order)?)?;
        let order = Order::Write(into, letters(bytes));
        stage.call(&mut holder, order)?.done()?;
        stage.call(&mut holder, Order::Close(into))?.done()?;
        stage.call(&mut paster, Order::Read(reader, 100))?.bytes()?;
        // Without this a read that waits would wait for ever.
        let order = Order::On(reader, Deed::SetNonblocking);
        stage.quietly(&mut paster, &order)?.done()?;
        end = received(&stage.decisive(&mut paster, Order::Read(reader, 100))?);
    }
    let a = json!({ "handled": handled, "rights": rights, "end": end });
    Ok(json!({ "a": a }))
}
