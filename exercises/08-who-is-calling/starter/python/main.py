"""Exercise 8: a server that asks the kernel who is calling.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-8
    ipc-mastery hint exercise-8

The method getsockopt() of a socket takes socket.SO_PEERCRED, and 59 for SO_PEERGROUPS, which has no
name in Python. It has room for 1024 bytes at most, that is 256 groups.
"""

import os
import socket
import sys


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: who-is-calling GROUP PATH")
    path = os.fsencode(sys.argv[-1])

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path, let everybody write to that name, and listen.
    # 2. Accept. Ask the kernel: getsockopt() with SO_PEERCRED and SO_PEERGROUPS. Print the line.
    # 3. Read questions, one line each, and answer them from what the kernel said.

    sys.exit(f"next step: bind the socket to {os.fsdecode(path)} and listen")


if __name__ == "__main__":
    main()
