"""Exercise 13, reference solution in Python: whole messages, messages that were cut, and a sender
that is told what is too big.

    detect-truncation receive PATH
    detect-truncation send PATH < messages, one a line

The receiver has room for 512 bytes. What does not fit is gone when the call returns; only the call
that lost it can say so.
"""

import errno
import os
import socket
import sys

ROOM = 512
SEND_BUFFER = 65536  # what is asked for; the kernel doubles it


def receive(path):
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.bind(path)
    data = bytearray(ROOM)
    while True:
        # As a flag of the call, MSG_TRUNC asks for the real length. recvmsg_into() returns it;
        # recvmsg() returns bytes, and they are never more than there was room for.
        real, _, flags, _ = inbox.recvmsg_into([data], 0, socket.MSG_TRUNC)
        # As a flag of the answer, it says that something was lost. There are other flags.
        if flags & socket.MSG_TRUNC:
            line = f"TRUNC real={real}"
        else:
            # 0 is the length of an empty message; datagrams have no end.
            line = f"WHOLE bytes={real} sum={sum(data[:real])}"
        # Into a pipe, Python would keep the line until its buffer is full.
        print(line, flush=True)


def send_lines(path):
    outbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    outbox.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    outbox.connect(path)
    status = 0
    for line in sys.stdin.buffer:
        message = line.removesuffix(b"\n")
        try:
            outbox.send(message)
            print(f"SENT bytes={len(message)}")
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            # Nothing of it was sent. The next line may fit.
            print(f"TOOBIG bytes={len(message)}")
            status = 1
    return status


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("receive", "send"):
        print("usage: detect-truncation receive|send PATH", file=sys.stderr)
        return 2
    command, path = sys.argv[1], os.fsencode(sys.argv[2])
    try:
        return receive(path) if command == "receive" else send_lines(path)
    except OSError as error:
        print(f"detect-truncation: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
