"""Exercise 15: open files go from one program to another.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-15
    ipc-mastery hint exercise-15
"""

import os
import sys


def send(path, names):
    files = [os.open(name, os.O_RDONLY) for name in names]

    # 1. Read the note: standard input, to its end.
    # 2. Connect a stream socket to the path.
    # 3. Send b"files N\n" and the note, the descriptors attached to the first byte:
    #    socket.sendmsg() and SCM_RIGHTS.
    # 4. Close your files, shut down the writing side, and read the answer.
    sys.exit(f"next step: deliver {len(files)} files at {path}")


def receive(path):
    sys.exit(f"a later step: take a delivery at {path}")


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "send" and len(arguments) >= 2:
        send(arguments[0], arguments[1:])
    elif command == "receive" and arguments:
        receive(arguments[-1])
    else:
        sys.exit("usage: send SOCKET FILE... < note, or receive [--who] SOCKET")


if __name__ == "__main__":
    main()
