"""Exercise 1, reference solution in Python: the sockets that can be reached by name.

/proc/net/unix has a line for each Unix socket. Seven columns come first, then one blank and the
name, which may hold any byte: nothing in it is a separator. So this program never makes text of it.
"""

import re
import socket
import sys

TABLE = "/proc/net/unix"

# __SO_ACCEPTCON of <linux/net.h>: the socket listens.
ACCEPTS = 0x10000

WORDS = {
    socket.SOCK_STREAM: b"stream",
    socket.SOCK_DGRAM: b"dgram",
    socket.SOCK_SEQPACKET: b"seqpacket",
}

# Num: RefCount Protocol Flags Type St Inode. The inode is padded with blanks to five places. Then
# one blank, and all the rest is the name (DOTALL: whatever bytes it has). Without a name the line
# ends after the inode, and this does not match.
ROW = re.compile(
    rb"[^:]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) ([0-9A-F]+) [0-9A-F]+ +([0-9]+) (.+)", re.DOTALL
)


def reachable(line):
    """Return what to print for a line of the table, or None."""
    row = ROW.fullmatch(line)
    if row is None:
        # The heading, a socket without a name, or a piece of a name that has a line feed in it.
        return None
    flags, kind = int(row[1], 16), int(row[2], 16)
    inode, name = row[3], row[4]
    # A datagram socket does not listen: to have a name is enough. For the others the flag tells;
    # an accepted socket carries its listener's name, and St is 01 for all that is not connected.
    if kind not in WORDS or not (flags & ACCEPTS or kind == socket.SOCK_DGRAM):
        return None
    return b"%s %s %s\n" % (inode, WORDS[kind], name)


def main():
    try:
        # Binary: the lines of a binary file end at b"\n" and nowhere else.
        with open(TABLE, "rb") as table:
            for line in table:
                found = reachable(line.removesuffix(b"\n"))
                if found is not None:
                    sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    except OSError as error:
        sys.exit(f"map-the-sockets: {error}")


if __name__ == "__main__":
    main()
