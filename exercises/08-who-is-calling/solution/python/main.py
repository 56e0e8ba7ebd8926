"""Exercise 8, reference solution in Python: a server that asks the kernel who is calling.

    who-is-calling GROUP PATH

All that is known about a caller is read once, right after accept(), from the connection itself.
What the caller says is a question, never an answer.
"""

import collections
import ctypes
import errno
import os
import re
import socket
import struct
import sys

SO_PEERGROUPS = 59  # Python has no name for it
UCRED = struct.Struct("iII")

libc = ctypes.CDLL(None, use_errno=True)


def peer_groups(connection):
    """Return the supplementary groups that the kernel recorded.

    The method getsockopt() takes 1024 bytes at most, which is 256 groups; the kernel allows 65536.
    So this is the C function. The first question has no room: the kernel says ERANGE and how many
    bytes it needs, or succeeds because there are none. The list never changes in between.
    """
    groups, size = None, ctypes.c_uint32(0)
    option = (connection.fileno(), socket.SOL_SOCKET, SO_PEERGROUPS)
    while libc.getsockopt(*option, groups, ctypes.byref(size)) == -1:
        if ctypes.get_errno() != errno.ERANGE:
            raise OSError(ctypes.get_errno(), "SO_PEERGROUPS")
        groups = (ctypes.c_uint32 * (size.value // 4))()  # size is in bytes
    return list(groups or ())


class Caller:
    """What the kernel recorded when this peer called connect()."""

    def __init__(self, connection):
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
        self.pid, self.uid, self.gid = UCRED.unpack(data)
        # Supplementary; the gid need not be among them.
        self.groups = peer_groups(connection)

    def answer(self, question, group, calls):
        """Return the reply to a question."""
        if question == b"user":
            return "same" if self.uid == os.geteuid() else "other"
        if question == b"member":
            return "yes" if group == self.gid or group in self.groups else "no"
        if question == b"groups":
            return str(len(self.groups))
        if question == b"calls":
            return str(calls[self.uid])
        # A decimal number and nothing else; int() alone would accept blanks, a sign and more.
        if claim := re.fullmatch(rb"uid ([0-9]{1,10})", question):
            return "true" if int(claim[1]) == self.uid else "false"
        return "unknown"


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    # Everybody may call; connect() needs permission to write. Nobody can before listen().
    os.chmod(path, 0o666)
    listener.listen(socket.SOMAXCONN)
    return listener


def serve(connection, caller, group, calls):
    """Answer questions until the caller has said its last."""
    with connection.makefile("rb") as questions:
        for question in questions:
            reply = caller.answer(question.rstrip(b"\n"), group, calls)
            connection.sendall(reply.encode() + b"\n")


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: who-is-calling GROUP PATH")
    group = int(sys.argv[1])
    try:
        listener = listen_at(os.fsencode(sys.argv[-1]))
    except OSError as error:
        sys.exit(f"who-is-calling: {error}")
    # How often each user has called. A user is a uid, whatever process it comes as.
    calls = collections.Counter()
    while True:
        connection, _ = listener.accept()
        with connection:
            caller = Caller(connection)
            calls[caller.uid] += 1
            # Into a pipe, Python would keep the line until its buffer is full.
            print(f"peer pid={caller.pid} uid={caller.uid} gid={caller.gid}", flush=True)
            try:
                serve(connection, caller, group, calls)
            # The caller is gone: EPIPE (Python ignores SIGPIPE) or ECONNRESET.
            except ConnectionError as error:
                print(f"who-is-calling: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
