"""Exercise 37, reference solution in Python: a broker with the rights, a worker with the clients.

    program LIST DIRECTORY SOCKET

The broker opens things and never sees a client. The worker has the clients and can open nothing.
Between them is a pair of sockets, on which they speak as clients do: one packet is one request, one
packet is its reply, a status byte and with `+` one descriptor. The worker asks for one thing at a
time and waits for the reply, so no reply can be taken for that of another request.
"""

import array
import ctypes
import errno
import os
import platform
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

LONGEST = 256  # bytes of a request
MOST = 64  # clients at the same time

# The status of a reply.
GIVEN, NOT_ALLOWED, NOT_POSSIBLE, NO_REQUEST = b"+", b"-", b"!", b"?"

# The functions of the C library that Python has no name for.
LIBC = ctypes.CDLL(None, use_errno=True)

# ---- what both speak ----------------------------------------------------------------------------


def is_request(packet):
    """Whether a packet has the form of a request; not whether it is allowed."""
    verb, blank, name = packet.partition(b" ")
    named = verb in (b"read", b"write", b"device") and name
    return len(packet) <= LONGEST and bool(named or packet == b"netns")


def reply(to, status, file=None):
    """Send one reply. The message holds a reference of its own: the file is still the caller's."""
    if file is None:
        to.send(status)
        return
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
    try:
        to.sendmsg([status], [rights])
    except OSError as error:
        # Clients that do not read keep descriptors under way, and there is a limit to them for each
        # user. That is a no for this request.
        if error.errno != errno.ETOOMANYREFS:
            raise
        to.send(NOT_POSSIBLE)


def take_reply(origin):
    """Take one reply: its status, and the descriptor that came with `+`, or None."""
    # Room for one: CMSG_SPACE() would have room for two.
    room = socket.CMSG_LEN(array.array("i").itemsize)
    status, control, _, _ = origin.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)
    if not status:
        raise EOFError("the other side has gone")
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            return status, array.array("i", content)[0]
    # The table was full, and the kernel has dropped it.
    return (NOT_POSSIBLE if status == GIVEN else status), None


# ---- the broker: it may open, and sees no client ------------------------------------------------


def open_beneath(top, name, access, right_kind):
    """Open what is of one kind beneath the directory, and raise OSError if there is none.

    The standard library has no openat2(), so the name is walked, one part after another, each from
    the directory before it. No part leads up, and none is followed where it is a symbolic link.
    """
    *directories, last = parts = name.split(b"/")
    if b"\0" in name or any(part in (b"", b".", b"..") for part in parts):
        raise FileNotFoundError(errno.ENOENT, "not a name beneath the directory")
    here = os.dup(top)
    try:
        for part in directories:
            there = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = there
        # A FIFO would keep open() waiting for its other end, and everybody with it.
        flags = access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        file = os.open(last, flags, dir_fd=here)
    finally:
        os.close(here)
    # Asked of what is open, not of the name.
    if not right_kind(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "of another kind")
    return file


def new_namespace():
    """Make a network namespace, and return a descriptor of it.

    A process can only change its own, so a child does; in a user namespace of its own it needs no
    privilege for it. The namespace lives as long as somebody has it open.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        try:
            # CLONE_NEWUSER and CLONE_NEWNET, <sched.h>
            if LIBC.unshare(0x10000000 | 0x40000000) == 0:
                reply(theirs, GIVEN, os.open("/proc/self/ns/net", os.O_RDONLY))
        finally:
            os._exit(0)
    theirs.close()  # so that the end of the child is the end of the pair
    with ours:
        try:
            _, file = take_reply(ours)
        except EOFError:
            file = None
    os.waitpid(child, 0)
    if file is None:
        raise PermissionError(errno.EPERM, "no namespaces here")
    return file


class Broker:
    """What is handed out: the list of requests that are allowed, and two directories."""

    def __init__(self, list_path, directory):
        with open(list_path, "rb") as lines:
            self.list = set(lines.read().split(b"\n"))
        self.shelf = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        self.devices = os.open("/dev", os.O_PATH | os.O_DIRECTORY)

    def open(self, request):
        """Open what is asked for. Anew each time: a copy would share its offset."""
        verb, _, name = request.partition(b" ")
        if verb == b"netns":
            return new_namespace()
        if verb == b"device":
            return open_beneath(self.devices, name, os.O_RDWR, stat.S_ISCHR)
        access = os.O_RDONLY if verb == b"read" else os.O_WRONLY
        return open_beneath(self.shelf, name, access, stat.S_ISREG)

    def answer(self, worker):
        """Answer one request of the worker; return whether it is still there."""
        try:
            request = worker.recv(LONGEST + 1)
            # The worker is not believed: whoever breaks it can send anything.
            if not request:
                return False
            if not is_request(request):
                reply(worker, NO_REQUEST)
            elif request not in self.list:
                reply(worker, NOT_ALLOWED)
            else:
                self.give(worker, request)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def give(self, worker, request):
        try:
            file = self.open(request)
        except OSError:
            reply(worker, NOT_POSSIBLE)
            return
        try:
            reply(worker, GIVEN, file)
        finally:
            os.close(file)


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    before = os.umask(0o111)
    listener.bind(path)
    os.umask(before)
    listener.setblocking(False)
    listener.listen(socket.SOMAXCONN)
    return listener


def start_worker(listener):
    """Start a worker: this program again, with the listener, one end of a pair, and nothing else.

    fork() alone would give it all memory and all open files of the broker; so would an environment
    that is not written here.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    numbers = (listener.fileno(), theirs.fileno())
    worker = subprocess.Popen(
        [sys.executable, "-I", "-B", os.path.abspath(__file__), "--worker", *map(str, numbers)],
        pass_fds=numbers,
        env={"PATH": "/usr/bin:/bin"},
    )
    theirs.close()  # so that the end of the worker is the end of the pair
    return worker, ours


def end_worker(worker, pair):
    pair.close()
    worker.kill()
    worker.wait()  # or it stays as a zombie


def run_broker(list_path, directory, path):
    broker = Broker(list_path, directory)
    # SIGTERM becomes something to read, and interrupts nothing half done.
    ended, end = socket.socketpair()
    end.setblocking(False)
    signal.set_wakeup_fd(end.fileno())
    signal.signal(signal.SIGTERM, lambda *_: None)

    listener = listen_at(path)
    worker, pair = start_worker(listener)
    loop = selectors.DefaultSelector()
    loop.register(ended, selectors.EVENT_READ)
    loop.register(pair, selectors.EVENT_READ)
    while True:
        ready = [key.fileobj for key, _ in loop.select()]
        if ended in ready:
            break
        if pair in ready and not broker.answer(pair):
            # Its clients have seen the end. Who is in the listener's queue waits for the next.
            loop.unregister(pair)
            end_worker(worker, pair)
            time.sleep(0.05)  # one that fails at its start shall not keep a CPU busy
            worker, pair = start_worker(listener)
            loop.register(pair, selectors.EVENT_READ)
    os.unlink(path)
    end_worker(worker, pair)


# ---- the worker: it has the clients, and may open nothing ---------------------------------------

# What the filter forbids: all that opens, makes or starts something. A program in C can say what it
# needs and forbid the rest; an interpreter needs more than one would like to list.
FORBIDDEN = {
    # open openat openat2 creat open_by_handle_at socket connect execve execveat ptrace
    # process_vm_readv pidfd_getfd io_uring_setup unshare setns clone3 fork vfork
    "x86_64": (
        0xC000003E,
        [2, 257, 437, 85, 304, 41, 42, 59, 322, 101, 310, 438, 425, 272, 308, 435, 57, 58],
    ),
    # the same; there is no open, creat, fork or vfork
    "aarch64": (
        0xC00000B7,
        [56, 437, 265, 198, 203, 221, 281, 117, 270, 438, 425, 97, 268, 435],
    ),
}


def give_up_rights():
    """Give up, for good, the system calls with which something could be opened or started."""
    arch, numbers = FORBIDDEN[platform.machine()]
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06  # BPF_LD, BPF_JEQ, BPF_JGE, BPF_RET
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
    rules = [(load, 0, 0, 4), (equal, 1, 0, arch), (end, 0, 0, kill), (load, 0, 0, 0)]
    rules += [(at_least, 0, 1, 0x40000000), (end, 0, 0, refuse)]  # the x32 names of the same calls
    for number in numbers:
        rules += [(equal, 0, 1, number), (end, 0, 0, refuse)]
    rules.append((end, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    fprog = ctypes.create_string_buffer(struct.pack("HP", len(rules), ctypes.addressof(code)))
    # PR_SET_NO_NEW_PRIVS, and PR_SET_SECCOMP with SECCOMP_MODE_FILTER
    for call in [(38, 1, 0, 0, 0), (22, 2, fprog)]:
        if LIBC.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def serve(client, broker):
    """Take one request of a client; return whether the conversation goes on."""
    try:
        # recv() has no room for descriptors: what a client attaches is closed by the kernel.
        packet = client.recv(LONGEST + 1)
        if packet and not is_request(packet):
            reply(client, NO_REQUEST)
        if not packet or not is_request(packet):
            return bool(packet)
    except OSError:
        return False
    try:
        broker.send(packet)
        # Taken whatever has become of the client: a reply that is left lying is the next one's.
        status, file = take_reply(broker)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        sys.exit()  # the broker has gone
    try:
        reply(client, status, file)
        return True
    except OSError:
        return False  # it is gone, or its queue is full: who does not read is let go
    finally:
        if file is not None:
            os.close(file)


def run_worker(listener, broker):
    loop = selectors.DefaultSelector()
    loop.register(listener, selectors.EVENT_READ)
    loop.register(broker, selectors.EVENT_READ)
    give_up_rights()
    watched = True  # the listener; not while there is no place for another client
    while True:
        for key, _ in loop.select():
            if key.fileobj is broker:
                sys.exit()  # it sends nothing unasked: this is its end
            if key.fileobj is not listener:
                if not serve(key.fileobj, broker):
                    loop.unregister(key.fileobj)
                    key.fileobj.close()
                    if not watched:
                        loop.register(listener, selectors.EVENT_READ)
                        watched = True
                continue
            try:
                client, _ = listener.accept()
                client.setblocking(False)
                loop.register(client, selectors.EVENT_READ)
                full = len(loop.get_map()) >= 2 + MOST
            except (BlockingIOError, ConnectionAbortedError):
                continue
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE):
                    raise
                full = True
            if full:
                loop.unregister(listener)
                watched = False


def main():
    words = sys.argv[1:]
    try:
        if len(words) == 3 and words[0] == "--worker":
            run_worker(*(socket.socket(fileno=int(number)) for number in words[1:]))
        elif len(words) == 3:
            run_broker(*words)
        else:
            sys.exit("usage: LIST DIRECTORY SOCKET")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
