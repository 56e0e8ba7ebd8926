"""Exercise 22, reference solution in Python: one loop for all clients.

    program [WORKERS] SOCKET

The loop never waits for one client: every socket is non-blocking, and epoll is the only place where
the program sleeps. What one client has sent and not yet got back lies in a buffer of its own, as
long as the largest frame. While that is full nothing more is read from this client: so its answers
cannot pile up here, and they wait where they belong, with whoever does not read.
"""

import errno
import os
import resource
import select
import socket
import sys

HEADER = 4
LONGEST = 65536
ROOM = HEADER + LONGEST
ENDLESS = 0xFFFF_FFFF
QUEUE = 4096


class Client:
    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.number = connection.fileno()
        self.bytes = bytearray()
        self.ready = 0  # so many of them, at the front, go back: whole frames
        self.endless = False  # all that comes goes back as it comes
        self.ended = False  # nothing more is read: it has said its last, or what is no frame
        self.watched = select.EPOLLIN

    def find_frames(self):
        """Counts the whole frames at the front of the buffer."""
        while not self.endless and len(self.bytes) - self.ready >= HEADER:
            length = int.from_bytes(self.bytes[self.ready : self.ready + HEADER], "big")
            if length == ENDLESS:
                self.endless = True
            elif length > LONGEST:
                self.ended = True
                return
            elif len(self.bytes) - self.ready < HEADER + length:
                return
            else:
                self.ready += HEADER + length
        if self.endless:
            self.ready = len(self.bytes)

    def read(self):
        try:
            came = self.connection.recv(ROOM - len(self.bytes))
        except BlockingIOError:
            return
        self.ended = not came
        self.bytes += came
        self.find_frames()

    def write(self):
        try:
            count = self.connection.send(memoryview(self.bytes)[: self.ready])
        except BlockingIOError:
            return
        del self.bytes[:count]
        self.ready -= count

    def serve(self):
        """Does what can be done at once; False: the conversation is over.

        One read and one write, however much there is: then it is the others' turn.
        """
        try:
            if not self.ended and len(self.bytes) < ROOM:
                self.read()
            if self.ready > 0:
                self.write()
        except OSError:  # EPIPE, ECONNRESET: this client is gone
            return False
        return not (self.ended and self.ready == 0)

    def wanted(self):
        """What this client can do next, and nothing else: a socket that nobody wants to write to is
        writable all the time, and one that has ended is readable all the time."""
        wanted = 0
        if not self.ended and len(self.bytes) < ROOM:
            wanted |= select.EPOLLIN
        if self.ready > 0:
            wanted |= select.EPOLLOUT
        return wanted


class Worker:
    """One process: it has its clients to itself, and the listener in common with the others."""

    def __init__(self, listener):
        self.listener = listener
        self.epoll = select.epoll()
        self.clients = {}  # by the number of the descriptor
        self.hold_reserve()

    def hold_reserve(self):
        """Keeps a descriptor free for the last client, and looks whether one comes."""
        self.reserve = os.open("/dev/null", os.O_RDONLY)
        # EPOLLEXCLUSIVE: a connection wakes one worker that sleeps, not all.
        self.epoll.register(self.listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)

    def accept(self):
        try:
            return self.listener.accept()[0]
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        # No descriptor is left. The connection stays in the queue, and epoll would report it for
        # ever: do not look there until a client leaves. This last one gets the reserve's number,
        # for it may be that no other worker has been woken for it.
        self.epoll.unregister(self.listener)
        os.close(self.reserve)
        self.reserve = None
        return self.listener.accept()[0]

    def take_client(self):
        """Takes one connection from the queue. If there are more, epoll says so again."""
        try:
            client = Client(self.accept())
        except OSError:
            return  # another worker was faster
        self.clients[client.number] = client
        self.epoll.register(client.number, client.watched)

    def close_client(self, client):
        # Before its number can be anybody else's.
        del self.clients[client.number]
        client.connection.close()  # no duplicate: this takes it out of the epoll set, too
        if self.reserve is None:
            try:
                self.hold_reserve()
            except OSError:
                pass  # still none left

    def work(self):
        while True:
            for number, _ in self.epoll.poll():
                if number == self.listener.fileno():
                    self.take_client()
                    continue
                client = self.clients[number]
                if not client.serve():
                    self.close_client(client)
                elif client.wanted() != client.watched:
                    client.watched = client.wanted()
                    self.epoll.modify(number, client.watched)


def raise_limit():
    """Most programs are started with a soft limit of 1024 descriptors, for the sake of those that
    use select. Whoever can count further may have as many as the hard limit says."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: program [WORKERS] SOCKET")
    workers = int(sys.argv[1]) if len(sys.argv) == 3 else 1
    raise_limit()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[-1])
    listener.listen(QUEUE)  # the kernel cuts this to net.core.somaxconn
    listener.setblocking(False)
    # Each worker is a process, and this one is the first.
    for _ in range(1, workers):
        if os.fork() == 0:
            break
    Worker(listener).work()


if __name__ == "__main__":
    main()
