"""Exercise 20: the inbox, a server that keeps going whatever its clients do.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-20
    ipc-mastery hint exercise-20
"""

import socket
import sys

SO_PEERGROUPS = 59  # the socket module has no name for it


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: inbox GROUP PATH")
    group, path = sys.argv[1:]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path, so that everybody may connect, and listen.
    # 2. Wait for all clients at once: the selectors module, or a thread for each.
    # 3. Take a frame; carry out its command; reply as the table in README.md says.

    print(f"group {group}", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


if __name__ == "__main__":
    main()
