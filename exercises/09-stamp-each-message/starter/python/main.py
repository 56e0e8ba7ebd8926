"""Exercise 9: a log daemon that stamps each message with its sender.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-9
    ipc-mastery hint exercise-9
"""

import socket
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: stamp-each-message PATH")
    path = sys.argv[1]
    _inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    # The socket exists, but it has no name yet, so no sender can find it.
    #
    # 1. Name it: bind.
    # 2. For each message: receive it, and what the kernel says of its sender.
    # 3. Print its line, and flush.
    sys.exit(f"next step: bind the socket to {path}")


if __name__ == "__main__":
    main()
