"""Exercise 6, reference solution in Python: a relay between a client and an upstream server.

One thread and poll(). Each direction has a buffer of its own and a state of its own; what
happens to one of them does not stop the other.
"""

import os
import select
import socket
import sys


def client_at(path):
    """Wait at the path for the one client that this run is for, and return its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        client, _ = listener.accept()
        # Nobody else is served, so nobody else shall find us.
        os.unlink(path)
        return client


class Direction:
    """What comes from one socket goes to the other."""

    def __init__(self, source, target):
        self.source = source
        self.target = target
        self.held = memoryview(b"")  # received and not yet sent
        self.over = False  # nothing is carried any more
        self.cut = False  # it is over because of an error: bytes were lost

    def wish(self):
        """Return the socket that this direction waits for, and the event.

        Either bytes to receive or room for those it holds, never both: what is not taken from the
        source waits there, and in the end its sender waits too.
        """
        return (self.target, select.POLLOUT) if self.held else (self.source, select.POLLIN)

    def carry(self):
        """Carry one buffer full, as far as it goes without waiting.

        The events only woke us. The calls themselves say how things are: bytes that came before a
        hang-up or a reset are received before it is.
        """
        try:
            if not self.held:
                self.held = memoryview(self.source.recv(65536))
                if not self.held:  # the end, and everything before it has been sent
                    # close() would take the other direction with it.
                    self.target.shutdown(socket.SHUT_WR)
                    self.over = True
                    return
            # Maybe only a part is taken: the rest is for the next round.
            self.held = self.held[self.target.send(self.held) :]
        except BlockingIOError:
            pass
        # ECONNRESET on receiving, EPIPE on sending (Python ignores SIGPIPE).
        except ConnectionError as error:
            print(f"relay: {error}", file=sys.stderr)
            # Whoever still sends is refused instead of waiting for ever; whoever still reads
            # finds an end.
            self.source.shutdown(socket.SHUT_RD)
            self.target.shutdown(socket.SHUT_WR)
            self.over = self.cut = True


def relay(client, upstream):
    """Carry both ways until both have ended. Tell whether everything arrived."""
    directions = [Direction(client, upstream), Direction(upstream, client)]
    client.setblocking(False)
    upstream.setblocking(False)
    while going_on := [way for way in directions if not way.over]:
        wanted = {client: 0, upstream: 0}
        for way in going_on:
            sock, event = way.wish()
            wanted[sock] |= event
        poller = select.poll()
        for sock, events in wanted.items():
            # A socket of which nothing is wanted must not be watched at all: a hang-up is
            # reported unasked, again and again.
            if events:
                poller.register(sock, events)
        poller.poll()
        for way in going_on:
            way.carry()
    return not any(way.cut for way in directions)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: relay UPSTREAM PATH")
    try:
        with client_at(sys.argv[2]) as client:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as upstream:
                upstream.connect(sys.argv[1])
                sys.exit(0 if relay(client, upstream) else 1)
    except OSError as error:
        sys.exit(f"relay: {error}")


if __name__ == "__main__":
    main()
