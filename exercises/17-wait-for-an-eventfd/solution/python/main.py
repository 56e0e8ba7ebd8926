"""Exercise 17, reference solution in Python: waits for eventfds that somebody else made.

Descriptor IPC_FD is a connected stream socket. Its other end, the owner, says what to watch and
sends the eventfds along; what they counted goes back as a line for each wake-up.

One thread, one epoll set: the socket and all eventfds are waited for at once.
"""

import array
import os
import select
import socket
import sys

# Descriptors with one message.
MOST = 16
DESCRIPTOR = array.array("i").itemsize


class OwnerGone(Exception):
    """The owner has gone, or has said its last."""


class Watcher:
    def __init__(self, owner):
        self.owner = owner
        self.epoll = select.epoll()
        self.epoll.register(owner, select.EPOLLIN)
        # The letter of each eventfd that is watched, by its number.
        self.watched = {}
        # Descriptors that have come, and whose command has not; the first is used first.
        self.arrived = []
        # The beginning of a line whose rest has not come.
        self.pending = b""

    def say(self, line):
        try:
            self.owner.sendall(line.encode())
        except (BrokenPipeError, ConnectionResetError):
            raise OwnerGone from None

    def report(self, number):
        """Say what an eventfd has counted, if it still has."""
        # A command that came with the same wake-up may have dropped it.
        if number not in self.watched:
            return
        counted = bytearray(8)
        try:
            # Never waits: between epoll and here somebody else may have read it. O_NONBLOCK would do
            # the same, for everybody who holds this eventfd.
            os.preadv(number, [counted], -1, os.RWF_NOWAIT)
        except BlockingIOError:
            return
        self.say(f"{self.watched[number]} {int.from_bytes(counted, sys.byteorder)}\n")

    def watch(self, letter):
        if not self.arrived:
            self.say(f"refused {letter}\n")
            return
        number = self.arrived.pop(0)
        self.epoll.register(number, select.EPOLLIN)
        self.watched[number] = letter
        self.say(f"watching {letter}\n")

    def drop(self, letter):
        numbers = [number for number, each in self.watched.items() if each == letter]
        for number in numbers:
            # close() alone would not do: others hold this eventfd, and epoll watches it, not our
            # number.
            self.epoll.unregister(number)
            os.close(number)
            del self.watched[number]
        self.say(f"dropped {letter} {len(numbers)}\n")

    def obey(self, line):
        match line.decode().split(" "):
            case ["watch", letter]:
                self.watch(letter)
            case ["drop", letter]:
                self.drop(letter)
            case _:
                sys.exit("the owner sent something else than a command")

    def listen_to_owner(self):
        """Take what one recvmsg() brings, for which something is there."""
        room = socket.CMSG_SPACE(MOST * DESCRIPTOR)
        try:
            data, control, flags, _ = self.owner.recvmsg(4096, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            # Gone, without having read all that we said.
            raise OwnerGone from None
        if not data:
            raise OwnerGone
        for level, kind, content in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                came = array.array("i")
                came.frombytes(content[: len(content) - len(content) % DESCRIPTOR])
                self.arrived += came
        if flags & socket.MSG_CTRUNC:
            sys.exit("the kernel dropped descriptors")
        # The last piece has no line feed yet. It waits here, and the program does not wait with it.
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.obey(line)

    def serve(self):
        while True:
            for number, _ in self.epoll.poll():
                if number == self.owner.fileno():
                    self.listen_to_owner()
                else:
                    self.report(number)


def main():
    try:
        owner = socket.socket(fileno=int(os.environ["IPC_FD"]))
        Watcher(owner).serve()
    except OwnerGone:
        pass
    except KeyError:
        sys.exit("IPC_FD must say which descriptor is the socket")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
