"""Exercise 2, reference solution in Python: a client that says when it has said all.

One thread sends while the other reads. Neither waits for the other, so the server can stop reading
to answer, or stop answering to read, and nothing stands still.
"""

import os
import socket
import sys
import threading


def complain(what, error):
    print(f"half-closing-client: {what}: {error}", file=sys.stderr)


def speak(server, failures):
    """Send standard input, then say that nothing more will come."""
    try:
        # Bytes, not text: sys.stdin itself would decode them.
        while data := os.read(0, 65536):
            # send() may accept only a part; sendall() goes on with the rest.
            server.sendall(data)
        # This ends one direction only, and it ends it whoever else has a copy of the descriptor.
        # close() would do neither.
        server.shutdown(socket.SHUT_WR)
    except OSError as error:
        complain("send", error)
        failures.append(error)
        # EPIPE (Python ignores SIGPIPE): the server takes no more. It may be saying why, so the
        # other thread goes on listening. After any other failure nobody will ever finish the
        # request: do not let the listening wait for an answer to it.
        if not isinstance(error, BrokenPipeError):
            server.shutdown(socket.SHUT_RDWR)


def write_output(data):
    """Write all of it; os.write() may accept only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def listen(server, failures):
    """Write the reply, until the server has said its last."""
    try:
        while data := server.recv(65536):
            write_output(data)
    except OSError as error:
        complain("reply", error)
        failures.append(error)
        # Nobody will take the rest of the reply: do not let the sending wait for that.
        server.shutdown(socket.SHUT_RDWR)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: half-closing-client PATH")
    path = sys.argv[-1]
    if not path:  # the kernel would take it for an abstract name
        sys.exit("half-closing-client: the path is empty")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.connect(path)  # refuses a path that does not fit into the address
        except OSError as error:
            sys.exit(f"half-closing-client: {path}: {error}")
        failures = []
        speaking = threading.Thread(target=speak, args=(server, failures))
        speaking.start()
        listen(server, failures)
        speaking.join()
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
