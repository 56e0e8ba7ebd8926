"""Exercise 19: an echo server that is started with its sockets in hand.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-19
    ipc-mastery hint exercise-19
"""

import os
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: socket-activation PATH")
    path = sys.argv[1]

    # 1. Was the letter for this process, and how many descriptors came with it?
    # 2. If there is one, accept clients from descriptor 3 and echo what they send.
    # 3. If there is none, make a socket at the path, and serve that.

    pid, count = os.environ.get("LISTEN_PID"), os.environ.get("LISTEN_FDS")
    print(f"LISTEN_PID {pid} (this is {os.getpid()}), LISTEN_FDS {count}", file=sys.stderr)
    sys.exit(f"next step: accept a client from descriptor 3; {path} is for later")


if __name__ == "__main__":
    main()
