"""Exercise 3: an echo server on a Unix stream socket.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-3
    ipc-mastery hint exercise-3
"""

import os
import socket
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: echo-server PATH")
    path = os.fsencode(sys.argv[-1])

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # The socket exists, but it has no name yet, so no client can find it.
    #
    # 1. Name it: bind it to the path.
    # 2. Let clients queue up: listen.
    # 3. For each client: accept, then receive and send back until nothing comes, then close.

    sys.exit(f"next step: bind the socket to {os.fsdecode(path)}")


if __name__ == "__main__":
    main()
