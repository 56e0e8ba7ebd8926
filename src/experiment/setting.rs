//! What several routines begin with: a socket, a listener, a file. None of it is written down, since
//! a learner who is here knows it.

use super::files::Touch;
use super::identity::Act;
use super::order::{Kind, Order};
use super::stage::{Actor, Stage};
use super::traffic::Traffic;
use super::{Failure, path};

/// A socket without a name.
pub(super) fn socket(stage: &Stage, actor: &mut Actor, kind: Kind) -> Result<i32, Failure> {
    let order = Order::Socket(path(""), kind);
    stage.quietly(actor, &order)?.descriptor()
}

/// A stream socket whose calls do not wait.
pub(super) fn hasty(stage: &Stage, actor: &mut Actor) -> Result<i32, Failure> {
    let order = Order::Traffic(Traffic::Nonblocking(Kind::Stream));
    stage.quietly(actor, &order)?.descriptor()
}

/// A socket of this kind that has a name and does not listen.
pub(super) fn bound(
    stage: &Stage,
    actor: &mut Actor,
    kind: Kind,
    name: &str,
) -> Result<i32, Failure> {
    let fd = socket(stage, actor, kind)?;
    stage.quietly(actor, &Order::Bind(fd, path(name)))?.done()?;
    Ok(fd)
}

/// A stream socket that listens.
pub(super) fn listener(
    stage: &Stage,
    actor: &mut Actor,
    name: &str,
    backlog: i32,
) -> Result<i32, Failure> {
    let fd = bound(stage, actor, Kind::Stream, name)?;
    stage.quietly(actor, &Order::Listen(fd, backlog))?.done()?;
    Ok(fd)
}

/// An empty file.
pub(super) fn empty_file(stage: &Stage, actor: &mut Actor, name: &str) -> Result<(), Failure> {
    let order = Order::File(Touch::Create(name.to_owned()));
    let fd = stage.quietly(actor, &order)?.descriptor()?;
    stage.quietly(actor, &Order::Close(fd))?.done()
}

/// From here on an actor has no more rights than its user: root's do not change what is seen.
pub(super) fn without_privileges(stage: &Stage, actor: &mut Actor) -> Result<(), Failure> {
    let order = Order::Identity(Act::DropCapabilities);
    stage.quietly(actor, &order)?.done()
}
