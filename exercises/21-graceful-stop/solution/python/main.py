"""Exercise 21, reference solution in Python: a server that stops when it is told to.

One loop waits for everything: for clients, for their bytes, for room to reply, and for signals, which
Python's own handler turns into bytes that can be read (signal.set_wakeup_fd). No other call waits.
"""

import contextlib
import os
import selectors
import signal
import socket
import struct
import sys
import time

LARGEST = 1 << 20
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Gone(Exception):
    """Nothing more is to be done for this client."""


class Client:
    """A connection, and what is unfinished on it."""

    def __init__(self, connection):
        self.connection = connection
        self.request = b""  # what has come of it
        self.reply = b""  # what has not gone yet

    def waits_for(self):
        """Return what the loop has to wait for on its behalf."""
        return WRITE if self.reply else READ

    def advance(self):
        """Go a step on, without waiting; return False when the client has begun nothing."""
        try:
            if self.reply:
                self.reply = self.reply[self.connection.send(self.reply) :]
            if not self.reply:
                self.read_more()
        except BlockingIOError:
            pass
        except ConnectionError as error:  # EPIPE, ECONNRESET: nobody is there any more
            raise Gone from error
        return bool(self.request or self.reply)

    def read_more(self):
        """Read what is there of a request, and of none that follows it."""
        wanted = 4
        if len(self.request) >= 4:
            wanted += int.from_bytes(self.request[:4], "big")
        data = self.connection.recv(wanted - len(self.request))
        if not data:
            raise Gone
        self.request += data
        if len(self.request) < 4:
            return
        (length,) = struct.unpack("!I", self.request[:4])
        if length > LARGEST:
            raise Gone
        if len(self.request) == 4 + length:
            self.reply = memoryview(self.request[:4] + self.request[:3:-1])
            self.request = b""


class Server:
    """The socket, the clients, and whether it is time to stop."""

    def __init__(self, grace, path):
        self.grace = grace
        self.path = path
        self.deadline = None  # None: nobody has told us to stop
        self.clients = set()
        self.selector = selectors.DefaultSelector()
        # First the signals: from the moment at which the name can be seen, somebody may send one.
        self.told = self.watch_signals()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.listener.bind(path)
        self.listener.listen(socket.SOMAXCONN)
        self.selector.register(self.listener, READ)

    def watch_signals(self):
        """Return a socket on which a byte comes for each SIGTERM and SIGINT."""
        told, tell = socket.socketpair()
        told.setblocking(False)
        tell.setblocking(False)
        signal.set_wakeup_fd(tell.detach())
        for number in signal.SIGTERM, signal.SIGINT:
            # Nothing to do in it, but without a handler there is no byte.
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # no terminal to lose, nothing to read anew
        self.selector.register(told, READ)
        return told

    def admit(self):
        """Take all who wait for a connection."""
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self.listener.accept()
                connection.setblocking(False)
                client = Client(connection)
                self.clients.add(client)
                self.selector.register(connection, READ, client)

    def serve(self, client):
        """Go a step on with a client; who is between two requests is let go when we stop."""
        try:
            busy = client.advance()
        except Gone:
            busy = None
        if busy is None or (not busy and self.deadline is not None):
            self.selector.unregister(client.connection)
            client.connection.close()
            self.clients.remove(client)
        else:
            self.selector.modify(client.connection, client.waits_for(), client)

    def stop(self):
        """Let nobody come any more, and begin the grace.

        The name goes first: then nobody new can find us, a successor can take the name, and accept()
        gets to the end of those who had been let into the queue. Closed with them in it, the socket
        would reset their connections.
        """
        self.told.recv(1024)  # or the loop would find it there again and again
        if self.deadline is not None:
            return  # who is told twice has been told
        self.deadline = time.monotonic() + self.grace
        with contextlib.suppress(OSError):  # a name that is gone is no reason to go on
            os.unlink(self.path)
        self.admit()
        self.selector.unregister(self.listener)
        self.listener.close()
        # What came before the signal may have come after the loop looked: all are tried.
        for client in list(self.clients):
            self.serve(client)

    def run(self):
        """Serve until the last client has left, or the grace is over."""
        while self.deadline is None or self.clients:
            left = None if self.deadline is None else self.deadline - time.monotonic()
            if left is not None and left <= 0:
                return  # what is not finished now ends with us
            for key, _ in self.selector.select(left):
                if key.fileobj is self.told:
                    self.stop()
                elif key.fileobj is self.listener:
                    if self.deadline is None:
                        self.admit()
                elif key.data in self.clients:
                    self.serve(key.data)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: graceful-stop GRACE PATH")
    try:
        server = Server(int(sys.argv[1]) / 1000, sys.argv[2])
    except (OSError, ValueError) as error:
        sys.exit(f"graceful-stop: {error}")
    server.run()


if __name__ == "__main__":
    main()
