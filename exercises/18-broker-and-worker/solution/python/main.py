"""Exercise 18, reference solution in Python: a broker that hands out open files, and a worker.

    broker LIST DIRECTORY SOCKET      hands out files beneath DIRECTORY, as LIST allows
    worker SOCKET NAME...             asks for files by name, and copies them to standard output

One packet is one request, one packet is its reply: a status byte, and with `+` one descriptor. A
single loop serves all clients, and no call in it waits but select().
"""

import array
import errno
import os
import selectors
import socket
import stat
import sys

LONGEST = 256  # bytes of a request

# The status of a reply.
GIVEN, NOT_ALLOWED, NOT_POSSIBLE, NO_REQUEST = b"+", b"-", b"!", b"?"

ACCESS = {b"read": os.O_RDONLY, b"write": os.O_WRONLY}


# ---- broker -------------------------------------------------------------------------------------


def open_beneath(shelf, name, access):
    """Open a regular file beneath the directory, and raise OSError if there is none.

    The standard library has no openat2(), so the name is walked, one part after another, each from
    the directory before it. No part leads up, and none is followed where it is a symbolic link.
    """
    *directories, last = parts = name.split(b"/")
    if any(part in (b"", b".", b"..") for part in parts):
        raise FileNotFoundError(errno.ENOENT, "not a name beneath the directory")
    here = os.dup(shelf)
    try:
        for part in directories:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
            there = os.open(part, flags, dir_fd=here)
            os.close(here)
            here = there
        # A FIFO would keep open() waiting for its other end, and everybody with it.
        flags = access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        file = os.open(last, flags, dir_fd=here)
    finally:
        os.close(here)
    # Asked of what is open, not of the name.
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file")
    return file


class Broker:
    """What is handed out: the list of requests that are allowed, and the directory."""

    def __init__(self, list_path, directory):
        with open(list_path, "rb") as lines:
            # No file has a NUL in its name.
            self.list = {line for line in lines.read().split(b"\n") if b"\0" not in line}
        self.shelf = os.open(directory, os.O_PATH | os.O_DIRECTORY)

    def answer(self, client, request):
        """Carry out one request and reply to it."""
        verb, _, name = request.partition(b" ")
        if verb not in ACCESS or not name or len(request) > LONGEST:
            client.send(NO_REQUEST)
            return
        # A request is allowed if it is a line of the list, byte for byte.
        if request not in self.list:
            client.send(NOT_ALLOWED)
            return
        try:
            # Anew for each request: a copy of one descriptor would share its offset.
            file = open_beneath(self.shelf, name, ACCESS[verb])
        except OSError:
            client.send(NOT_POSSIBLE)
            return
        try:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
            client.sendmsg([GIVEN], [rights])
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            client.send(NOT_POSSIBLE)  # too many descriptors of this user are under way
        finally:
            os.close(file)  # the message holds a reference of its own

    def serve(self, client):
        """Take one request; return whether the conversation goes on."""
        try:
            # recv() has no room for descriptors: what a client attaches is closed by the kernel. A
            # longer packet fills the buffer, and is seen to be too long.
            request = client.recv(LONGEST + 1)
            if request:
                self.answer(client, request)
            return bool(request)
        # It is gone, or it does not read and there is no room for a reply: nobody waits for that.
        except OSError:
            return False


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # bind() makes the name with mode 0777 less the umask: 0666 from its first moment.
    before = os.umask(0o111)
    listener.bind(path)
    os.umask(before)
    listener.listen(socket.SOMAXCONN)
    return listener


def run_broker(list_path, directory, path):
    broker = Broker(list_path, directory)
    listener = listen_at(path)
    loop = selectors.DefaultSelector()
    loop.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in loop.select():
            if key.fileobj is listener:
                client, _ = listener.accept()
                client.setblocking(False)
                loop.register(client, selectors.EVENT_READ)
            elif not broker.serve(key.fileobj):
                loop.unregister(key.fileobj)
                key.fileobj.close()


# ---- worker -------------------------------------------------------------------------------------


def take_reply(broker):
    """Take one reply: its status, and the descriptor that came with `+`."""
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    status, control, flags, _ = broker.recvmsg(2, room, socket.MSG_CMSG_CLOEXEC)
    if not status:
        sys.exit("the broker has gone")
    # The status says whether there is a descriptor to look for, so nobody waits for one.
    files = array.array("i")
    for level, kind, content in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(content[: len(content) - len(content) % files.itemsize])
    if flags & socket.MSG_CTRUNC:
        sys.exit("a descriptor was dropped: too many came, or too many are open")
    if len(status) != 1 or len(files) != (status == GIVEN):
        sys.exit("the broker sent something that is no reply")
    return status, files


def write_all(data):
    """Write all of it; os.write() may accept only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def copy(file):
    while data := os.read(file, 65536):
        write_all(data)


def run_worker(path, names):
    refused = False
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as broker:
        broker.connect(path)
        for name in names:
            broker.send(b"read " + os.fsencode(name))
            status, files = take_reply(broker)
            if status != GIVEN:
                print(f"{name}: the broker says {status.decode('latin-1')}", file=sys.stderr)
                refused = True
                continue
            copy(files[0])
            os.close(files[0])  # it was given to us: nobody else closes it
    return 1 if refused else 0


def main():
    command, *arguments = sys.argv[1:] or [""]
    try:
        if command == "broker" and len(arguments) == 3:
            run_broker(*arguments)
        elif command == "worker" and len(arguments) >= 2:
            sys.exit(run_worker(arguments[0], arguments[1:]))
        else:
            sys.exit("usage: broker LIST DIRECTORY SOCKET, or worker SOCKET NAME...")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
