"""Exercise 30: the kernel, as far as AF_UNIX goes.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-30
    ipc-mastery hint exercise-30

Each call is a method of Kernel. `A: socket stream nonblock` calls

    def sys_socket(self, process, kind, protocol, nonblock, cloexec):

which returns Fd(3), or raises Errno("EINVAL"). text.py reads lines and writes answers: which
arguments a call has is in its table CALLS, and what methods may return at its beginning.
"""

from text import Errno, serve

FIRST_FD = 3  # 0, 1 and 2 are taken


class Process:
    """A process: a letter, and a table of descriptors."""

    def __init__(self, letter):
        self.letter = letter
        self.limit = 1024  # RLIMIT_NOFILE: no descriptor reaches it
        self.descriptors = {}  # of Descriptor, by number


class Descriptor:
    """An entry of that table."""

    def __init__(self, file):
        self.file = file  # an OpenFile; dup makes a second entry with the same


class OpenFile:
    """An open file description: what a descriptor refers to, and others may, too."""

    def __init__(self, sock):
        self.object = sock


class Sock:
    """A socket."""

    def __init__(self, kind):
        self.type = kind  # 1, 2 or 5: stream, dgram, seqpacket


class Kernel:
    """The machine: its processes, and what they have open. `boot` makes a new one."""

    def __init__(self, uid=0, gid=0, max_dgram_qlen=10, somaxconn=4096):
        self.uid, self.gid = uid, gid
        self.max_dgram_qlen = max_dgram_qlen
        self.somaxconn = somaxconn
        self.processes = {"A": Process("A")}

    def call(self, who, name, arguments):
        method = getattr(self, "sys_" + name.replace("-", "_"), None)
        if method is None or who not in self.processes:
            raise Errno("ENOSYS")
        return method(self.processes[who], **arguments)


if __name__ == "__main__":
    serve(Kernel)
