//! Experiments of module `overview`: what a descriptor promises, and how a program learns where
//! its sockets are.

use serde_json::{Map, Value, json};

use super::order::{Environment, Kind, Order, Special};
use super::stage::Stage;
use super::{Failure, Nothing, parameters, path};

/// `descriptor.read`: one process makes three descriptors and calls read(2) on each.
pub(super) fn read_descriptors(
    stage: &mut Stage,
    params: &Map<String, Value>,
) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut process = stage.actor("process")?;
    stage.part("a");
    let name = "queue.sock";
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.call(&mut process, order)?.descriptor()?;
    stage
        .quietly(&mut process, &Order::Bind(listener, path(name)))?
        .done()?;
    stage
        .quietly(&mut process, &Order::Listen(listener, 1))?
        .done()?;
    stage.note("process", "bind(), listen()", "0");
    let order = Order::Descriptor(Special::Pidfd);
    let pidfd = stage.call(&mut process, order)?.descriptor()?;
    let order = Order::Descriptor(Special::Epoll);
    let epoll = stage.call(&mut process, order)?.descriptor()?;
    let of_listener = stage.decisive(&mut process, Order::Read(listener, 100))?;
    let of_pidfd = stage.call(&mut process, Order::Read(pidfd, 100))?;
    let of_epoll = stage.call(&mut process, Order::Read(epoll, 100))?;
    let outcomes = [of_listener.name(), of_pidfd.name(), of_epoll.name()];
    let readable = outcomes.iter().filter(|name| *name == "success").count();
    let mut closed = 0;
    for fd in [listener, pidfd, epoll] {
        let outcome = stage.quietly(&mut process, &Order::Close(fd))?;
        closed += usize::from(outcome.result.is_ok());
    }
    let a = json!({
        "closed": closed, "listener_fd": listener, "pidfd_fd": pidfd, "epoll_fd": epoll,
        "listener": outcomes[0], "pidfd": outcomes[1], "epoll": outcomes[2],
        "readable": readable,
    });
    Ok(json!({ "a": a }))
}

/// `environment.copied`: part a, a long-lived server starts a program after the session that
/// started the server has been replaced by another; part b, the new session starts one itself.
pub(super) fn copied(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let variable = "XDG_RUNTIME_DIR";
    let (old, new) = ("/run/user/monday", "/run/user/tuesday");
    let mut server = stage.actor_with("server", &[(variable, old)])?;
    let mut login = stage.actor_with("new login", &[(variable, new)])?;
    let look = Order::Getenv(variable.to_owned());
    let value = |outcome: super::order::Outcome| -> Result<String, Failure> {
        Ok(outcome.value()?.unwrap_or("not set").to_owned())
    };

    stage.part("a");
    let in_login = value(stage.call(&mut login, look.clone())?)?;
    let pane = value(stage.start_program(&mut server, "shell", Environment::Own, variable)?)?;
    stage.mark();
    let a = json!({ "old": old, "new": in_login, "pane": pane });

    stage.part("b");
    let direct = value(stage.start_program(&mut login, "shell", Environment::Own, variable)?)?;
    stage.mark();
    let still = value(stage.call(&mut server, look)?)?;
    let b = json!({ "direct": direct, "server": still });
    Ok(json!({ "a": a, "b": b }))
}
