"""Exercise 7, reference solution in Python: a server at an abstract name.

Nothing here cleans up. The name is an entry in a table of the kernel that goes with the socket, and the
socket goes with its last descriptor. So the one duty is to give that descriptor to nobody.
"""

import errno
import os
import re
import socket
import struct
import subprocess
import sys

LONGEST = 107  # sun_path has 108 bytes, and the NUL in front is one of them


def read_name(text):
    """Return the bytes that an argument means: %HH is one byte, all else is as it stands."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text)


def readable(name):
    """Return a name as a terminal can show it and the arguments of this program can hold it."""

    def shown(byte):
        plain = 0x20 < byte < 0x7F and byte != ord("%")
        return chr(byte) if plain else f"%{byte:02x}"

    return "".join(map(shown, name))


def listen_at(name):
    if len(name) > LONGEST:
        sys.exit(f"abstract-name: the name is too long: {LONGEST} bytes fit")
    # Python's sockets are close-on-exec, so a program that is started here does not keep the name.
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A NUL in front makes the name abstract. Python passes the exact length. To ask whether the
        # name is taken and to take it is one call, so nobody can come in between.
        listener.bind(b"\0" + name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.exit(f"abstract-name: the name is taken: {readable(name)}")
    listener.listen(socket.SOMAXCONN)
    return listener


def say_name(listener):
    """Say what name the kernel has for the socket."""
    name = listener.getsockname()[1:]
    print("name", len(name), readable(name))
    # A pipe is no terminal: without flush, the lines would wait for more.
    print("ready", flush=True)


def is_ours(client):
    """An abstract name has no permissions: whoever is in this network namespace may connect."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid == os.geteuid()


def hand_over(client):
    """Start cat(1) on the connection. From then on the client talks to it alone."""
    # Nobody asks how it has ended; the next Popen() takes it from the process table.
    subprocess.Popen(["cat"], stdin=client, stdout=client)


def serve(client):
    if not is_ours(client):
        client.sendall(b"NO\n")
        return
    first = True
    while data := client.recv(4096):
        if first and data.startswith(b"!"):
            client.sendall(b"+")
            hand_over(client)
            return
        first = False
        client.sendall(data.upper())  # of bytes, this changes ASCII letters and nothing else


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: abstract-name NAME")
    listener = listen_at(read_name(os.fsencode(sys.argv[-1])))
    say_name(listener)
    while True:
        client, _ = listener.accept()
        # Leaving the block closes our descriptor. It is no shutdown(), so a cat keeps its connection.
        with client:
            try:
                serve(client)
            except ConnectionError as error:
                print(f"abstract-name: a client: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
