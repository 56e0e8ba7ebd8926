"""Exercise 24, reference solution in Python: a server with limits for each user.

One thread runs a coroutine for each client. A limit is a number that is compared; nobody is made to
wait by a loop that sleeps.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time

LONGEST = 65536
HIGHEST = 1_000_000


class User:
    """Everybody with the same uid."""

    def __init__(self, server):
        self.server = server
        self.connections = 0
        self.tokens = server.burst
        self.since = time.monotonic()  # a clock that nobody sets; time.time() jumps

    def refill(self):
        """Count what has come into the bucket since it was last looked at.

        A part of a token counts too; otherwise, whoever asks often gets none.
        """
        now = time.monotonic()
        self.tokens += (now - self.since) / self.server.refill
        self.since = now
        self.tokens = min(self.tokens, self.server.burst)

    def take_token(self):
        """Take a token if there is one. A refusal takes nothing."""
        self.refill()
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def is_as_new(self):
        self.refill()
        return self.connections == 0 and self.tokens == self.server.burst


class Server:
    """The limits, and who is known."""

    def __init__(self, burst, refill_ms, connections, frame_ms):
        self.burst = burst
        self.refill = refill_ms / 1000
        self.connections = connections
        self.frame = frame_ms / 1000
        self.users = {}

    def user(self, uid):
        """Find a user or make one.

        Whoever has no connection and a full bucket is dropped: that is how they would be made anew,
        so nothing is forgotten. The table is as long as users are active.
        """
        self.users = {uid: user for uid, user in self.users.items() if not user.is_as_new()}
        if uid not in self.users:
            self.users[uid] = User(self)
        return self.users[uid]

    async def receive(self, reader):
        """Take one frame. What it says does not matter here: a request only counts."""
        first = await reader.readexactly(1)  # between two frames a client may be idle
        async with asyncio.timeout(self.frame):
            header = first + await reader.readexactly(3)
            (length,) = struct.unpack("!I", header)
            if length > LONGEST:
                raise ValueError("too long")
            await reader.readexactly(length)

    async def converse(self, user, reader, writer):
        """Serve one client to its end, or to the last word."""
        try:
            while True:
                await self.receive(reader)
                tell(writer, "OK" if user.take_token() else "SLOW")
                await writer.drain()
        except TimeoutError:
            tell(writer, "LATE")
        except ValueError:
            tell(writer, "SIZE")
        except (EOFError, ConnectionError):
            pass  # this client has gone; that is no concern of others

    async def serve(self, reader, writer):
        """Count a connection, and give it back whatever happens in between."""
        with contextlib.closing(writer):
            user = self.user(peer_uid(writer))
            if user.connections >= self.connections:
                tell(writer, "BUSY")  # never counted, so nothing to give back
                return
            user.connections += 1
            try:
                await self.converse(user, reader, writer)
            finally:
                user.connections -= 1


def peer_uid(writer):
    """Return who connected, as the kernel wrote it down."""
    connection = writer.get_extra_info("socket")
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, _ = struct.unpack("iII", told)
    return uid


def tell(writer, words):
    writer.write(struct.pack("!I", len(words)) + words.encode())


def listen_at(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # bind() makes the name with mode 0777 less the umask: 0666, so that everybody may connect.
    before = os.umask(0o111)
    listener.bind(path)
    os.umask(before)
    return listener


def limit_from(text):
    """Return a limit; what is no number must not become one."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST):
        sys.exit(f"limits: not a number from 1 to {HIGHEST}: {text}")
    return int(text)


async def run(server, listener):
    async with await asyncio.start_unix_server(server.serve, sock=listener) as acceptor:
        await acceptor.serve_forever()


def main():
    if len(sys.argv) != 6:
        sys.exit("usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH")
    server = Server(*map(limit_from, sys.argv[1:5]))
    try:
        listener = listen_at(sys.argv[5])
    except OSError as error:
        sys.exit(f"limits: {error}")
    asyncio.run(run(server, listener))


if __name__ == "__main__":
    main()
