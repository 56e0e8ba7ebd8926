"""Exercise 10: a server that decides for each command who may give it.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-10
    ipc-mastery hint exercise-10
"""

import socket
import sys

SO_PEERGROUPS = 59  # the socket module has no name for it


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: authorise-commands GROUP POLICY PATH")
    group, policy, path = sys.argv[1:]

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    # 1. Bind it to the path, so that everybody may connect, and listen.
    # 2. Accept a client. SO_PEERCRED and SO_PEERGROUPS tell who it is.
    # 3. Take a frame; ask the policy whether this client may do that; reply.

    print(f"group {group}, policy {policy}", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


if __name__ == "__main__":
    main()
