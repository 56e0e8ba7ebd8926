"""Exercise 10, reference solution in Python: a server that decides for each command who may give it.

The socket lets everybody knock; a policy file says who may do what. The kernel says who is asking.
Each client has a thread, whose calls wait for this client alone.
"""

import array
import contextlib
import grp
import os
import socket
import struct
import sys
import threading

SO_PEERGROUPS = 59  # the socket module has no name for it
MOST_OPTION = 1024  # what getsockopt() of Python has room for: 256 groups
LONGEST = 8  # the longest command is SHUTDOWN
NOBODY = 0xFFFFFFFF  # -1: nobody's uid and nobody's group

# The right that a command needs. The empty frame is another PING and SHUTDOWN another STOP, so each
# needs the same right: who forgets a second name leaves a second door open.
RIGHTS = {b"": "PING", b"PING": "PING", b"READ": "READ", b"STOP": "STOP", b"SHUTDOWN": "STOP"}


class Refused(Exception):
    """What the client asks for is not done; the words say why."""


class Peer:
    """Who connected, as the kernel wrote it down at that moment."""

    def __init__(self, connection):
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, self.uid, gid = struct.unpack("iII", told)
        if self.uid == NOBODY:
            raise OSError("the kernel knows nobody")
        # With more groups than there is room for, this is an error (ERANGE), and not a part of them.
        groups = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, MOST_OPTION)
        self.groups = {gid, *array.array("I", groups)}


class Server:
    """What the server was started with, and what it decides."""

    def __init__(self, group, policy, path):
        self.group = group
        self.policy = policy
        self.path = path

    def means(self, word, peer):
        """Return whether one word of the policy means this peer."""
        if word == "anyone":
            return True
        if word == "owner":
            return peer.uid == os.geteuid()
        if word == "root":
            return peer.uid == 0
        if word == "group":
            return self.group in peer.groups
        if word.startswith("@"):
            return grp.getgrnam(word[1:]).gr_gid in peer.groups  # KeyError: there is none
        raise ValueError(f"no such word: {word}")

    def judge_line(self, line, wanted, peer):
        """Return whether one line allows this.

        A line is read to its end also when it is about another right: who cannot understand all of
        a policy does not know what it allows.
        """
        if not line or line.startswith("#"):
            return False
        right, *words = line.split(" ")
        if right not in RIGHTS.values() or not words:
            raise ValueError(f"no such line: {line}")
        meant = [self.means(word, peer) for word in words]
        return right == wanted and any(meant)

    def decide(self, right, peer):
        """Ask the policy, as it is now; refuse what no line allows, and all when a question fails."""
        try:
            with open(self.policy, encoding="utf-8", newline="\n") as policy:
                said = [self.judge_line(line, right, peer) for line in policy.read().split("\n")]
        except (OSError, LookupError, ValueError) as error:
            raise Refused("ERROR policy") from error
        if not any(said):
            raise Refused("DENIED")

    def stop(self):
        """End the program, from whichever thread."""
        with contextlib.suppress(OSError):  # a name that is gone is no reason to go on
            os.unlink(self.path)
        os._exit(0)

    def converse(self, connection):
        """Carry out commands until one is refused, or the client has sent its last."""
        try:
            peer = Peer(connection)
        except OSError as error:
            raise Refused("ERROR policy") from error
        while (command := receive_frame(connection)) is not None:
            right = RIGHTS.get(command)
            if right is None:
                raise Refused("ERROR command")
            self.decide(right, peer)
            try:
                send_frame(connection, "OK 21.5" if right == "READ" else "OK")
            finally:  # also when nobody heard it: it was allowed
                if right == "STOP":
                    self.stop()

    def serve(self, connection):
        """Serve one client; a refusal is told, and is the last word of a conversation."""
        with connection:
            try:
                self.converse(connection)
            except Refused as refusal:
                refuse(connection, str(refusal))
            except ConnectionError:  # this client has gone; that is no concern of others
                pass


def refuse(connection, words):
    """Tell a refusal, and throw away what else the client sends, to its end.

    After close() its send() would fail, and who gets EPIPE may never come to read the words.
    """
    try:
        send_frame(connection, words)
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


def send_frame(connection, words):
    connection.sendall(struct.pack("!I", len(words)) + words.encode())


def receive(connection, count):
    """Return exactly so many bytes; None when the stream ends before."""
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            return None
        data += more
    return data


def receive_frame(connection):
    """Take one frame; None at the end."""
    header = receive(connection, 4)
    if header is None:
        return None
    (length,) = struct.unpack("!I", header)
    if length > LONGEST:
        raise Refused("ERROR command")
    return receive(connection, length)


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # bind() makes the name with mode 0777 less the umask: with 0111 it is 0666 from the first
    # moment. To connect, a client needs the permission to write.
    before = os.umask(0o111)
    listener.bind(path)
    os.umask(before)
    listener.listen(socket.SOMAXCONN)
    return listener


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: authorise-commands GROUP POLICY PATH")
    group, policy, path = sys.argv[1:]
    digits = group.isascii() and group.isdigit()
    if not digits or int(group) >= NOBODY:
        sys.exit(f"authorise-commands: not the number of a group: {group}")
    server = Server(int(group), policy, path)
    try:
        listener = listen_at(path)
    except OSError as error:
        sys.exit(f"authorise-commands: {error}")
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=server.serve, args=[connection], daemon=True).start()


if __name__ == "__main__":
    main()
