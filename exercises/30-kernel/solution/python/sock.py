"""A socket and what lies in its queue: struct unix_sock and struct sk_buff, as far as anybody can
tell from outside."""

from collections import deque

STREAM, DGRAM, SEQPACKET = 1, 2, 5
CLOSE, ESTABLISHED, LISTEN = "close", "established", "listen"  # a fresh socket is closed, too
RCV_SHUTDOWN, SEND_SHUTDOWN = 1, 2
SHUTDOWN_MASK = RCV_SHUTDOWN | SEND_SHUTDOWN


class Sock:
    """One end. It knows whom it sends to, and has the queue that it receives from."""

    def __init__(self, kind, max_ack_backlog):
        self.type = kind
        self.state = CLOSE
        self.peer = None  # the Sock that gets what is sent here; it may be dead
        self.queue = deque()  # of Message; with a listener of Sock: ends that nobody accepted yet
        self.max_ack_backlog = max_ack_backlog
        self.name = None  # bytes: a path, or a zero and an abstract name
        self.shutdown = 0
        self.error = None  # what the next call that asks is told, once
        self.passcred = False
        self.peercred = None
        self.accepted = False  # whether there was ever a descriptor for it
        self.dead = False

    def is_full(self):
        # One more than was asked for: the kernel compares with > and not with >=.
        return len(self.queue) > self.max_ack_backlog

    def take_error(self):
        error, self.error = self.error, None
        return error


class Message:
    """What one send call put into a queue: one packet, or a piece of a stream."""

    def __init__(self, sender, data, files, credentials):
        self.sender = sender  # a Sock; what it is called is asked when the message is read
        self.data = data  # what is left of it to read
        self.files = files  # OpenFiles; the message holds a reference to each
        self.credentials = credentials
