//! `unix.twin-calls`: the same question put to AF_UNIX and to TCP over 127.0.0.1: for which of them
//! does the kernel do what was asked?

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::experiment::af_unix::{Connection, connect_loopback, connect_quietly};
use crate::experiment::deed::Deed;
use crate::experiment::order::{Address, Kind, Order};
use crate::experiment::stage::{Actor, Stage};
use crate::experiment::{Failure, parameters, path};

/// What is asked of both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    /// Does SO_PEERCRED give the client's pid?
    Peer,
    /// Does connect succeed where a server has bound, and does not listen?
    Refused,
    /// Does the first send succeed after the other side has closed?
    Departed,
    /// Does a descriptor arrive that was sent with SCM_RIGHTS?
    Rights,
    /// Does a server get the bytes of a client that closed before accept?
    Early,
    /// Does bind succeed where somebody listens?
    Taken,
    /// Is there a socket of type SOCK_SEQPACKET?
    Packet,
    /// Does bind succeed where somebody has listened before?
    Rebind,
    /// Does an answer arrive after shutdown of one's own sending side?
    Half,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Twins {
    first: Asked,
    second: Asked,
    third: Asked,
}

impl Default for Twins {
    fn default() -> Self {
        Self {
            first: Asked::Peer,
            second: Asked::Rights,
            third: Asked::Packet,
        }
    }
}

/// One family: its two processes, and where its next socket is bound.
struct Family {
    inet: bool,
    server: Actor,
    client: Actor,
}

/// Three questions, each put to both families.
pub fn twin_calls(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Twins {
        first,
        second,
        third,
    } = parameters(params)?;
    let family = |inet, server, client| -> Result<Family, Failure> {
        Ok(Family {
            inet,
            server: stage.actor(server)?,
            client: stage.actor(client)?,
        })
    };
    let mut unix = family(false, "unix server", "unix client")?;
    let mut inet = family(true, "tcp server", "tcp client")?;
    stage.part("a");
    let mut answers = Map::new();
    for (name, asked) in [("first", first), ("second", second), ("third", third)] {
        let unix = unix.ask(stage, asked, name)?;
        let inet = inet.ask(stage, asked, name)?;
        answers.insert(name.to_owned(), json!({ "unix": unix, "inet": inet }));
    }
    Ok(json!({ "a": answers }))
}

impl Family {
    /// Whether this family does what is asked. `name` is that of a file nobody has made.
    fn ask(&mut self, stage: &mut Stage, asked: Asked, name: &str) -> Result<bool, Failure> {
        match asked {
            Asked::Peer => {
                let ends = self.connected(stage, name)?;
                let order = Order::PeerCredentials(ends.server);
                let told = stage.decisive(&mut self.server, order)?;
                let pid = told.credentials().map_or(0, |(pid, ..)| pid);
                Ok(pid == self.client.pid().cast_signed())
            }
            Asked::Refused => {
                let (_, at) = self.bound(stage, name)?;
                let own = self.client_socket(stage, &at)?;
                let order = Order::Connect(own, at);
                Ok(stage.decisive(&mut self.client, order)?.result.is_ok())
            }
            Asked::Departed => {
                let ends = self.connected(stage, name)?;
                let order = Order::Close(ends.client);
                stage.call(&mut self.client, order)?.done()?;
                let order = Order::On(ends.server, Deed::Send("late".to_owned()));
                Ok(stage.decisive(&mut self.server, order)?.result.is_ok())
            }
            Asked::Rights => {
                let ends = self.connected(stage, name)?;
                let open = Order::Open("/dev/null".to_owned());
                let file = stage.quietly(&mut self.client, &open)?.descriptor()?;
                let order = Order::SendDescriptor(ends.client, "F".to_owned(), file);
                if stage.call(&mut self.client, order)?.result.is_err() {
                    stage.mark();
                    return Ok(false);
                }
                let order = Order::ReceiveDescriptor(ends.server, 1);
                let message = stage.decisive(&mut self.server, order)?;
                Ok(!message.descriptors()?.is_empty())
            }
            Asked::Early => {
                let (listening, at) = self.listening(stage, name)?;
                let own = self.client_socket(stage, &at)?;
                for order in [
                    Order::Connect(own, at),
                    Order::Write(own, "early".to_owned()),
                    Order::Close(own),
                ] {
                    stage.call(&mut self.client, order)?.done()?;
                }
                let accepted = stage.call(&mut self.server, Order::Accept(listening))?;
                let order = Order::Read(accepted.descriptor()?, 100);
                let read = stage.decisive(&mut self.server, order)?;
                Ok(super::length(&read) > 0)
            }
            Asked::Taken => {
                let (_, at) = self.listening(stage, name)?;
                let own = self.client_socket(stage, &at)?;
                let order = Order::Bind(own, at);
                Ok(stage.decisive(&mut self.client, order)?.result.is_ok())
            }
            Asked::Packet => {
                let at = if self.inet {
                    Address::Loopback(0)
                } else {
                    path(name)
                };
                let order = Order::Socket(at, Kind::Seqpacket);
                Ok(stage.decisive(&mut self.client, order)?.result.is_ok())
            }
            Asked::Rebind => {
                let (listening, at) = self.listening(stage, name)?;
                let order = Order::Close(listening);
                stage.call(&mut self.server, order)?.done()?;
                let own = self.client_socket(stage, &at)?;
                let order = Order::Bind(own, at);
                Ok(stage.decisive(&mut self.client, order)?.result.is_ok())
            }
            Asked::Half => {
                let ends = self.connected(stage, name)?;
                let order = Order::On(ends.client, Deed::ShutWrite);
                stage.call(&mut self.client, order)?.done()?;
                let order = Order::On(ends.server, Deed::Send("answer".to_owned()));
                stage.call(&mut self.server, order)?.done()?;
                let order = Order::Read(ends.client, 100);
                let read = stage.decisive(&mut self.client, order)?;
                Ok(super::length(&read) > 0)
            }
        }
    }

    fn connected(&mut self, stage: &Stage, name: &str) -> Result<Connection, Failure> {
        if self.inet {
            connect_loopback(stage, &mut self.server, &mut self.client)
        } else {
            let pair = (&mut self.server, &mut self.client);
            connect_quietly(stage, pair, Kind::Stream, name)
        }
    }

    /// A socket of the server that is bound, and its address.
    fn bound(&mut self, stage: &mut Stage, name: &str) -> Result<(i32, Address), Failure> {
        let any = if self.inet {
            Address::Loopback(0)
        } else {
            path(name)
        };
        let order = Order::Socket(any.clone(), Kind::Stream);
        let fd = stage.quietly(&mut self.server, &order)?.descriptor()?;
        let bound = stage.call(&mut self.server, Order::Bind(fd, any.clone()))?;
        if !self.inet {
            bound.done()?;
            return Ok((fd, any));
        }
        let lacking =
            |_| Failure::Lacking("TCP over 127.0.0.1 (is the interface lo up?)".to_owned());
        bound.done().map_err(lacking)?;
        let port = stage.quietly(&mut self.server, &Order::Port(fd))?.port()?;
        Ok((fd, Address::Loopback(port)))
    }

    fn listening(&mut self, stage: &mut Stage, name: &str) -> Result<(i32, Address), Failure> {
        let (fd, at) = self.bound(stage, name)?;
        stage.call(&mut self.server, Order::Listen(fd, 5))?.done()?;
        Ok((fd, at))
    }

    fn client_socket(&mut self, stage: &Stage, at: &Address) -> Result<i32, Failure> {
        let order = Order::Socket(at.clone(), Kind::Stream);
        stage.quietly(&mut self.client, &order)?.descriptor()
    }
}
