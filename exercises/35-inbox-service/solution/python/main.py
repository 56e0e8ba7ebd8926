"""Exercise 35, reference solution in Python: the inbox as a service, with a queue for every user.

One loop serves all clients, and no call in it waits for one of them but select(). A message is a file
in the state directory, so status 0 means that it is there whatever becomes of this process. The
journal and the service manager are told by datagrams, and never waited for.
"""

import array
import errno
import fcntl
import grp
import os
import selectors
import signal
import socket
import struct
import sys
from collections import deque

SO_PEERGROUPS = 59  # the socket module has no name for it
MOST_OPTION = 1024  # what getsockopt() of Python has room for: 256 groups
HEADER = 4
LARGEST = 65536  # bytes of a payload
PIECE = 65000  # bytes of a text that go into one frame of a reply
MOST_PARTS = 1 << 20  # bytes that are kept of a connection's parts
MOST_MESSAGES = 100  # in a queue
NOBODY = 0xFFFFFFFF  # (uid_t) -1, which is no user
DONE, UNKNOWN, NOT_ALLOWED, TOO_LARGE, NOT_KEPT, EMPTY, FULL = range(7)
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def frame(payload):
    return struct.pack("!I", len(payload)) + payload


def number(text):
    """Return the number that these digits are; None: they are no number that a user may have."""
    if not (0 < len(text) <= 10 and text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text) < NOBODY else None


# ---- those who are told --------------------------------------------------------------------------


def address(name):
    return "\0" + name[1:] if name.startswith("@") else name


def tell_manager(state):
    """Send one datagram, as in sd_notify(3). Nobody who listens there is no reason not to serve."""
    manager = os.environ.get("NOTIFY_SOCKET")
    if not manager:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state, address(manager))
        except OSError as error:
            print(f"inbox-service: NOTIFY_SOCKET: {error}", file=sys.stderr)


class Journal:
    """The system's log. It is a service like this one: it may be missing, restarted, or slow."""

    def __init__(self):
        self.path = os.environ.get("IPC_JOURNAL") or "/run/systemd/journal/socket"
        # Not connected: a connection stays with the one journal, however often another one takes its
        # place at the path.
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)

    def record(self, **fields):
        """Send one entry, or drop it: a log that is full must not stop the service.

        Each value comes with its length, so no byte of it can end the field and begin another.
        """
        entry = b""
        for name, value in {"SYSLOG_IDENTIFIER": "inbox", **fields}.items():
            value = value if isinstance(value, bytes) else str(value).encode()
            entry += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        try:
            self.socket.sendto(entry, address(self.path))
        except OSError:
            pass


# ---- the queues ----------------------------------------------------------------------------------


class Queues:
    """Every user's messages. One is a file, `UID-NUMBER`; what is in it is `SENDER TEXT`.

    It is written under another name and then renamed: a file that has its name is whole. That
    outlives the process, however it ends. To outlive the machine it would take fsync() as well, of
    the file and of the directory.
    """

    def __init__(self, directory):
        self.directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self.queues = {}
        for name in os.listdir(self.directory):
            user, dash, count = name.partition("-")
            if dash and user.isdigit() and count.isdigit():
                self.queues.setdefault(int(user), []).append(int(count))
        self.queues = {user: deque(sorted(counts)) for user, counts in self.queues.items()}
        self.last = max((counts[-1] for counts in self.queues.values()), default=0)

    def put(self, user, sender, text):
        """Keep a message; return the status of that."""
        queue = self.queues.setdefault(user, deque())
        if len(queue) >= MOST_MESSAGES:
            return FULL
        count = self.last + 1
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            with open(os.open("new", flags, 0o600, dir_fd=self.directory), "wb") as file:
                file.write(b"%d %b" % (sender, text))
            where = {"src_dir_fd": self.directory, "dst_dir_fd": self.directory}
            os.rename("new", f"{user}-{count}", **where)
        except OSError:
            return NOT_KEPT
        self.last = count
        queue.append(count)
        return DONE

    def take(self, user):
        """Take out the oldest message of a user; return its sender and text, or None."""
        queue = self.queues.get(user)
        if not queue:
            return None
        name = f"{user}-{queue[0]}"
        with open(os.open(name, os.O_RDONLY, dir_fd=self.directory), "rb") as file:
            message = file.read()
        # First it is gone, then it is told: so nobody can be told it twice.
        os.unlink(name, dir_fd=self.directory)
        queue.popleft()
        sender, _, text = message.partition(b" ")
        return sender, text


# ---- the secret ----------------------------------------------------------------------------------


class Secret:
    """A file in memory that nobody can change any more, this process included."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = file.read()
        self.memory = os.memfd_create("secret", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(self.memory, "wb", closefd=False) as file:
            file.write(content)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self.memory, fcntl.F_ADD_SEALS, seals)

    def open(self):
        """Return a descriptor with an offset of its own: a copy would share the one that there is."""
        return os.open(f"/proc/self/fd/{self.memory}", os.O_RDONLY | os.O_CLOEXEC)


# ---- one client ----------------------------------------------------------------------------------


def supplementary(connection):
    """Return the groups of who connected, besides its gid, as they were then."""
    told = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_OPTION)
    return array.array("I", told)


class Client:
    """A connection: who it is, the frame that is coming, the reply that is going."""

    def __init__(self, service, connection):
        self.service = service
        self.connection = connection
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid, self.uid, self.gid = struct.unpack("iII", told)
        group = service.group
        self.trusted = (
            self.uid in (0, os.geteuid())
            or self.gid == group
            or group in supplementary(connection)
        )
        self.frame = bytearray()
        self.parts = bytearray()
        self.unsent = b""
        self.attached = None  # a descriptor that goes with the first byte of what is unsent
        self.leaving = False  # its frame was too large: what still comes is thrown away
        self.record("connect", 6, f"connection from uid {self.uid}")

    def record(self, event, priority, message, **fields):
        self.service.journal.record(
            MESSAGE=message,
            PRIORITY=priority,
            INBOX_EVENT=event,
            INBOX_PID=self.pid,
            INBOX_UID=self.uid,
            INBOX_GID=self.gid,
            **fields,
        )

    # Replies. What does not go at once waits, and until it has gone nothing more is read from this
    # client: a client that does not read is made to wait, and nobody else.

    def reply(self, data):
        self.unsent += data
        self.send_rest()

    def send_rest(self):
        control = []
        if self.attached is not None:
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", self.attached))]
        try:
            sent = self.connection.sendmsg([self.unsent], control, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return
        self.unsent = self.unsent[sent:]
        self.detach()

    def detach(self):
        """Close what was attached: the message holds a reference of its own."""
        if self.attached is not None:
            os.close(self.attached)
            self.attached = None

    def tell(self, status):
        self.reply(struct.pack("!I", status))

    def close(self):
        self.detach()
        self.connection.close()

    # Commands.

    def refuse(self, command):
        self.record("refuse", 4, f"{command} refused to uid {self.uid}", INBOX_COMMAND=command)
        self.tell(NOT_ALLOWED)

    def send(self, user, text):
        """Keep a message for somebody: the text, behind the parts that came before."""
        text = bytes(self.parts) + text
        self.parts.clear()
        if user != self.uid and not self.trusted:
            self.refuse("SEND")
            return
        status = self.service.queues.put(user, self.uid, text)
        if status == DONE:
            self.record("message", 6, text, INBOX_TO=user)
        self.tell(status)

    def take(self):
        try:
            message = self.service.queues.take(self.uid)
        except OSError:
            self.tell(NOT_KEPT)
            return
        if message is None:
            self.tell(EMPTY)
            return
        sender, text = message
        reply = struct.pack("!I", DONE)
        while len(text) > PIECE:
            reply += frame(b"MORE " + text[:PIECE])
            text = text[PIECE:]
        self.reply(reply + frame(sender + b" " + text))

    def hand_out_secret(self):
        if not self.trusted:
            self.refuse("SECRET")
            return
        try:
            self.attached = self.service.secret.open()
        except OSError:
            self.tell(NOT_KEPT)
            return
        self.tell(DONE)

    def keep_part(self, part):
        if len(self.parts) + len(part) > MOST_PARTS:
            self.parts.clear()
            self.tell(TOO_LARGE)
        else:
            self.parts += part
            self.tell(DONE)

    def carry_out(self, command):
        word, blank, rest = command.partition(b" ")
        user, second, text = rest.partition(b" ")
        if command == b"PING":
            self.reply(frame(b"PONG"))
        elif command == b"TAKE":
            self.take()
        elif command == b"SECRET":
            self.hand_out_secret()
        elif word == b"PART" and blank:
            self.keep_part(rest)
        elif word == b"SEND" and second and number(user) is not None:
            self.send(number(user), text)
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
        except OSError:  # this client has gone; that is no concern of others
            return False


# ---- the loop ------------------------------------------------------------------------------------


class Service:
    """The listening socket, all clients, and what they share."""

    def __init__(self, group, listener, queues, secret):
        self.group = group
        self.listener = listener
        self.queues = queues
        self.secret = secret
        self.journal = Journal()
        self.listening = False
        self.selector = selectors.DefaultSelector()
        self.look_at_listener(True)
        # A signal becomes something to read, and has its place in the loop like all else.
        self.ends, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.detach())
        signal.signal(signal.SIGTERM, lambda *_: None)
        self.selector.register(self.ends, selectors.EVENT_READ)

    def look_at_listener(self, look):
        """Let the loop look at the listener, or not: exercise 20 says why."""
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

    def serve(self, key):
        client = key.data
        if not client.serve():
            self.selector.unregister(client.connection)
            client.close()
            self.look_at_listener(True)
            return
        events = selectors.EVENT_WRITE if client.unsent else selectors.EVENT_READ
        if events != key.events:
            self.selector.modify(client.connection, events, client)

    def run(self):
        """Serve until the manager says that it is over."""
        while True:
            ready = self.selector.select(None if self.listening else 0.5)
            if not ready:
                self.look_at_listener(True)
            for key, _ in ready:
                if key.fileobj is self.ends:
                    return
                if key.fileobj is self.listener:
                    self.admit()
                else:
                    self.serve(key)


# ---- the start -----------------------------------------------------------------------------------


def given_listener():
    """Return the socket that the manager listens at. Its name is the manager's, too."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        raise OSError("LISTEN_PID and LISTEN_FDS give it no socket")
    listener = socket.socket(fileno=3)
    listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.type != socket.SOCK_STREAM or not listens:
        raise OSError("LISTEN_FDS: descriptor 3 is not a stream socket that listens")
    listener.set_inheritable(False)
    listener.setblocking(False)
    return listener


def group_number(text):
    """Return a group's number; a name is looked up, for those who write units."""
    if text.isdigit():
        return int(text)
    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        raise OSError(f"there is no group {text}") from None


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: inbox-service GROUP SECRET-FILE")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that goes is no business of ours
    try:
        group = group_number(sys.argv[1])
        listener = given_listener()
        if "STATE_DIRECTORY" not in os.environ:
            raise OSError("STATE_DIRECTORY is not set")
        queues = Queues(os.environ["STATE_DIRECTORY"])
        service = Service(group, listener, queues, Secret(sys.argv[2]))
    except OSError as error:
        sys.exit(f"inbox-service: {error}")
    tell_manager(b"READY=1")
    service.run()
    tell_manager(b"STOPPING=1")


if __name__ == "__main__":
    main()
