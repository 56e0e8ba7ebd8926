"""Exercise 22: many connections.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-22
    ipc-mastery hint exercise-22
"""

import socket
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: program [WORKERS] SOCKET")
    path = sys.argv[-1]
    _listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # The socket exists, but it has no name yet, so no client can find it.
    #
    # 1. Name it and let clients queue up: bind, listen.
    # 2. Make an epoll set, and put the listener into it: select.epoll, register.
    # 3. Wait: poll. The listener is readable: accept, and put the new socket into the set.
    # 4. A client is readable: read once, send back what is a whole frame, and wait again.
    sys.exit(f"next step: bind the socket to {path}")


if __name__ == "__main__":
    main()
