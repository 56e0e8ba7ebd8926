"""Exercise 18: a broker that hands out open files, and a worker that asks for them.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-18
    ipc-mastery hint exercise-18
"""

import socket
import sys


def broker(list_path, directory, path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    # 1. Read the list, and open the directory.
    # 2. Bind the socket to the path, so that everybody may connect, and listen.
    # 3. Accept a client. One packet is one request; open what it asks for.
    # 4. sendmsg() the reply: one byte, and with `+` the descriptor.

    print(f"list {list_path}, directory {directory}", file=sys.stderr)
    listener.close()
    sys.exit(f"next step: bind the socket to {path} and listen")


def worker(path, names):
    # Comes last: connect, ask for each name, copy what is given to standard output.
    sys.exit(f"next step: connect to {path}, and ask for {', '.join(names)}")


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "broker" and len(arguments) == 3:
        broker(*arguments)
    elif command == "worker" and len(arguments) >= 2:
        worker(arguments[0], arguments[1:])
    else:
        sys.exit("usage: broker LIST DIRECTORY SOCKET, or worker SOCKET NAME...")


if __name__ == "__main__":
    main()
