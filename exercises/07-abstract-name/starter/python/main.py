"""Exercise 7: a server at an abstract name.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-7
    ipc-mastery hint exercise-7
"""

import os
import socket
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: abstract-name NAME")
    name = os.fsencode(sys.argv[-1])  # a name is bytes

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the abstract name: a NUL, and these bytes behind it.
    # 2. Listen. Print what getsockname() says, and that you are ready; flush both lines.
    # 3. Accept one client after another; send back what it sends, in upper case.

    sys.exit(f"next step: bind the socket to the abstract name {os.fsdecode(name)} and listen")


if __name__ == "__main__":
    main()
