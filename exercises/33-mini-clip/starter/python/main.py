"""Exercise 33: a clipboard whose payload never passes its socket.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-33
    ipc-mastery hint exercise-33
"""

import os
import sys


def paste(kind, path):
    _reading, _writing = os.pipe()

    # 1. Connect a stream socket to the path.
    # 2. Send the type and a line feed, with the writing end attached: socket.send_fds().
    # 3. Close your own writing end, read the answer, then the pipe.
    sys.exit(f"next step: ask for {kind} at {path}")


def copy(kind, path):
    sys.exit(f"a later step: offer {kind} at {path}")


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("copy", "paste"):
        sys.exit("usage: mini-clip copy|paste TYPE PATH")
    command, kind, path = sys.argv[1:]
    if command == "copy":
        copy(kind, path)
    else:
        paste(kind, path)


if __name__ == "__main__":
    main()
