"""Exercise 5, reference solution in Python: a file server for slow readers.

One thread, non-blocking sockets, a selector. There is no buffer for any client: what the kernel
did not take is still in the file, and the offset says where it begins.
"""

import collections
import errno
import os
import selectors
import socket
import sys

# A turn of one client: short enough that a fast reader does not keep the others waiting.
PIECE = 65536


class Over(Exception):
    """The connection is over."""


class Client:
    """A connection and what is due on it."""

    def __init__(self, connection, path):
        self.connection = connection
        self.path = path
        self.requests = 0  # copies that are due, the one that has begun included
        self.file = None  # the file that is being sent
        self.at = 0  # how much of it the kernel has taken
        self.sent = 0  # what the kernel has taken in all

    def take_turn(self):
        """Receive requests or send one piece. Raise BlockingIOError when that would block.

        A client whose requests are not yet served is not read from: more requests wait in the
        socket, and if they fill it, their sender waits.
        """
        if self.requests == 0:
            requests = self.connection.recv(4096)
            if not requests:
                raise Over
            self.requests = len(requests)  # a byte is a request: a call may bring many
        else:
            self.send_piece()

    def send_piece(self):
        if self.file is None:
            self.file = os.open(self.path, os.O_RDONLY)
            self.at = 0
        piece = os.pread(self.file, PIECE, self.at)
        if not piece:  # the end of the file, and of this copy
            self.close_file()
            self.requests -= 1
            return
        taken = self.connection.send(piece)
        self.at += taken  # perhaps less than a piece: the rest is read from the file again
        self.sent += taken

    def wants(self):
        """Return what to wait for: one thing, and only what it could act upon."""
        return selectors.EVENT_WRITE if self.requests else selectors.EVENT_READ

    def close_file(self):
        if self.file is not None:
            os.close(self.file)
        self.file = None

    def end(self):
        # Into a pipe, Python would keep the line until its buffer is full.
        print(f"sent {self.sent}", flush=True)
        self.close_file()
        self.connection.close()


class Server:
    """The listening socket and its clients.

    Each client is either in the selector, waiting for one thing, or in `ready`.
    """

    def __init__(self, file_path, socket_path):
        self.file_path = file_path
        self.selector = selectors.DefaultSelector()
        self.ready = collections.deque()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(socket_path)
        self.listener.listen(socket.SOMAXCONN)
        self.listener.setblocking(False)
        self.listen(True)

    def listen(self, wanted):
        """Wait for clients, or let them wait in the backlog."""
        listening = self.listener in self.selector.get_map()
        if wanted and not listening:
            self.selector.register(self.listener, selectors.EVENT_READ)
        elif listening and not wanted:
            self.selector.unregister(self.listener)

    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self.listen(False)  # until a connection gives a descriptor back
            return
        connection.setblocking(False)  # the listener's O_NONBLOCK is not handed on
        self.ready.append(Client(connection, self.file_path))

    def serve(self, client):
        try:
            client.take_turn()
        except BlockingIOError:  # not an error, a reason to wait
            self.selector.register(client.connection, client.wants(), client)
            return
        except Over:
            pass
        # The reader is gone: ECONNRESET or EPIPE (Python ignores SIGPIPE). Or there is no file.
        except OSError as error:
            print(f"file-server: {error}", file=sys.stderr)
        else:
            self.ready.append(client)
            return
        client.end()
        self.listen(True)

    def run(self):
        while True:
            # Sleep only when nobody can go on.
            for key, _ in self.selector.select(0 if self.ready else None):
                if key.data is None:
                    self.accept()
                else:
                    self.selector.unregister(key.fileobj)
                    self.ready.append(key.data)
            # One turn for each of them; who still can go on comes into the next round.
            for _ in range(len(self.ready)):
                self.serve(self.ready.popleft())


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: file-server FILE SOCKET")
    file_path, socket_path = map(os.fsencode, sys.argv[-2:])
    try:
        Server(file_path, socket_path).run()
    except OSError as error:
        sys.exit(f"file-server: {error}")


if __name__ == "__main__":
    main()
