"""Exercise 23, reference solution in Python: a broker that waits for nobody.

A single loop serves all clients, and no call in it waits for a client but poll(). Each client has a
queue of its own with room for so many bytes: what the kernel does not take stays there, and when
there is no more room, the client is told and let go.
"""

import collections
import select
import socket
import struct
import sys

LONGEST = 65536
LONGEST_TOPIC = 100


def frame_of(payload):
    return struct.pack("!I", len(payload)) + payload


OK, ERR, LAG = frame_of(b"OK"), frame_of(b"ERR"), frame_of(b"LAG")


class Client:
    """A connection, what has come on it and what waits to go out."""

    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.inbox = bytearray()
        self.outbox = collections.deque()  # of whole frames, the first of which may be sent in part
        self.waiting = 0  # bytes in the outbox
        self.topics = set()
        self.ended = False  # it has said its last: nothing more will come from it
        self.deaf = False  # it has closed: nothing more can be sent to it
        self.leaving = False  # its last word is in the outbox: ERR or LAG
        self.events = 0  # what the loop looks for

    def flush(self):
        """Hand the kernel what it takes; the rest stays, be it in the middle of a frame."""
        try:
            while self.outbox:
                sent = self.connection.send(self.outbox[0])
                self.waiting -= sent
                # A view of what is left. The frame itself may be in other outboxes and stays whole.
                rest = memoryview(self.outbox.popleft())[sent:]
                if rest:
                    self.outbox.appendleft(rest)
        except BlockingIOError:
            pass
        except OSError:  # EPIPE: it is gone, which is no concern of others
            self.deaf = True
            self.outbox.clear()

    def append(self, frame):
        self.outbox.append(frame)
        self.waiting += len(frame)
        self.flush()

    @property
    def interest(self):
        """What the loop looks for: bytes until the client has ended, room while something waits."""
        coming = 0 if self.ended or self.leaving else select.EPOLLIN
        return coming | (select.EPOLLOUT if self.outbox else 0)

    @property
    def over(self):
        """Whether nothing more is to be done; one that has said its last may still listen."""
        if self.outbox:
            return False
        return self.leaving or (self.ended and (self.deaf or not self.topics))


class Broker:
    """Who is connected, and who listens to what."""

    def __init__(self, limit, path):
        self.limit = limit
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.setblocking(False)
        self.listener.bind(path)
        self.listener.listen(socket.SOMAXCONN)
        self.loop = select.epoll()
        self.loop.register(self.listener, select.EPOLLIN)
        self.clients = {}  # by descriptor
        self.topics = {}  # the subscribers of each, in a dict, which keeps their order

    def subscribe(self, client, topic):
        client.topics.add(topic)
        self.topics.setdefault(topic, {})[client] = True

    def unsubscribe(self, client, topic):
        if topic not in client.topics:
            return
        client.topics.remove(topic)
        del self.topics[topic][client]
        if not self.topics[topic]:
            del self.topics[topic]

    def say_last(self, client, frame):
        """Queue the last word behind what waits already; it needs no room."""
        client.leaving = True
        for topic in list(client.topics):
            self.unsubscribe(client, topic)
        client.append(frame)

    def put(self, client, frame):
        """Queue a whole frame, or say LAG."""
        if client.leaving or client.deaf:
            return
        if client.waiting + len(frame) > self.limit:
            self.say_last(client, LAG)
        else:
            client.append(frame)

    def publish(self, publisher, topic, data):
        frame = frame_of(b"MSG " + topic + b" " + data)
        # Of a copy: who lags is taken off the list meanwhile.
        for client in list(self.topics.get(topic, ())):
            if client is not publisher:
                self.put(client, frame)

    def carry_out(self, client, payload):
        """Carry out one command and answer it."""
        verb, _, rest = payload.partition(b" ")
        # A PUB has a blank behind its topic, also when the data is empty; the others have none.
        topic, blank, data = rest.partition(b" ")
        known = verb in (b"SUB", b"UNSUB", b"PUB")
        if not known or bool(blank) != (verb == b"PUB") or not 1 <= len(topic) <= LONGEST_TOPIC:
            self.say_last(client, ERR)
            return
        if verb == b"SUB":
            self.subscribe(client, topic)
        elif verb == b"UNSUB":
            self.unsubscribe(client, topic)
        else:
            self.publish(client, topic, data)
        self.put(client, OK)

    def take(self, client):
        """Take what came, and carry out the frames that are whole.

        A client that has closed is heard to the end: what it sent before counts.
        """
        try:
            data = client.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            client.deaf = True
            data = b""
        if not data:
            client.ended = True
            return
        client.inbox += data
        while not client.leaving and len(client.inbox) >= 4:
            (length,) = struct.unpack_from("!I", client.inbox)
            if length > LONGEST:
                self.say_last(client, ERR)
                return
            if len(client.inbox) < 4 + length:
                return
            payload = bytes(client.inbox[4 : 4 + length])
            del client.inbox[: 4 + length]
            self.carry_out(client, payload)

    def serve(self, client, events):
        if events & select.EPOLLOUT:
            client.flush()
        if events & select.EPOLLIN:
            self.take(client)
        elif events & (select.EPOLLHUP | select.EPOLLERR):
            # There is nothing left to be heard from it, and it has closed.
            client.ended = client.deaf = True
            client.outbox.clear()

    def admit(self):
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        client = Client(connection)
        self.clients[connection.fileno()] = client
        self.loop.register(connection, client.interest)
        client.events = client.interest

    def release(self, client):
        for topic in list(client.topics):
            self.unsubscribe(client, topic)
        del self.clients[client.connection.fileno()]
        client.connection.close()  # epoll forgets it with that

    def tidy_up(self):
        """Release who is through, and look for the right events of the others."""
        for client in list(self.clients.values()):
            if client.over:
                self.release(client)
            elif client.events != client.interest:
                self.loop.modify(client.connection, client.interest)
                client.events = client.interest

    def run(self):
        while True:
            for fd, events in self.loop.poll(maxevents=1):
                if fd == self.listener.fileno():
                    self.admit()
                else:
                    self.serve(self.clients[fd], events)
            self.tidy_up()


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: publish-subscribe BYTES PATH")
    try:
        broker = Broker(int(sys.argv[1]), sys.argv[2])
    except (OSError, ValueError) as error:
        sys.exit(f"publish-subscribe: {error}")
    broker.run()


if __name__ == "__main__":
    main()
