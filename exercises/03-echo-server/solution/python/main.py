"""Exercise 3, reference solution in Python: an echo server on a Unix stream socket.

One client at a time: accept, say who it is, echo until its end, close, next. What a client does
wrong ends its own connection and nothing else.
"""

import array
import errno
import fcntl
import os
import socket
import stat
import struct
import sys

# The kernel attaches no more descriptors to one message (SCM_MAX_FD).
MOST_DESCRIPTORS = 253


def make_way(path):
    """Remove what a dead server left at the path, and nothing else.

    bind() never replaces a file, so a leftover must go first. But it may be the name of a living
    server, and removing that would cut it off from its clients. Two questions keep us from it.
    Return the lock, which the caller keeps.
    """
    # Is another of us here? The lock lasts exactly as long as its process, however that ends. It
    # is never given back, and its file never removed: that would let two of us hold one.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path + b".lock", flags, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    # Is any other server here? connect() is refused when nobody listens. It is also refused for
    # a file that is no socket, which is not ours to remove.
    if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            if probe.connect_ex(path) == errno.ECONNREFUSED:
                os.unlink(path)
    return lock


def listen_at(path):
    """Return a socket that listens at the path, and the lock that keeps the path ours."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The path and its NUL must fit into 108 bytes. bind() would say so too, but only after the
    # lock file is made.
    if not path:  # the kernel would choose an abstract name
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    if len(path) > 107:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    lock = make_way(path)
    listener.bind(path)
    listener.listen(socket.SOMAXCONN)
    return listener, lock


def report_peer(client):
    """Say who connected. The kernel noted it at connect(); the client cannot forge it."""
    ucred = struct.Struct("iII")
    data = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, ucred.size)
    pid, uid, gid = ucred.unpack(data)
    # Into a pipe, Python would keep the line until its buffer is full.
    print(f"peer pid={pid} uid={uid} gid={gid}", flush=True)


def receive(client):
    """Return bytes, and the first descriptor that came with them (None: none came)."""
    # Not socket.recv_fds(): up to Python 3.11 at least it forgets the flags it is given.
    numbers = array.array("i")
    room = socket.CMSG_SPACE(MOST_DESCRIPTORS * numbers.itemsize)
    data, control, _, _ = client.recvmsg(65536, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(content)
    # Every descriptor that came is open here now, wanted or not.
    for unwanted in numbers[1:]:
        os.close(unwanted)
    return data, numbers[0] if numbers else None


def send_content(client, file):
    """Send what can be read from a file, to its end."""
    while True:
        try:
            data = os.read(file, 65536)
        except OSError as error:
            print(f"echo-server: read of a passed file: {error}", file=sys.stderr)
            return
        if not data:
            return
        client.sendall(data)


def serve(client):
    """Echo until the client has said its last."""
    while True:
        data, passed = receive(client)
        if not data:
            return
        try:
            # send() may accept only a part; sendall() goes on with the rest.
            client.sendall(data)
            if passed is not None:
                send_content(client, passed)
        finally:
            if passed is not None:
                os.close(passed)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: echo-server PATH")
    try:
        listener, _lock = listen_at(os.fsencode(sys.argv[-1]))
    except OSError as error:
        sys.exit(f"echo-server: {error}")
    while True:
        client, _ = listener.accept()
        with client:
            report_peer(client)
            try:
                serve(client)
            # The client is gone: ECONNRESET on reading, EPIPE on writing (Python ignores SIGPIPE).
            except ConnectionError as error:
                print(f"echo-server: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
