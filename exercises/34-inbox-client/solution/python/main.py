"""Exercise 34, reference solution in Python: a client of the inbox.

Everything is bytes, from the environment to the socket: os.environb, sys.stdin.buffer, b"SEND ".
Before each call the socket is told how much time is left, so that one deadline holds for all calls
together.
"""

import os
import socket
import struct
import sys
import time

MOST_TEXT = 65536 - len(b"SEND ")
MOST_PATH = 107  # sun_path, with its NUL

# What a status of the inbox means to the caller, and in words.
REFUSALS = {
    1: (os.EX_SOFTWARE, "the inbox does not know this command"),
    2: (os.EX_NOPERM, "you may not send to this inbox"),
    3: (os.EX_DATAERR, "the text is too large for this inbox"),
    4: (os.EX_IOERR, "the inbox could not write the line"),
}


class Failure(Exception):
    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def variable(name):
    """A variable's value, which is bytes. Set to nothing is the same as not set."""
    return os.environb.get(name) or None


def find_inbox():
    """Where the inbox is: what IPC_INBOX says, else the well-known place.

    Nobody looks whether something is there: connect() does, and says what is wrong.
    """
    name, directory, rest = "IPC_INBOX", variable(b"IPC_INBOX"), b""
    if directory is None:
        name, directory, rest = "XDG_RUNTIME_DIR", variable(b"XDG_RUNTIME_DIR"), b"/inbox.sock"
    if directory is None:
        raise Failure(os.EX_CONFIG, "no inbox: neither IPC_INBOX nor XDG_RUNTIME_DIR says where")
    if not directory.startswith(b"/"):
        raise Failure(os.EX_CONFIG, f"{name} is not an absolute path: {directory!r}")
    if len(directory + rest) > MOST_PATH:
        raise Failure(os.EX_CONFIG, f"{name} is too long for a socket's name")
    return directory + rest


class Inbox:
    """A connection to the inbox, until a deadline."""

    def __init__(self, path, seconds):
        self.deadline = time.monotonic() + seconds
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.in_time().connect(path)
        except FileNotFoundError as error:
            raise Failure(os.EX_OSFILE, f"there is no inbox at {path!r}: {error}")
        except ConnectionRefusedError as error:
            raise Failure(os.EX_UNAVAILABLE, f"no inbox listens at {path!r}: {error}")
        except PermissionError as error:
            raise Failure(os.EX_NOPERM, f"{path!r}: {error}")
        except BlockingIOError:
            # A socket with a timeout does not wait for room in the queue: EAGAIN, at once.
            raise Failure(os.EX_TEMPFAIL, f"{path!r}: the inbox has too many callers")

    def in_time(self):
        """The socket, with a timeout of as much as is left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        return self.socket

    def send_frame(self, payload):
        try:
            self.in_time().sendall(struct.pack("!I", len(payload)) + payload)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it takes no more, but may have said why: that is read next

    def receive(self, size):
        """Exactly so many bytes, in however many pieces they come."""
        data = b""
        while len(data) < size:
            piece = self.in_time().recv(size - len(data))
            if not piece:
                raise Failure(os.EX_PROTOCOL, f"the inbox hung up after {len(data)} of {size} bytes")
            data += piece
        return data

    def receive_number(self):
        return struct.unpack("!I", self.receive(4))[0]

    def ping(self):
        self.send_frame(b"PING")
        # Only one length can be right, so no wrong one is waited for.
        length = self.receive_number()
        if length != 4:
            raise Failure(os.EX_PROTOCOL, f"PONG has 4 bytes, and the inbox announces {length}")
        if self.receive(4) != b"PONG":
            raise Failure(os.EX_PROTOCOL, "the inbox replied something else than PONG")

    def send(self, text):
        self.send_frame(b"SEND " + text)
        status = self.receive_number()
        if status in REFUSALS:
            code, words = REFUSALS[status]
            raise Failure(code, f"status {status}: {words}")
        if status != 0:
            raise Failure(os.EX_PROTOCOL, f"status {status}: no status has this number")


def run(arguments):
    text = b""
    if arguments == ["send"]:
        text = sys.stdin.buffer.read(MOST_TEXT + 1)
    elif arguments == ["hello"]:
        text = b"hello from session " + (variable(b"XDG_SESSION_ID") or b"unknown")
    elif arguments != ["ping"]:
        raise Failure(os.EX_USAGE, "usage: inbox-client ping | send | hello")
    if len(text) > MOST_TEXT:
        raise Failure(os.EX_DATAERR, f"the text has more than {MOST_TEXT} bytes")

    milliseconds = int(variable(b"IPC_INBOX_TIMEOUT") or 30000)
    inbox = Inbox(find_inbox(), milliseconds / 1000)
    if arguments != ["send"]:
        inbox.ping()
    if arguments != ["ping"]:
        inbox.send(text)
    else:
        try:
            print("pong", flush=True)
        except OSError as error:
            # What could not be flushed would be tried again at the end, and fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise Failure(os.EX_IOERR, f"standard output: {error}")


def main():
    try:
        run(sys.argv[1:])
    except Failure as failure:
        print(f"inbox-client: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    except TimeoutError:
        print("inbox-client: the inbox did not reply in time", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    except ConnectionError as error:
        print(f"inbox-client: {error}", file=sys.stderr)
        sys.exit(os.EX_PROTOCOL)


if __name__ == "__main__":
    main()
