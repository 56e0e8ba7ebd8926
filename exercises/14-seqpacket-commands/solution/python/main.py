"""Exercise 14, reference solution in Python: a command server on a Unix SEQPACKET socket.

One packet is one command, so nothing here looks for the end of one. A single loop serves all
clients; no call in it waits but select().
"""

import os
import selectors
import socket
import sys

LONGEST = 512
LONGEST_KEY = 32


class Quit(Exception):
    """The client has said QUIT."""


def carry_out(store, packet):
    """Carry out one command and return its reply."""
    if packet == b"QUIT":
        raise Quit
    command, _, rest = packet.partition(b" ")
    # Keys and values are bytes, and only the first blank behind the key ends it.
    key, blank, value = rest.partition(b" ")
    if 1 <= len(key) <= LONGEST_KEY:
        if command == b"GET" and not blank:
            return b"VALUE " + store[key] if key in store else b"NONE"
        if command == b"SET" and blank:
            store[key] = value
            return b"OK"
    return b"ERR syntax"


class Client:
    """A connection, and the reply that has not gone yet."""

    def __init__(self, connection):
        self.connection = connection
        self.reply = None
        self.leaving = False

    def receive(self, store):
        """Take one packet; return whether more may come."""
        try:
            packet, _, flags, _ = self.connection.recvmsg(LONGEST)
        # ECONNRESET says that the client closed and left replies unread. It is said once, *before*
        # the packets that the client had sent; they are still there for the next calls.
        except (BlockingIOError, ConnectionResetError):
            return True
        if not packet:  # the end, or a packet of no bytes: nobody can tell, so they mean the same
            return False
        if flags & socket.MSG_TRUNC:  # the rest of the packet is gone
            self.reply = b"ERR too long"
            return True
        try:
            self.reply = carry_out(store, packet)
        except Quit:
            self.reply, self.leaving = b"BYE", True
        return True

    def send(self):
        """Send the reply, whole or not at all."""
        try:
            self.connection.send(self.reply)
        except BlockingIOError:  # no room now
            return
        # Nobody will read it. What the client sent before it went is still to be carried out, and
        # its end comes behind that.
        except ConnectionError:
            pass
        self.reply = None

    def serve(self, store):
        """Take a command and answer it, or send the reply that had to wait.

        Return what to wait for next; 0 when the conversation is over.
        """
        if self.reply is None and not self.receive(store):
            return 0
        if self.reply is not None:
            self.send()
        if self.reply is not None:
            return selectors.EVENT_WRITE  # who does not read is not read from either
        return 0 if self.leaving else selectors.EVENT_READ


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: seqpacket-commands PATH")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listener.bind(os.fsencode(sys.argv[-1]))
    except OSError as error:
        sys.exit(f"seqpacket-commands: bind: {error}")
    listener.listen(socket.SOMAXCONN)

    store = {}
    loop = selectors.DefaultSelector()
    loop.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in loop.select():
            client = key.data
            if client is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                loop.register(connection, selectors.EVENT_READ, Client(connection))
                continue
            events = client.serve(store)
            if not events:
                loop.unregister(client.connection)
                client.connection.close()
            elif events != key.events:
                loop.modify(client.connection, events, client)


if __name__ == "__main__":
    main()
