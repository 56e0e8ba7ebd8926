"""Exercise 21: a server that stops when it is told to.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-21
    ipc-mastery hint exercise-21
"""

import socket
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: graceful-stop GRACE PATH")
    grace, path = sys.argv[1:]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path, and listen.
    # 2. Answer frames, of several clients at a time.
    # 3. Learn of SIGTERM and SIGINT, wherever the program waits; then finish what has begun.

    print(f"{grace} ms of grace", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


if __name__ == "__main__":
    main()
