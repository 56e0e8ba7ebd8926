"""Exercise 37: a broker in two processes, one with the rights and one with the clients.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-37
    ipc-mastery hint exercise-37
"""

import socket
import sys


def broker(list_path, directory, path):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    # 1. Read the list, open the directory, and listen at the path.
    # 2. Start the worker: subprocess.Popen() of this program, with pass_fds= for the listening
    #    socket and one end of the pair, and env= of your own. Close that end here.
    # 3. Answer what the worker asks: a status byte, and with `+` a descriptor.
    # 4. Start another worker when this one dies; end both at SIGTERM.

    print(f"list {list_path}, directory {directory}", file=sys.stderr)
    ours.close()
    theirs.close()
    sys.exit(f"next step: listen at {path}, and start the worker")


def worker(listener, to_broker):
    # Accept clients, pass each request to the broker, and pass its reply on.
    sys.exit(f"next step: wait for the listener {listener} and the broker {to_broker}")


def main():
    words = sys.argv[1:]
    if len(words) == 3 and words[0] == "--worker":
        worker(int(words[1]), int(words[2]))
    elif len(words) == 3:
        broker(*words)
    else:
        sys.exit("usage: LIST DIRECTORY SOCKET")


if __name__ == "__main__":
    main()
