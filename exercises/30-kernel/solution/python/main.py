"""Exercise 30, reference solution in Python: the kernel, as far as AF_UNIX goes.

Each call is a method, sys_ and its name, and a list of checks in the order in which Linux makes
them: where several things are wrong, the first one is told. sock.py has what a socket is, names.py
how one is found, messages.py how bytes get from one to another and control.py what goes with them,
garbage.py what becomes of those whom nobody can reach. text.py reads and writes the lines.
"""

import errno

from control import Control
from garbage import unreachable
from messages import Messages, may_send, not_now
from names import Names, check_length, name_of
from sock import CLOSE, DGRAM, ESTABLISHED, LISTEN, SEQPACKET, STREAM
from sock import RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK
from sock import Sock
from text import Child, Credentials, Errno, Fd, Fds, Ready, Received, serve

FIRST_FD = 3  # 0, 1 and 2 are taken
NOBODY = Credentials(None, 0xFFFFFFFF, 0xFFFFFFFF)


class Process:
    """A process: a letter, and a table of descriptors."""

    def __init__(self, letter):
        self.letter = letter
        self.limit = 1024  # RLIMIT_NOFILE
        self.descriptors = {}

    def free(self):
        return (fd for fd in range(FIRST_FD, self.limit) if fd not in self.descriptors)

    def lowest_free(self):
        return next(self.free(), None)


class Descriptor:
    """An entry of that table. Close-on-exec is its own; all else belongs to the open file."""

    def __init__(self, file, cloexec):
        self.file = file
        self.cloexec = cloexec


class OpenFile:
    """An open file description (struct file): what dup, fork and SCM_RIGHTS share."""

    def __init__(self, what, nonblock=False, access="rw"):
        self.object = what  # a Sock or a Regular
        self.nonblock = nonblock
        self.references = 0  # by descriptors, and by messages on their way
        self.access = access  # "r", "w" or "rw"
        self.offset = 0


class Regular:
    """A regular file."""

    def __init__(self):
        self.data = bytearray()


class Kernel(Names, Messages, Control):
    """The machine. Names, messages and control messages are parts of it with files of their own."""

    def __init__(self, uid=0, gid=0, max_dgram_qlen=10, somaxconn=4096):
        super().__init__()
        self.uid, self.gid = uid, gid
        self.max_dgram_qlen = max_dgram_qlen
        self.somaxconn = somaxconn
        self.last_letter = "A"
        self.processes = {"A": Process("A")}
        self.sockets = set()  # all that are not dead
        self.unreferenced = []  # open files that nothing refers to any more

    def call(self, who, name, arguments):
        if name == "collect":
            self.collect()
            return 0
        method = getattr(self, "sys_" + name.replace("-", "_"), None)
        if method is None or who not in self.processes:
            raise Errno("ENOSYS")
        try:
            return method(self.processes[who], **arguments)
        finally:
            # Open files without a reference go when the call is over, be it that it failed.
            self.release_unreferenced()

    # ---- descriptors and open files --------------------------------------------------------------

    def file_at(self, process, fd):
        if fd not in process.descriptors:
            raise Errno("EBADF")
        return process.descriptors[fd].file

    def sock_at(self, process, fd):
        file = self.file_at(process, fd)
        if not isinstance(file.object, Sock):
            raise Errno("ENOTSOCK")
        return file.object

    def free_fd(self, process):
        fd = process.lowest_free()
        if fd is None:
            raise Errno("EMFILE")
        return fd

    def install(self, process, fd, file, cloexec):
        self.hold(file)
        process.descriptors[fd] = Descriptor(file, cloexec)

    def hold(self, file):
        file.references += 1

    def drop(self, file):
        file.references -= 1
        if file.references == 0:
            self.unreferenced.append(file)

    def release_unreferenced(self):
        # One that goes may take others with it, whose last references were in its queue.
        while self.unreferenced:
            file = self.unreferenced.pop()
            if isinstance(file.object, Sock):
                self.release_sock(file.object)

    def sys_dup(self, process, fd):
        file = self.file_at(process, fd)
        new = self.free_fd(process)
        self.install(process, new, file, cloexec=False)
        return Fd(new)

    def sys_dup2(self, process, fd, to):
        file = self.file_at(process, fd)
        if to < 0 or (to >= process.limit and to != fd):
            raise Errno("EBADF")
        if to != fd:
            old = process.descriptors.pop(to, None)
            self.install(process, to, file, cloexec=False)
            if old:
                self.drop(old.file)
        return Fd(to)

    def sys_close(self, process, fd):
        file = self.file_at(process, fd)
        del process.descriptors[fd]
        self.drop(file)
        return 0

    def sys_nonblock(self, process, fd, on):
        self.file_at(process, fd).nonblock = on
        return 0

    def sys_get_nonblock(self, process, fd):
        return int(self.file_at(process, fd).nonblock)

    def sys_cloexec(self, process, fd, on):
        self.file_at(process, fd)
        process.descriptors[fd].cloexec = on
        return 0

    def sys_get_cloexec(self, process, fd):
        self.file_at(process, fd)
        return int(process.descriptors[fd].cloexec)

    def sys_limit_files(self, process, limit):
        # Descriptors beyond the limit stay; there are only no new ones.
        process.limit = limit
        return 0

    # ---- processes -------------------------------------------------------------------------------

    def sys_fork(self, process):
        if self.last_letter == "Z":
            raise Errno("EAGAIN")
        self.last_letter = chr(ord(self.last_letter) + 1)
        child = self.processes[self.last_letter] = Process(self.last_letter)
        child.limit = process.limit
        for fd, slot in process.descriptors.items():
            self.install(child, fd, slot.file, slot.cloexec)
        return Child(child.letter)

    def sys_exit(self, process):
        del self.processes[process.letter]
        for slot in process.descriptors.values():
            self.drop(slot.file)
        return Child(process.letter)

    # ---- sockets: how they begin -----------------------------------------------------------------

    def new_sock(self, kind):
        sock = Sock(kind, self.max_dgram_qlen)
        self.sockets.add(sock)
        return sock

    def give(self, process, fd, sock, nonblock, cloexec):
        """Make a descriptor for a socket: sock_alloc_file and fd_install."""
        sock.accepted = True
        self.install(process, fd, OpenFile(sock, nonblock), cloexec)

    def sys_socket(self, process, kind, protocol, nonblock, cloexec):
        kind = checked_type(kind, protocol)
        fd = self.free_fd(process)
        self.give(process, fd, self.new_sock(kind), nonblock, cloexec)
        return Fd(fd)

    def sys_socketpair(self, process, kind, protocol, nonblock, cloexec):
        if kind & ~0xF:
            raise Errno("EINVAL")
        # Unlike socket(), it takes the numbers before it looks at anything else.
        free = process.free()
        fds = [next(free, None), next(free, None)]
        if None in fds:
            raise Errno("EMFILE")
        kind = checked_type(kind, protocol)
        ends = a, b = self.new_sock(kind), self.new_sock(kind)
        a.peer, b.peer = b, a
        for fd, end in zip(fds, ends):
            end.state = ESTABLISHED
            end.peercred = self.credentials(process)
            self.give(process, fd, end, nonblock, cloexec)
        return Fds(*fds)

    def credentials(self, process):
        return Credentials(process.letter, self.uid, self.gid)

    def sys_listen(self, process, fd, backlog):
        sock = self.sock_at(process, fd)
        if sock.type == DGRAM:
            raise Errno("EOPNOTSUPP")
        if sock.name is None:
            raise Errno("EINVAL")
        if sock.state == ESTABLISHED:
            raise Errno("EINVAL")
        # A negative backlog is a very large one.
        sock.max_ack_backlog = min(backlog & 0xFFFFFFFF, self.somaxconn)
        sock.state = LISTEN
        sock.peercred = self.credentials(process)
        return 0

    def sys_connect(self, process, fd, address):
        file = self.file_at(process, fd)
        check_length(address)
        sock = self.sock_at(process, fd)
        if sock.type == DGRAM:
            self.dgram_connect(sock, address)
        else:
            self.stream_connect(process, sock, address, file.nonblock)
        return 0

    def stream_connect(self, process, sock, address, nonblock):
        name_of(address)  # it must mean something; who it leads to is asked later
        if sock.passcred:
            self.autobind(sock)  # who wants to know others shall be known, too
        listener = self.find(address, sock.type)
        if listener.state != LISTEN:
            raise Errno("ECONNREFUSED")
        if listener.shutdown & RCV_SHUTDOWN:
            raise Errno("ECONNREFUSED")
        if listener.is_full():
            raise not_now(nonblock)
        # Only now it looks at the socket itself.
        if sock.state == ESTABLISHED:
            raise Errno("EISCONN")
        if sock.state == LISTEN:
            raise Errno("EINVAL")
        # The other end is made here and now. accept() will only find a descriptor for it.
        end = self.new_sock(sock.type)
        end.state = sock.state = ESTABLISHED
        end.peer, sock.peer = sock, end
        end.name = listener.name
        end.passcred = listener.passcred
        end.peercred = self.credentials(process)
        sock.peercred = listener.peercred
        listener.queue.append(end)

    def dgram_connect(self, sock, address):
        if address.length < 2:
            raise Errno("EINVAL")
        other = None
        if address.family != "unspec":
            name_of(address)
            if sock.passcred:
                self.autobind(sock)
            other = self.find(address, DGRAM)
            if not may_send(sock, other):
                raise Errno("EPERM")
        old, sock.peer = sock.peer, other
        if old is not None and old is not other:
            self.dgram_disconnected(sock, old)

    def sys_accept(self, process, fd, nonblock, cloexec):
        file = self.file_at(process, fd)
        new = self.free_fd(process)  # with none free, the connection stays in the queue
        sock = self.sock_at(process, fd)
        if sock.type == DGRAM:
            raise Errno("EOPNOTSUPP")
        if sock.state != LISTEN:
            raise Errno("EINVAL")
        if not sock.queue:
            if sock.shutdown & RCV_SHUTDOWN and not file.nonblock:
                raise Errno("EINVAL")
            raise not_now(file.nonblock)
        self.give(process, new, sock.queue.popleft(), nonblock, cloexec)
        return Fd(new)

    # ---- sockets: how they end -------------------------------------------------------------------

    def sys_shutdown(self, process, fd, how):
        sock = self.sock_at(process, fd)
        if how == "invalid":
            raise Errno("EINVAL")
        receive, send = how in ("read", "both"), how in ("write", "both")
        sock.shutdown |= RCV_SHUTDOWN * receive | SEND_SHUTDOWN * send
        if sock.peer is not None and sock.type != DGRAM:
            # What one end does not send, the other will not receive; and the other way round.
            sock.peer.shutdown |= RCV_SHUTDOWN * send | SEND_SHUTDOWN * receive
        return 0

    def release_sock(self, sock):
        """The last reference to a socket is gone: unix_release_sock."""
        self.forget(sock)
        self.sockets.discard(sock)
        sock.dead = True
        sock.shutdown = SHUTDOWN_MASK
        peer, sock.peer = sock.peer, None
        if peer is not None and sock.type != DGRAM:
            peer.shutdown = SHUTDOWN_MASK
            if has_unread(sock) or not sock.accepted:
                peer.error = "ECONNRESET"
        state, sock.state = sock.state, CLOSE
        if state == LISTEN:
            for end in sock.queue:
                self.release_sock(end)
        else:
            self.purge(sock)

    def purge(self, sock):
        """Throw away what is in a queue, with all that the messages hold."""
        while sock.queue:
            for file in sock.queue.popleft().files:
                self.drop(file)

    def collect(self):
        """Empty the queues that nobody will ever read. What they held goes as if it were closed."""
        for sock in unreachable(self.processes.values(), self.sockets):
            if sock.state != LISTEN:
                self.purge(sock)
        self.release_unreferenced()

    # ---- options and readiness -------------------------------------------------------------------

    def sys_getsockopt(self, process, fd, option):
        sock = self.sock_at(process, fd)
        if option == "error":
            error = sock.take_error()
            return getattr(errno, error) if error else 0
        if option == "peercred":
            return sock.peercred or NOBODY
        return {
            "type": sock.type,
            "domain": 1,
            "protocol": 0,
            "acceptconn": int(sock.state == LISTEN),
            "passcred": int(sock.passcred),
        }[option]

    def sys_setsockopt(self, process, fd, passcred):
        self.sock_at(process, fd).passcred = passcred
        return 0

    def sys_poll(self, process, fd, flags):
        if fd < 0:
            return Ready()
        if fd not in process.descriptors:
            return Ready({"nval"})
        what = process.descriptors[fd].file.object
        ready = self.poll_sock(what) if isinstance(what, Sock) else {"in", "out"}
        # Errors and hang-ups are told to whoever did not ask, too.
        return Ready(ready & (flags | {"err", "hup"}))

    def poll_sock(self, sock):
        ready = set()
        if sock.error:
            ready.add("err")
        if sock.shutdown == SHUTDOWN_MASK:
            ready.add("hup")
        if sock.shutdown & RCV_SHUTDOWN:
            ready |= {"in", "rdhup"}  # the end can be read
        if sock.queue:
            ready.add("in")
        if sock.type != DGRAM and sock.state == CLOSE:
            ready.add("hup")  # it has no other end, or not yet
        if self.is_writable(sock):
            ready.add("out")
        return ready

    def is_writable(self, sock):
        if sock.state == LISTEN:
            return False
        peer = sock.peer
        if sock.type == DGRAM and peer is not None and peer.peer is not sock and not peer.dead:
            return not peer.is_full()
        return True

    # ---- regular files ---------------------------------------------------------------------------

    def sys_create(self, process, path):
        self.free_fd(process)  # it is opened, and closed again
        if self.look_up(path) is not None:
            raise Errno("EEXIST")
        self.directory[path] = Regular()
        return 0

    def sys_open(self, process, path, access):
        fd = self.free_fd(process)
        what = self.look_up(path)
        if what is None:
            raise Errno("ENOENT")
        if isinstance(what, Sock):
            raise Errno("ENXIO")
        self.install(process, fd, OpenFile(what, access=access), cloexec=False)
        return Fd(fd)

    def sys_seek(self, process, fd, offset):
        file = self.file_at(process, fd)
        if isinstance(file.object, Sock):
            raise Errno("ESPIPE")
        file.offset = offset
        return offset

    def sys_read(self, process, fd, length):
        file = self.file_at(process, fd)
        if isinstance(file.object, Sock):
            if length == 0:
                return Received(0, b"")  # it does not even look
            data = self.sys_recv(process, fd, length).data
            return Received(len(data), data)
        if "r" not in file.access:
            raise Errno("EBADF")
        data = bytes(file.object.data[file.offset : file.offset + length])
        file.offset += len(data)
        return Received(len(data), data)

    def sys_write(self, process, fd, data):
        file = self.file_at(process, fd)
        if isinstance(file.object, Sock):
            return self.sys_send(process, fd, data)
        if "w" not in file.access:
            raise Errno("EBADF")
        contents, end = file.object.data, file.offset + len(data)
        contents.extend(bytes(max(0, end - len(contents))))
        contents[file.offset : end] = data
        file.offset = end
        return len(data)


def checked_type(number, protocol):
    """The type of a new socket: __sock_create and unix_create."""
    if not 0 <= number <= 10:
        raise Errno("EINVAL")
    if protocol not in (0, 1):
        raise Errno("EPROTONOSUPPORT")
    if number == 3:
        return DGRAM  # whoever asks for SOCK_RAW gets datagrams
    if number not in (STREAM, DGRAM, SEQPACKET):
        raise Errno("ESOCKTNOSUPPORT")
    return number


def has_unread(sock):
    """Whether data is lost with a socket. A single empty packet is no data, two are."""
    return len(sock.queue) > 1 or any(message.data for message in sock.queue)


if __name__ == "__main__":
    serve(Kernel)
