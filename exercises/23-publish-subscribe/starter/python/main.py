"""Exercise 23: a broker that hands on what is published, and waits for nobody.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-23
    ipc-mastery hint exercise-23
"""

import socket
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: publish-subscribe BYTES PATH")
    limit, path = int(sys.argv[1]), sys.argv[2]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path and listen.
    # 2. Take frames from many clients at once, and carry out SUB, UNSUB and PUB.
    # 3. Give each client a queue of its own for what the kernel does not take at once.

    print(f"limit of each queue: {limit} bytes", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


if __name__ == "__main__":
    main()
