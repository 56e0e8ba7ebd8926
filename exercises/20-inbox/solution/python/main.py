"""Exercise 20, reference solution in Python: the inbox, which keeps going whatever its clients do.

One loop serves all clients, and no call in it waits for one of them but select(). For each client
there is at most one frame that has not come to its end and one reply that has not gone.
"""

import array
import errno
import fcntl
import os
import resource
import selectors
import signal
import socket
import stat
import struct
import sys

SO_PEERGROUPS = 59  # the socket module has no name for it
MOST_OPTION = 1024  # what getsockopt() of Python has room for: 256 groups
HEADER = 4
LARGEST = 65536
SHOWN = 200
DONE, UNKNOWN, NOT_ALLOWED, TOO_LARGE, NOT_WRITTEN = range(5)
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


# ---- the address ---------------------------------------------------------------------------------


def make_way(path):
    """Remove what a dead server left at the path, and nothing else; return the lock.

    The lock lasts as long as its process, however that ends; its file stays, or two of us could
    hold one.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path + ".lock", flags, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # One that knows nothing of our lock? connect() is refused when nobody listens.
    if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            if probe.connect_ex(path) == errno.ECONNREFUSED:
                os.unlink(path)
    return lock


def listen_at(path):
    """Return a socket that listens at the path, and the lock that keeps the path ours."""
    if not 0 < len(os.fsencode(path)) < 108:  # an empty one would become an abstract name
        raise OSError(errno.ENAMETOOLONG, "the path cannot be a socket's name")
    lock = make_way(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    before = os.umask(0o111)
    listener.bind(path)
    os.umask(before)
    listener.listen(socket.SOMAXCONN)
    return listener, lock


def given_listener():
    """Return the socket that a service manager listens at for us, or None."""
    if (os.environ.get("LISTEN_PID"), os.environ.get("LISTEN_FDS")) != (str(os.getpid()), "1"):
        return None
    os.set_inheritable(3, False)
    return socket.socket(fileno=3)


# ---- one client ----------------------------------------------------------------------------------


class Client:
    """A connection: who it is, the frame that is coming, the reply that is going."""

    def __init__(self, inbox, connection):
        self.inbox = inbox
        self.connection = connection
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid, self.uid, gid = struct.unpack("iII", told)
        # With more groups than there is room for, this is an error (ERANGE), and not a part of them.
        groups = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_OPTION)
        self.member = inbox.group in {gid, *array.array("I", groups)}
        self.frame = bytearray()
        self.unsent = b""
        self.leaving = False  # its frame was too large: what still comes is thrown away

    # Who may do what.

    def may_shut_down(self):
        return self.uid in (os.geteuid(), 0)

    def may_send(self):
        return self.member or self.may_shut_down()

    # Replies. What does not go at once waits, and until it has gone nothing more is read from this
    # client: a client that does not read is made to wait, and nobody else.

    def reply(self, data):
        self.unsent = data
        self.send_rest()

    def send_rest(self):
        try:
            sent = self.connection.send(self.unsent)
        except BlockingIOError:
            sent = 0
        self.unsent = self.unsent[sent:]

    def tell(self, status):
        self.reply(struct.pack("!I", status))

    # Commands.

    def write_line(self, text):
        """Write the line about a message; return whether it could be written.

        Nothing of a message gets into it but printable ASCII, and of that no backslash: no text can
        end the line or look like something else.
        """
        shown = "".join(
            chr(byte) if 0x20 <= byte <= 0x7E and byte != 0x5C else f"\\x{byte:02x}"
            for byte in text[:SHOWN]
        )
        line = f"message uid={self.uid} pid={self.pid} bytes={len(text)} {shown}\n".encode()
        try:
            while line:
                line = line[os.write(sys.stdout.fileno(), line) :]
        except OSError:
            return False
        return True

    def carry_out(self, command):
        if command == b"PING":
            self.reply(struct.pack("!I", 4) + b"PONG")
        elif command == b"SHUTDOWN":
            if not self.may_shut_down():
                self.tell(NOT_ALLOWED)
                return
            self.inbox.ending = True
            self.tell(DONE)
        elif command.startswith(b"SEND "):
            if not self.may_send():
                self.tell(NOT_ALLOWED)
                return
            # First the line, then the word for it: who is told 0 can rely on the line.
            self.tell(DONE if self.write_line(command[5:]) else NOT_WRITTEN)
        else:
            self.tell(UNKNOWN)

    # Frames.

    def receive(self):
        """Take what came, at most to the end of a frame; return whether it goes on."""
        end = HEADER
        if len(self.frame) >= HEADER:
            end += int.from_bytes(self.frame[:HEADER], "big")
        data = self.connection.recv(end - len(self.frame))
        self.frame += data
        if not data or len(self.frame) < HEADER:
            return bool(data)
        length = int.from_bytes(self.frame[:HEADER], "big")
        if length > LARGEST:  # before anything is made of this number
            self.leaving = True
            self.tell(TOO_LARGE)
        elif len(self.frame) == HEADER + length:
            command = bytes(self.frame[HEADER:])
            self.frame.clear()
            self.carry_out(command)
        return True

    def serve(self):
        """Do one thing for this client, without waiting; return whether it goes on."""
        try:
            if self.unsent:
                self.send_rest()
                return True
            if self.leaving:
                # After close() the client's send() would fail, and who gets EPIPE there may never
                # come to read the status.
                return self.connection.recv(65536) != b""
            return self.receive()
        except BlockingIOError:
            return True
        except ConnectionError:  # this client has gone; that is no concern of others
            return False


# ---- the loop ------------------------------------------------------------------------------------


class Inbox:
    """The listening socket and all clients."""

    def __init__(self, group, listener):
        self.group = group
        self.listener = listener
        self.listening = False
        self.ending = False
        self.selector = selectors.DefaultSelector()
        self.look_at_listener(True)
        # A signal becomes something to read, and has its place in the loop like all else.
        self.ends, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.detach())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self.selector.register(self.ends, selectors.EVENT_READ)

    def look_at_listener(self, look):
        """Let the loop look at the listener, or not.

        When there is no descriptor for a new connection, it would be told of it without end. So it
        looks away until a client has gone, or some time has passed: the want may be another's.
        """
        if look and not self.listening:
            self.selector.register(self.listener, selectors.EVENT_READ)
        if self.listening and not look:
            self.selector.unregister(self.listener)
        self.listening = look

    def admit(self):
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self.look_at_listener(False)
            return
        connection.setblocking(False)
        try:
            client = Client(self, connection)
        except OSError:  # who is it? Nobody that we know
            connection.close()
            return
        self.selector.register(connection, selectors.EVENT_READ, client)

    def release(self, client):
        self.selector.unregister(client.connection)
        client.connection.close()
        self.look_at_listener(True)

    def serve(self, key):
        client = key.data
        if not client.serve():
            self.release(client)
            return
        events = selectors.EVENT_WRITE if client.unsent else selectors.EVENT_READ
        if events != key.events:
            self.selector.modify(client.connection, events, client)

    def run(self):
        """Serve until somebody ends it who may."""
        while not self.ending:
            ready = self.selector.select(None if self.listening else 0.5)
            if not ready:
                self.look_at_listener(True)
            for key, _ in ready:
                if key.fileobj is self.ends:
                    self.ending = True
                elif key.fileobj is self.listener:
                    self.admit()
                elif not self.ending:
                    self.serve(key)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: inbox GROUP PATH")
    group, path = sys.argv[1:]
    if not (group.isascii() and group.isdigit() and int(group) < 0xFFFFFFFF):
        sys.exit(f"inbox: not the number of a group: {group}")
    # As many clients as the administrator lets us have.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = given_listener()
    ours = listener is None  # else the name is not ours to remove
    if ours:
        try:
            listener, _lock = listen_at(path)
        except OSError as error:
            sys.exit(f"inbox: {error}")
    listener.setblocking(False)
    Inbox(int(group), listener).run()
    if ours:
        os.unlink(path)


if __name__ == "__main__":
    main()
