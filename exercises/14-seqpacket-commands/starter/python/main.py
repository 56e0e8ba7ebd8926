"""Exercise 14: a command server on a Unix SEQPACKET socket.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-14
    ipc-mastery hint exercise-14
"""

import os
import socket
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: seqpacket-commands PATH")
    path = os.fsencode(sys.argv[-1])

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    # 1. Bind it to the path, and listen.
    # 2. Accept a client. recvmsg() takes one packet, which is one command; send() its reply.
    # 3. Wait for all clients at once: selectors, or a thread for each.

    sys.exit(f"next step: bind the socket to {os.fsdecode(path)} and listen")


if __name__ == "__main__":
    main()
