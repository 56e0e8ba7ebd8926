"""Exercise 16: one open file, one offset, two processes.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-16
    ipc-mastery hint exercise-16
"""

import os
import sys


def lend(path, name, place, count):
    file = os.open(name, os.O_RDONLY)

    # 1. Place the offset of the file: os.lseek().
    # 2. Connect a stream socket to the path.
    # 3. Send b"read COUNT\n", the descriptor attached to the first byte: socket.sendmsg() and
    #    SCM_RIGHTS.
    # 4. Read the answer to the end of the stream; then say where your offset stands.
    sys.exit(f"next step: place {name} ({file}) at {place}, and lend it at {path} to read {count}")


def borrow(path):
    sys.exit(f"a later step: borrow a file at {path}")


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "lend" and len(arguments) == 3:
        lend(*arguments, "all")
    elif command == "lend" and len(arguments) == 4:
        lend(*arguments)
    elif command == "borrow" and len(arguments) == 1:
        borrow(*arguments)
    else:
        sys.exit("usage: lend SOCKET FILE OFFSET [COUNT], or borrow SOCKET")


if __name__ == "__main__":
    main()
