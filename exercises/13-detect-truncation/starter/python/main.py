"""Exercise 13: whole messages, messages that were cut, and a sender that is told what is too big.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-13
    ipc-mastery hint exercise-13
"""

import socket
import sys


def receive(path):
    _inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    # The socket exists, but it has no name yet, so no sender can find it.
    #
    # 1. Name it: bind. Datagrams need no listen().
    # 2. For each message: receive it into 512 bytes, and find out whether that was all of it.
    # 3. Print its line, and flush.
    print(f"next step: bind the socket to {path}", file=sys.stderr)
    return 2


def send_lines(path):
    print(f"a later step: send each line of standard input to {path}", file=sys.stderr)
    return 2


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("receive", "send"):
        print("usage: detect-truncation receive|send PATH", file=sys.stderr)
        return 2
    command, path = sys.argv[1:]
    return receive(path) if command == "receive" else send_lines(path)


if __name__ == "__main__":
    sys.exit(main())
