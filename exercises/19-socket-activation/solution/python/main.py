"""Exercise 19, reference solution in Python: an echo server that is started with its sockets in hand.

First it reads its letter: LISTEN_PID says to whom it is addressed, LISTEN_FDS how many descriptors came
along, from 3 on, and LISTEN_FDNAMES what they are called. It believes none of it before it has looked.
Then a selector waits for all sockets, and each client has a thread.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading

FIRST = 3  # behind the standard three
MOST = 2**31 - 1 - FIRST  # descriptors are ints


def is_number(text):
    """Return whether this is digits alone: int() would take " 3", "+3" and "3_0" as well."""
    return text.isascii() and text.isdigit() and len(text) <= 10


def sockets_given():
    """Return how many descriptors were given to this process.

    The variables may be left from another one: whoever LISTEN_PID does not name was given nothing.
    """
    pid, count = os.environ.get("LISTEN_PID"), os.environ.get("LISTEN_FDS")
    if pid is None or count is None or pid != str(os.getpid()):
        return 0
    if not is_number(count) or int(count) > MOST:
        sys.exit(f"socket-activation: LISTEN_FDS is not a count: {count!r}")
    return int(count)


def take(fd):
    """Return the socket that a descriptor is, when it listens or is connected.

    The manager may have been configured for another program.
    """
    try:
        taken = socket.socket(fileno=fd)
        if taken.type != socket.SOCK_STREAM:
            raise OSError("it is not a stream socket")
        if not listens(taken):
            taken.getpeername()  # ENOTCONN: nobody is at the other end
        taken.set_inheritable(False)  # programs that this one starts must not have it
    except OSError as error:
        sys.exit(f"socket-activation: descriptor {fd}: {error}")
    return taken


def listens(taken):
    return taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != 0


def read_names(count):
    """Return the names, the first of which is descriptor 3's; a name may be empty, and still counts."""
    variable = os.environ.get("LISTEN_FDNAMES")
    names = [""] * count if variable is None else variable.split(":")
    if len(names) != count:
        sys.exit(f"socket-activation: LISTEN_FDNAMES has {len(names)} names for {count} sockets")
    return names


def forget_letter():
    """Forget what was meant for this process: programs that it starts must not take it for theirs."""
    for variable in "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES":
        os.environ.pop(variable, None)


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(socket.SOMAXCONN)
    return listener


def run_hook():
    hook = os.environ.get("IPC_HOOK")
    if hook:
        # What is blocked here would be blocked in the shell as well.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        subprocess.run(["/bin/sh", "-c", hook], check=False)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def tell_manager():
    """Send one datagram, as in sd_notify(3). Nobody who listens there is no reason not to serve."""
    manager = os.environ.get("NOTIFY_SOCKET")
    if not manager:
        return
    if manager.startswith("@"):
        manager = "\0" + manager[1:]  # an abstract name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"READY=1", manager)
        except OSError as error:
            print(f"socket-activation: NOTIFY_SOCKET: {error}", file=sys.stderr)


def end_when_told(own):
    """Wait for SIGTERM, which every thread blocks, and end.

    A handler written in Python runs between two of its instructions. If the signal came just before a
    call that waits, the handler would wait as long.
    """
    signal.sigwait([signal.SIGTERM])
    if own is not None:
        os.unlink(own)
    os._exit(0)


def converse(client, name):
    """Serve one client until it has said its last, or is gone."""
    with client, contextlib.suppress(ConnectionError):
        while data := client.recv(16384):
            client.sendall(data.upper() if name == "upper" else data)


def serve(listeners, names):
    """Serve whoever comes to one of the sockets.

    The selector waits for all of them, so accept() must not wait for one: who shares the queue may
    have taken the client.
    """
    selector = selectors.DefaultSelector()
    for listener, name in zip(listeners, names):
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, name)
    while True:
        for key, _ in selector.select():
            with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
                client, _ = key.fileobj.accept()
                client.setblocking(True)
                threading.Thread(target=converse, args=[client, key.data], daemon=True).start()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: socket-activation PATH")
    path = sys.argv[1]
    count = sockets_given()
    # A range is checked one by one: a count that is far too large ends at the first that is not there.
    sockets = [take(fd) for fd in range(FIRST, FIRST + count)]
    names = read_names(count) if count else []
    forget_letter()
    connected = [taken for taken in sockets if not listens(taken)]
    if connected and count != 1:
        sys.exit(f"socket-activation: descriptor {connected[0].fileno()} does not listen")
    # From here on SIGTERM is an orderly end: it waits for the thread that asks for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    own = None
    try:
        if not sockets:
            sockets, names = [listen_at(path)], [""]
            own = path
        run_hook()
        tell_manager()  # the sockets listen: from here on nobody is refused
        threading.Thread(target=end_when_told, args=[own], daemon=True).start()
        if connected:
            connected[0].setblocking(True)
            converse(connected[0], names[0])
        else:
            serve(sockets, names)
    except OSError as error:
        sys.exit(f"socket-activation: {error}")
    finally:
        if own is not None:
            os.unlink(own)


if __name__ == "__main__":
    main()
