"""Exercise 6: a relay between a client and an upstream server.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-6
    ipc-mastery hint exercise-6
"""

import socket
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: relay UPSTREAM PATH")
    upstream_path, path = sys.argv[1:]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(1)
    client, _ = listener.accept()

    # A client is here. The upstream does not know it yet.
    #
    # 1. Connect to the upstream.
    # 2. Carry what comes from the client to the upstream, and what comes from the upstream to
    #    the client. You cannot know which of them speaks next.
    # 3. When one of them has said its last, tell the other, and go on the other way.

    sys.exit(f"next step: connect to {upstream_path}")


if __name__ == "__main__":
    main()
