"""Names of sockets: addresses, the table of abstract names, and files in a directory."""

from sock import Sock
from text import Errno, Name

PATH_MAX = 108  # sizeof(sun_path)
LONGEST = 128  # sizeof(struct sockaddr_storage): more never reaches a socket


def check_length(address):
    if not 0 <= address.length <= LONGEST:
        raise Errno("EINVAL")


def name_of(address):
    """The name that an address means: unix_validate_addr and unix_mkname_bsd.

    Of an abstract name each byte counts that addrlen covers. A path ends at its first zero, or with
    addrlen where there is none.
    """
    if address.family != "unix" or not 2 < address.length <= 2 + PATH_MAX:
        raise Errno("EINVAL")
    covered = address.path[: address.length - 2].ljust(address.length - 2, b"\0")
    if covered.startswith(b"\0"):
        return covered
    return covered.partition(b"\0")[0]


def is_abstract(name):
    return name.startswith(b"\0")


class Names:
    """The part of the kernel that gives names and finds who has them."""

    def __init__(self):
        # Who has an abstract name. The type belongs to it: a stream and a datagram socket may have
        # the same name, and are not in each other's way.
        self.abstract = {}
        # What lies in the working directory. A Sock stays there when it is dead: bind made a file,
        # and only unlink takes it away.
        self.directory = {}
        self.drawn = 0

    def sys_bind(self, process, fd, address):
        sock = self.sock_at(process, fd)
        check_length(address)
        if address.family == "unix" and address.length == 2:
            self.autobind(sock)
            return 0
        name = name_of(address)
        if is_abstract(name):
            self.bind_abstract(sock, name)
        else:
            self.bind_path(sock, name)
        return 0

    def autobind(self, sock):
        if sock.name is not None:
            return
        while sock.name is None:
            self.drawn += 1
            name = b"\0%05x" % self.drawn
            if (sock.type, name) not in self.abstract:
                self.bind_abstract(sock, name)

    def bind_abstract(self, sock, name):
        if sock.name is not None:
            raise Errno("EINVAL")
        if (sock.type, name) in self.abstract:
            raise Errno("EADDRINUSE")
        self.abstract[sock.type, name] = sock
        sock.name = name

    def bind_path(self, sock, path):
        # The file is made before anybody asks whether the socket has a name, so a path that exists
        # is told first.
        if self.look_up(path) is not None:
            raise Errno("EADDRINUSE")
        if sock.name is not None:
            raise Errno("EINVAL")
        self.directory[path] = sock
        sock.name = path

    def forget(self, sock):
        """A socket goes. Its abstract name is free at once; its file is left, and leads nowhere."""
        if self.abstract.get((sock.type, sock.name)) is sock:
            del self.abstract[sock.type, sock.name]

    def look_up(self, path):
        """What is at a path. No call here makes directories: a path through one leads nowhere."""
        first, slash, _ = path.partition(b"/")
        if slash:
            raise Errno("ENOTDIR" if first in self.directory else "ENOENT")
        return self.directory.get(path)

    def find(self, address, kind):
        """The socket that an address leads to: unix_find_other."""
        name = name_of(address)
        if is_abstract(name):
            if (kind, name) not in self.abstract:
                raise Errno("ECONNREFUSED")
            return self.abstract[kind, name]
        there = self.look_up(name)
        if there is None:
            raise Errno("ENOENT")
        if not isinstance(there, Sock) or there.dead:
            raise Errno("ECONNREFUSED")
        if there.type != kind:
            raise Errno("EPROTOTYPE")
        return there

    def sys_unlink(self, process, path):
        if self.look_up(path) is None:
            raise Errno("ENOENT")
        del self.directory[path]
        return 0

    def sys_getsockname(self, process, fd):
        return Name(self.sock_at(process, fd).name)

    def sys_getpeername(self, process, fd):
        sock = self.sock_at(process, fd)
        if sock.peer is None:
            raise Errno("ENOTCONN")
        return Name(sock.peer.name)
