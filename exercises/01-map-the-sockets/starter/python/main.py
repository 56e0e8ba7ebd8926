"""Exercise 1: the sockets of this machine that can be reached by name.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-1
    ipc-mastery hint exercise-1
"""

import sys


def main():
    lines = 0
    with open("/proc/net/unix", "rb") as table:
        for _line in table:
            # Num RefCount Protocol Flags Type St Inode Path
            #
            # 1. Take the columns apart. Type is a number, as socket.SOCK_STREAM is; Path is the rest.
            # 2. Can the socket be reached by a name? README.md says when.
            # 3. If so, write one line to sys.stdout.buffer: INODE TYPE NAME.
            lines += 1

    sys.exit(f"next step: take the columns of these {lines} lines apart")


if __name__ == "__main__":
    main()
