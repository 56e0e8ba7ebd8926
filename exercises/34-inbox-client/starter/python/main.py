"""Exercise 34: a client of the inbox.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-34
    ipc-mastery hint exercise-34
"""

import os
import socket
import sys


def main():
    if sys.argv[1:] != ["ping"]:
        print("usage: inbox-client ping", file=sys.stderr)
        sys.exit(os.EX_USAGE)
    path = os.environb.get(b"IPC_INBOX")
    if path is None:
        print("no inbox: IPC_INBOX is not set", file=sys.stderr)
        sys.exit(os.EX_CONFIG)

    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Connect it to the path, and look at what that says.
    # 2. Send a frame with PING: four bytes of length, most significant first, and the word.
    # 3. Receive the reply, however many calls that takes. If it is the frame PONG, print pong.

    print(f"next step: connect to {path!r}", file=sys.stderr)
    sys.exit(os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
