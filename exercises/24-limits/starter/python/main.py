"""Exercise 24: a server with limits for each user.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-24
    ipc-mastery hint exercise-24
"""

import socket
import sys


def main():
    if len(sys.argv) != 6:
        sys.exit("usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH")
    burst, refill_ms, connections, frame_ms, path = sys.argv[1:]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path, so that everybody may connect, and listen.
    # 2. Accept clients. SO_PEERCRED tells whose bucket and whose count it is.
    # 3. Take a frame; take a token for it; reply.

    print(f"burst {burst}, refill {refill_ms} ms", file=sys.stderr)
    print(f"connections {connections}, frame {frame_ms} ms", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


if __name__ == "__main__":
    main()
