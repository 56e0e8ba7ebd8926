"""Exercise 17: wait for an eventfd.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-17
    ipc-mastery hint exercise-17
"""

import os
import socket
import sys


def main():
    number = os.environ.get("IPC_FD")
    if number is None:
        sys.exit("IPC_FD must say which descriptor is the socket")
    # A connected stream socket: do not connect, do not listen.
    owner = socket.socket(fileno=int(number))

    # 1. owner.recvmsg(): it brings b"watch X\n", and with it the eventfd (SCM_RIGHTS).
    # 2. Answer b"watching X\n".
    # 3. Then wait for two things at once: more from the owner, and the eventfd.
    sys.exit(f"next step: take an eventfd from descriptor {owner.fileno()}")


if __name__ == "__main__":
    main()
