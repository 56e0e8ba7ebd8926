//! `unix.endings`: what a client is told when the server has finished, by how much was read and how
//! the server finished.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{received, within};
use crate::experiment::af_unix::connect_quietly;
use crate::experiment::deed::Deed;
use crate::experiment::order::{Kind, Order};
use crate::experiment::stage::Stage;
use crate::experiment::{Failure, parameters};

/// How much of the question the server reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reads {
    All,
    Some,
    Nothing,
}

/// How the server finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Close,
    Shutdown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Endings {
    reads: Reads,
    how: How,
    /// How many answers the server sends before.
    answers: usize,
}

impl Default for Endings {
    fn default() -> Self {
        Self {
            reads: Reads::Nothing,
            how: How::Close,
            answers: 1,
        }
    }
}

/// The client writes, the server reads what it reads, answers and finishes; then the client receives
/// twice and sends.
pub fn endings(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Endings {
        reads,
        how,
        answers,
    } = parameters(params)?;
    within("answers", answers, (0, 3))?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;
    stage.part("a");
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Stream, "end.sock")?;
    let question = "question";
    let order = Order::Write(ends.client, question.to_owned());
    stage.call(&mut client, order)?.done()?;
    let room = match reads {
        Reads::All => Some(100),
        Reads::Some => Some(4),
        Reads::Nothing => None,
    };
    if let Some(room) = room {
        stage
            .call(&mut server, Order::Read(ends.server, room))?
            .bytes()?;
    }
    for _ in 0..answers {
        let order = Order::On(ends.server, Deed::Send("ok".to_owned()));
        stage.call(&mut server, order)?.done()?;
    }
    let order = match how {
        How::Close => Order::Close(ends.server),
        How::Shutdown => Order::On(ends.server, Deed::ShutWrite),
    };
    stage.call(&mut server, order)?.done()?;
    let receive = || Order::On(ends.client, Deed::ReceiveNow(100));
    let first = stage.decisive(&mut client, receive())?;
    let second = stage.decisive(&mut client, receive())?;
    let order = Order::On(ends.client, Deed::Send("more".to_owned()));
    let sent = stage.decisive(&mut client, order)?;
    let a = json!({
        "first": received(&first), "second": received(&second), "sent": sent.name(),
    });
    Ok(json!({ "a": a }))
}
