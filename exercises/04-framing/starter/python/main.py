"""Exercise 4: frames on a stream.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-4
    ipc-mastery hint exercise-4
"""

import os
import signal
import socket
import struct
import sys

LARGEST = 65536


def read_frame(stream):
    """Return the payload of the next frame, or None at the end of the stream.

    A frame is four bytes of length, most significant first, then so many bytes.
    """
    print(f"next step: read a header from descriptor {stream.fileno()}", file=sys.stderr)
    return None


def write_frame(stream, payload):
    """Send the frame of a payload."""


def run_filter():
    source, sink = socket.socket(fileno=0), socket.socket(fileno=1)
    while (payload := read_frame(source)) is not None:
        # Make a to z upper case here, and nothing else.
        write_frame(sink, payload)
    return 0


def run_tests(path):
    """The second half of the task: 0 when the filters behind the path are right, 1 when not."""
    print(f"next step: connect to {os.fsdecode(path)} and test what is there", file=sys.stderr)
    return 2


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "test":
        return run_tests(os.fsencode(sys.argv[2]))
    return run_filter()


if __name__ == "__main__":
    sys.exit(main())
