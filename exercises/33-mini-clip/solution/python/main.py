"""Exercise 33, reference solution in Python: a clipboard whose payload never passes its socket.

    mini-clip copy TYPE PATH < payload      owns the clipboard until it is ended
    mini-clip paste TYPE PATH > payload

Over the socket go four short lines and one descriptor: the end of a pipe that paste made. Python
ignores SIGPIPE, so a reader that is gone is an error (EPIPE) of one write.
"""

import array
import os
import socket
import sys

# The longest line, its line feed included.
LINE = 100


def write_all(descriptor, data):
    """Write all of it; os.write() may accept only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_line(owner):
    """Read a line, byte by byte: there are few, and what follows it is the next one's."""
    line = b""
    while len(line) < LINE:
        byte = owner.recv(1)
        if not byte:
            sys.exit("mini-clip: the owner of the clipboard is gone")
        if byte == b"\n":
            return line
        line += byte
    sys.exit("mini-clip: the owner of the clipboard talks too much")


def paste(kind, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as owner:
        owner.connect(path)
        # Both ends are close-on-exec: Python makes all descriptors so.
        reading, writing = os.pipe()
        # The descriptor goes with the first byte; a line this short is accepted whole.
        socket.send_fds(owner, [kind + b"\n"], [writing])
        # As long as we could write ourselves, the pipe would not end for us.
        os.close(writing)

        if read_line(owner) != kind:
            sys.exit("mini-clip: that is no answer to what was asked")
        answer = read_line(owner)
        if answer == b"none":
            print("mini-clip: the clipboard has no such type", file=sys.stderr)
            return 2
        if answer != b"ok":
            sys.exit("mini-clip: that is no answer")
        count = 0
        while data := os.read(reading, 65536):
            write_all(1, data)
            count += len(data)

        # The pipe also ends when its writer is killed. Only this line says that it was all.
        if read_line(owner) != b"done %d" % count:
            sys.exit("mini-clip: the payload is not complete")
    return 0


def read_request(client):
    """Read a line and the descriptor that comes with one of its pieces, whichever that is."""
    line, descriptors = b"", []
    while b"\n" not in line and len(line) < LINE:
        # Not socket.recv_fds(): Python 3.11 does not hand its flags on, and the descriptors would be
        # open across exec.
        room, flags = socket.CMSG_SPACE(16 * 4), socket.MSG_CMSG_CLOEXEC
        piece, control, _flags, _address = client.recvmsg(LINE - len(line), room, flags)
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                came = array.array("i")
                came.frombytes(data[: len(data) - len(data) % came.itemsize])
                descriptors += came
        if not piece:
            break
        line += piece
    return line, descriptors


def serve(client, kind, payload):
    line, descriptors = read_request(client)
    try:
        request, line_feed, _rest = line.partition(b"\n")
        if not line_feed or not descriptors:
            return  # that was no request
        if request != kind:
            client.sendall(request + b"\nnone\n")
            return
        # Answer first: until then nobody reads the pipe, and it may be too small for all.
        client.sendall(request + b"\nok\n")
        write_all(descriptors[0], payload)
        os.close(descriptors.pop(0))  # the reader waits for this
        client.sendall(b"done %d\n" % len(payload))
    except OSError as error:
        # A client that is gone, or a descriptor that cannot be written to: its affair.
        print(f"mini-clip: {error}", file=sys.stderr)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def copy(kind, path):
    payload = sys.stdin.buffer.read()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        if os.path.lexists(path):
            os.unlink(path)  # the newest owner has the clipboard
        listener.bind(path)
        listener.listen(16)
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    serve(client, kind, payload)
                except ConnectionError as error:
                    print(f"mini-clip: {error}", file=sys.stderr)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("copy", "paste"):
        sys.exit("usage: mini-clip copy|paste TYPE PATH")
    kind, path = os.fsencode(sys.argv[2]), sys.argv[3]
    try:
        sys.exit(copy(kind, path) if sys.argv[1] == "copy" else paste(kind, path))
    except OSError as error:
        sys.exit(f"mini-clip: {error}")


if __name__ == "__main__":
    main()
