"""Exercise 9, reference solution in Python: a log daemon that stamps each message with its sender.

    stamp-each-message PATH

Datagrams have no connection that could be asked who is there. With SO_PASSCRED the kernel puts the
sender's ids on each message, in a control message beside the bytes.
"""

import os
import socket
import struct
import sys

TEXT = 256  # bytes of a message that are logged
UCRED = struct.Struct("iII")  # pid, uid, gid
NOBODY_ID = 65534  # the overflow uid, kernel.overflowuid


def open_inbox(path):
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # Ask before the name is there: what is sent before anybody asks carries no ids.
    inbox.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    inbox.bind(path)
    return inbox


def find_sender(control):
    """Return the ids that came with a message, if they came whole and name somebody."""
    for level, kind, content in control:
        if (level, kind) != (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            continue
        if len(content) != UCRED.size:
            continue
        pid, uid, gid = UCRED.unpack(content)
        # Where the kernel knows nothing it has to write something: these.
        if pid != 0 and uid != NOBODY_ID:
            return pid, uid, gid
    return None


def quoted(text):
    """Return the text in printable ASCII, so that it can neither end its quotes nor its line."""
    shown = []
    for byte in text:
        if 0x20 <= byte <= 0x7E and byte not in b'"\\':
            shown.append(chr(byte))
        else:
            shown.append(f"\\x{byte:02x}")
    return '"' + "".join(shown) + '"'


def stamp(sender):
    if sender is None:
        return "unknown"
    pid, uid, gid = sender
    return f"pid={pid} uid={uid} gid={gid}"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: stamp-each-message PATH")
    try:
        inbox = open_inbox(os.fsencode(sys.argv[1]))
    except OSError as error:
        sys.exit(f"stamp-each-message: {error}")
    # There is room for the ids and for nothing else: the kernel closes any descriptor that a sender
    # attaches, and says MSG_CTRUNC, which is no news here.
    room = socket.CMSG_SPACE(UCRED.size)
    while True:
        # No bytes are an empty message, and no end.
        text, control, flags, _ = inbox.recvmsg(TEXT, room)
        sender = find_sender(control)
        cut = "..." if flags & socket.MSG_TRUNC else ""
        # Into a pipe, Python would keep the line until its buffer is full.
        print(f"{stamp(sender)} {quoted(text)}{cut}", flush=True)


if __name__ == "__main__":
    main()
