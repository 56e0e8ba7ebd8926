//! Experiments of module `af-unix`: what a Unix socket is, how a connection comes about, and what
//! becomes of the bytes.

use serde_json::{Map, Value, json};

use super::order::{Address, Kind, Order};
use super::stage::{Actor, Stage};
use super::{Failure, Nothing, parameters, path};

/// A connection between two processes: the descriptor of each end.
pub(super) struct Connection {
    /// The server's end.
    pub(super) server: i32,
    /// The client's end.
    pub(super) client: i32,
}

/// Connects two processes without a line in the transcript.
pub(super) fn connect_quietly(
    stage: &Stage,
    (server, client): (&mut Actor, &mut Actor),
    kind: Kind,
    name: &str,
) -> Result<Connection, Failure> {
    let listener = stage.quietly(server, &Order::Socket(path(name), kind))?;
    let listener = listener.descriptor()?;
    stage
        .quietly(server, &Order::Bind(listener, path(name)))?
        .done()?;
    stage.quietly(server, &Order::Listen(listener, 1))?.done()?;
    let own = stage.quietly(client, &Order::Socket(path(name), kind))?;
    let own = own.descriptor()?;
    stage
        .quietly(client, &Order::Connect(own, path(name)))?
        .done()?;
    let accepted = stage.quietly(server, &Order::Accept(listener))?;
    let accepted = accepted.descriptor()?;
    stage.quietly(server, &Order::Close(listener))?.done()?;
    Ok(Connection {
        server: accepted,
        client: own,
    })
}

/// `unix.bytes`: part a, two writes and one read on a stream; part b, the same on SOCK_SEQPACKET,
/// with a buffer too small for the first packet.
pub(super) fn bytes(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let ends = connect_quietly(
        stage,
        (&mut server, &mut client),
        Kind::Stream,
        "stream.sock",
    )?;
    let (first, second) = ("GET-1;", "GET-2;");
    for text in [first, second] {
        let order = Order::Write(ends.client, text.to_owned());
        stage.call(&mut client, order)?.done()?;
    }
    let plenty = 100;
    let read = stage.decisive(&mut server, Order::Read(ends.server, plenty))?;
    let got = read.bytes()?;
    let third = "GET-3;";
    let order = Order::Write(ends.client, third.to_owned());
    stage.call(&mut client, order)?.done()?;
    let short = stage
        .call(&mut server, Order::Read(ends.server, 4))?
        .bytes()?;
    let rest = stage
        .call(&mut server, Order::Read(ends.server, 4))?
        .bytes()?;
    let a = json!({
        "client_fd": ends.client, "server_fd": ends.server, "first": first, "second": second,
        "third": third, "count": got.len(), "room": plenty, "got": got, "short": short, "rest": rest,
    });

    stage.part("b");
    let pair = (&mut server, &mut client);
    let ends = connect_quietly(stage, pair, Kind::Seqpacket, "packet.sock")?;
    for text in [first, second] {
        let order = Order::Write(ends.client, text.to_owned());
        stage.call(&mut client, order)?.done()?;
    }
    let room = 4;
    let cut = stage
        .call(&mut server, Order::Read(ends.server, room))?
        .bytes()?;
    let next = stage
        .decisive(&mut server, Order::Read(ends.server, 100))?
        .bytes()?;
    let b = json!({ "first": first, "second": second, "room": room, "cut": cut, "next": next,
        "rest": first[room..],
    });
    Ok(json!({ "a": a, "b": b }))
}

/// `unix.listen`: part a, a client connects after bind, then after listen; part b, it sends and
/// closes before the server accepts.
pub(super) fn listen(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let name = "echo.sock";
    let mut server = stage.actor("server")?;
    let mut client = stage.actor("client")?;

    stage.part("a");
    let order = Order::Socket(path(name), Kind::Stream);
    let listener = stage.call(&mut server, order.clone())?.descriptor()?;
    stage
        .call(&mut server, Order::Bind(listener, path(name)))?
        .done()?;
    let own = stage.call(&mut client, order)?.descriptor()?;
    let (file, _) = stage
        .quietly(&mut server, &Order::Stat(name.to_owned()))?
        .stat()?;
    let listens = Order::Listening(listener);
    let bound_listens = stage.quietly(&mut server, &listens)?.flag()?;
    let early = stage.decisive(&mut client, Order::Connect(own, path(name)))?;
    stage
        .call(&mut server, Order::Listen(listener, 5))?
        .done()?;
    let late = stage.call(&mut client, Order::Connect(own, path(name)))?;
    let a = json!({
        "listener": listener, "early": early.name(), "late": late.name(), "file": file,
        "bound_listens": bound_listens, "listens": stage.quietly(&mut server, &listens)?.flag()?,
    });

    stage.part("b");
    let word = "hello";
    let written = stage.call(&mut client, Order::Write(own, word.to_owned()))?;
    stage.call(&mut client, Order::Close(own))?.done()?;
    let client_pid = client.pid();
    drop(client);
    let accepted = stage.call(&mut server, Order::Accept(listener))?;
    let connection = accepted.descriptor()?;
    let read = stage.decisive(&mut server, Order::Read(connection, 100))?;
    let read = read.bytes()?;
    let end = stage.call(&mut server, Order::Read(connection, 100))?;
    let b = json!({
        "listener": listener, "accepted": accepted.name(), "connection": connection,
        "word": word, "written": written.name(), "read": read, "end": end.bytes()?.len(),
        "client": client_pid, "server": server.pid(),
    });
    Ok(json!({ "a": a, "b": b }))
}

/// `unix.twin-calls`: the same calls on AF_UNIX and on TCP over 127.0.0.1. Part a asks who is at
/// the other end; part b sends an open file.
pub(super) fn twin_calls(stage: &mut Stage, params: &Map<String, Value>) -> Result<Value, Failure> {
    let Nothing {} = parameters(params)?;
    let mut unix_server = stage.actor("unix server")?;
    let mut unix_client = stage.actor("unix client")?;
    let mut tcp_server = stage.actor("tcp server")?;
    let mut tcp_client = stage.actor("tcp client")?;
    let pair = (&mut unix_server, &mut unix_client);
    let unix = connect_quietly(stage, pair, Kind::Stream, "twin.sock")?;
    let tcp = connect_loopback(stage, &mut tcp_server, &mut tcp_client)?;

    stage.part("a");
    let on_unix = stage.call(&mut unix_server, Order::PeerCredentials(unix.server))?;
    let (unix_pid, unix_uid, _) = on_unix.credentials()?;
    let on_tcp = stage.decisive(&mut tcp_server, Order::PeerCredentials(tcp.server))?;
    let (tcp_pid, tcp_uid, _) = on_tcp.credentials().unwrap_or((-1, -1, -1));
    let a = json!({
        "uid": nix::unistd::getuid().as_raw(), "unix_client": unix_client.pid(), "tcp_client": tcp_client.pid(),
        "unix_pid": unix_pid, "unix_uid": unix_uid,
        "tcp": on_tcp.name(), "tcp_pid": tcp_pid, "tcp_uid": tcp_uid,
        "unix_client_fd": unix.client, "unix_server_fd": unix.server,
        "tcp_client_fd": tcp.client, "tcp_server_fd": tcp.server,
    });

    stage.part("b");
    let letter = "a letter";
    std::fs::write("letter.txt", letter)
        .map_err(|error| Failure::Fault(format!("cannot write letter.txt: {error}")))?;
    let open = Order::Open("letter.txt".to_owned());
    let file = stage.call(&mut unix_client, open.clone())?.descriptor()?;
    let order = Order::SendDescriptor(unix.client, "U".to_owned(), file);
    stage.call(&mut unix_client, order)?.done()?;
    let order = Order::ReceiveDescriptor(unix.server, 1);
    let received = stage.call(&mut unix_server, order)?.descriptors()?.to_vec();
    let read = match received[..] {
        [fd] => stage
            .call(&mut unix_server, Order::Read(fd, 100))?
            .bytes()?,
        _ => String::new(),
    };
    let file = stage.call(&mut tcp_client, open)?.descriptor()?;
    let order = Order::SendDescriptor(tcp.client, "T".to_owned(), file);
    let sent = stage.call(&mut tcp_client, order)?;
    let tcp_received = if sent.result.is_ok() {
        let order = Order::ReceiveDescriptor(tcp.server, 1);
        stage.decisive(&mut tcp_server, order)?.descriptors()?.len()
    } else {
        0
    };
    let b = json!({
        "file": file, "letter": letter, "read": read, "unix_received": received.len(),
        "unix_fd": received.first(),
        "tcp_sent": sent.name(), "tcp_received": tcp_received,
    });
    Ok(json!({ "a": a, "b": b }))
}

pub(super) fn connect_loopback(
    stage: &Stage,
    server: &mut Actor,
    client: &mut Actor,
) -> Result<Connection, Failure> {
    let lacking = |_| Failure::Lacking("TCP over 127.0.0.1 (is the interface lo up?)".to_owned());
    let any = Address::Loopback(0);
    let listener = stage.quietly(server, &Order::Socket(any.clone(), Kind::Stream))?;
    let listener = listener.descriptor().map_err(lacking)?;
    let bound = stage.quietly(server, &Order::Bind(listener, any))?;
    bound.done().map_err(lacking)?;
    stage.quietly(server, &Order::Listen(listener, 1))?.done()?;
    let port = stage.quietly(server, &Order::Port(listener))?.port()?;
    let at = Address::Loopback(port);
    let own = stage.quietly(client, &Order::Socket(at.clone(), Kind::Stream))?;
    let own = own.descriptor()?;
    let connected = stage.quietly(client, &Order::Connect(own, at))?;
    connected.done().map_err(lacking)?;
    let accepted = stage
        .quietly(server, &Order::Accept(listener))?
        .descriptor()?;
    stage.quietly(server, &Order::Close(listener))?.done()?;
    Ok(Connection {
        server: accepted,
        client: own,
    })
}
