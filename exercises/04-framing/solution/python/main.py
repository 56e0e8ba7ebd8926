"""Exercise 4, reference solution in Python: length-prefixed frames on a stream socket.

Without arguments, a filter: frames come in on descriptor 0, and go out on descriptor 1 with their
ASCII letters in upper case. As `test PATH`, tests of such a filter: each connection to the path
has a new one behind it. Both use the same few functions for frames.
"""

import os
import signal
import socket
import struct
import sys

LARGEST = 65536
HEADER = struct.Struct("!I")  # network byte order, unsigned

RIGHT, BROKEN, CANNOT_TELL = 0, 1, 2  # exit statuses of the tests


class ProtocolError(Exception):
    """What came is no frame."""


def read_up_to(stream, size):
    """Read until `size` bytes are there or the stream has ended; return what came."""
    data = bytearray()
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)


def read_frame(stream):
    """Return the payload of the next frame, or None at the end of the stream."""
    header = read_up_to(stream, HEADER.size)
    if not header:
        return None  # between two frames, and only there, the end is no error
    if len(header) < HEADER.size:
        raise ProtocolError("the stream ended inside a header")
    (length,) = HEADER.unpack(header)
    if length > LARGEST:
        raise ProtocolError(f"a frame of {length} bytes is too long")
    payload = read_up_to(stream, length)
    if len(payload) < length:
        raise ProtocolError("the stream ended inside a frame")
    return payload


def frame(payload):
    """Return the frame of a payload. Sent whole, it needs one call and no lock."""
    return HEADER.pack(len(payload)) + payload


def run_filter():
    answered = 0

    def report(_number, _stack):
        # Not print(): it may be the very thing that was interrupted.
        os.write(2, b"frames %d\n" % answered)

    # Python runs the handler when the call that waits returns with EINTR, and then repeats the
    # call (PEP 475). sendall() goes on after the last byte that was taken.
    signal.signal(signal.SIGUSR1, report)
    source, sink = socket.socket(fileno=0), socket.socket(fileno=1)
    while (payload := read_frame(source)) is not None:
        sink.sendall(frame(payload.upper()))  # bytes.upper() knows ASCII only
        answered += 1


def goes_well(path, *turns):
    """Say each turn's bytes to a new filter and compare what comes with what is due.

    When the answer of a turn has come, the filter has read that turn: so what the next begins
    with is certain to arrive by itself. After the last turn we say no more. Then every filter
    answers what it will, and ends: nothing here has to guess how long to wait for an answer that
    may not come.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(5)  # stuck is broken, but slow is not
        stream.connect(path)
        for index, (said, due) in enumerate(turns):
            # Sending fails when the filter has ended, as a right one does after a frame that is
            # too long. Whether it should have is seen in what comes.
            try:
                stream.sendall(said)
                if index == len(turns) - 1:
                    stream.shutdown(socket.SHUT_WR)
            except (ConnectionError, TimeoutError):
                pass
            try:
                if read_up_to(stream, len(due)) != due:
                    return False
            except (ConnectionError, TimeoutError):
                return False
        try:
            return not stream.recv(1)
        # A filter that refuses a frame may leave bytes of ours unread; then the end is announced
        # by ECONNRESET.
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def tests():
    """Yield what each test is about, and its turns: what is said, what must come."""
    every = bytes(range(256))
    yield "a frame with every byte", (frame(every), frame(every.upper()))
    yield "two frames at once", (frame(b"one") + frame(b"three"), frame(b"ONE") + frame(b"THREE"))
    whole = frame(b"first") + frame(b"second")
    for what, cut in (("header", 2), ("payload", 7)):
        at = len(frame(b"first")) + cut
        yield f"a {what} in two pieces", (whole[:at], frame(b"FIRST")), (whole[at:], frame(b"SECOND"))
    yield "an empty frame", (frame(b"") + frame(b"after"), frame(b"") + frame(b"AFTER"))
    yield "the largest frame", (frame(b"z" * LARGEST), frame(b"Z" * LARGEST))
    # The whole frame, not its length alone: who accepts it must be able to show it.
    yield "a frame that is too long", (frame(b"z" * (LARGEST + 1)), b"")
    yield "a length that looks negative", (b"\x80\0\0\x01" + frame(b"after"), b"")
    yield "an end inside a header", (b"\0\0", b"")
    yield "an end inside a payload", (frame(b"too short")[:9], b"")


def run_tests(path):
    for what, *turns in tests():
        if not goes_well(path, *turns):
            print(f"framing: broken: {what}", file=sys.stderr)
            return BROKEN
    return RIGHT


def main():
    try:
        if len(sys.argv) == 1:
            run_filter()
            return 0
        if len(sys.argv) == 3 and sys.argv[1] == "test":
            return run_tests(os.fsencode(sys.argv[2]))
    except (ProtocolError, OSError) as error:
        print(f"framing: {error}", file=sys.stderr)
        return CANNOT_TELL
    print("usage: framing [test PATH]", file=sys.stderr)
    return CANNOT_TELL


if __name__ == "__main__":
    sys.exit(main())
