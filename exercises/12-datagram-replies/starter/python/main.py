"""Exercise 12: requests and replies in datagrams.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-12
    ipc-mastery hint exercise-12
"""

import socket
import sys


def serve(path):
    _inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    # The socket exists, but it has no name yet, so no client can send to it.
    #
    # 1. Name it: bind. Datagrams need no listen().
    # 2. Receive a request, and with it the name of its sender: recvfrom().
    # 3. Send the reply to that name, from this socket: sendto().
    print(f"next step: bind the socket to {path}", file=sys.stderr)
    return 1


def ask(path, name, seconds, texts):
    later = f"a later step: as {name}, ask {path} for {texts[0]}, for {seconds} s at most"
    print(later, file=sys.stderr)
    return 1


def main():
    match sys.argv[1:]:
        case ["serve", path]:
            return serve(path)
        case ["ask", path, name, seconds, *texts] if texts:
            return ask(path, name, int(seconds), texts)
    print("usage: serve SOCKET, or ask SOCKET NAME SECONDS TEXT...", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
