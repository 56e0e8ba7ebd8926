"""Exercise 2: a client on a Unix stream socket that says when it has said all.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-2
    ipc-mastery hint exercise-2
"""

import socket
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: half-closing-client PATH")
    path = sys.argv[-1]

    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # The socket exists, but nobody is at its other end.
    #
    # 1. Give it one: connect it to the path.
    # 2. Send standard input, to its end. Then say that this was all.
    # 3. Receive the reply and write it to standard output, until nothing comes.

    sys.exit(f"next step: connect the socket to {path}")


if __name__ == "__main__":
    main()
