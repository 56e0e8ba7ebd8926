"""Sending and receiving."""

from control import ROOT, UNKNOWN
from names import name_of
from sock import DGRAM, ESTABLISHED, LISTEN, SEQPACKET, STREAM
from sock import RCV_SHUTDOWN, SEND_SHUTDOWN
from sock import Message, Sock
from text import Asleep, Errno, Received


def not_now(nonblock):
    """What becomes of a call that cannot go on: it is told so, or sleeps until it can."""
    return Errno("EAGAIN") if nonblock else Asleep()


class Messages:
    """The part of the kernel that fills queues and empties them."""

    # ---- sending ---------------------------------------------------------------------------------

    def sys_send(self, process, fd, data, flags=(), to=None, control=()):
        sock, file = self.sock_at(process, fd), self.file_at(process, fd)
        nonblock = file.nonblock or "dontwait" in flags
        if to is not None and to.length < 0:
            raise Errno("EINVAL")
        if to is not None and to.length == 0:
            to = None
        if sock.type == STREAM:
            return self.stream_sendmsg(process, sock, data, to, control)
        if sock.type == DGRAM:
            return self.dgram_sendmsg(process, sock, data, to, control, nonblock)
        if sock.error:
            raise Errno(sock.take_error())
        if sock.state != ESTABLISHED:
            raise Errno("ENOTCONN")
        # Packets of a connection go to its other end, whatever address is given.
        return self.dgram_sendmsg(process, sock, data, None, control, nonblock)

    def stream_sendmsg(self, process, sock, data, to, control):
        files, claimed = self.scm_send(process, control)
        if to is not None:
            raise Errno("EISCONN" if sock.state == ESTABLISHED else "EOPNOTSUPP")
        if sock.peer is None:
            raise Errno("ENOTCONN")
        if sock.shutdown & SEND_SHUTDOWN:
            raise Errno("EPIPE")
        if not data:
            return 0  # no bytes make no piece, and what was attached goes nowhere
        if sock.error:
            raise Errno(sock.take_error())
        if sock.peer.dead or sock.peer.shutdown & RCV_SHUTDOWN:
            raise Errno("EPIPE")
        self.deliver(process, sock, sock.peer, data, files, claimed)
        return len(data)

    def dgram_sendmsg(self, process, sock, data, to, control, nonblock):
        files, claimed = self.scm_send(process, control)
        if to is not None:
            name_of(to)  # an address that means nothing is told before all else
        if sock.passcred:
            self.autobind(sock)  # who wants to know others shall be known, too
        if sock.error:
            raise Errno(sock.take_error())
        if sock.shutdown & SEND_SHUTDOWN:
            raise Errno("EPIPE")
        other = sock.peer if to is None else self.find(to, DGRAM)
        if other is None:
            raise Errno("ENOTCONN")
        if not may_send(sock, other):
            raise Errno("EPERM")
        if other.dead:
            raise self.receiver_is_gone(sock, other)
        if other.shutdown & RCV_SHUTDOWN:
            raise Errno("EPIPE")
        # Whoever sends to itself, or to one that sends back, is held up by its own buffer alone.
        if other is not sock and other.peer is not sock and other.is_full():
            raise not_now(nonblock)
        self.deliver(process, sock, other, data, files, claimed)
        return len(data)

    def receiver_is_gone(self, sock, other):
        if sock.type == SEQPACKET:
            return Errno("EPIPE")
        # The next send finds no peer at all.
        sock.peer = None
        self.dgram_disconnected(sock, other)
        return Errno("ECONNREFUSED")

    def deliver(self, process, sock, other, data, files, claimed):
        for file in files:
            self.hold(file)
        credentials = self.credentials_for(process, claimed, sock, other)
        other.queue.append(Message(sock, data, files, credentials))

    def dgram_disconnected(self, sock, old):
        """A datagram socket left its peer: what came from there is thrown away, and if anything
        was, the old peer is told."""
        if not sock.queue:
            return
        self.purge(sock)
        if not old.dead and old.peer is sock:
            old.error = "ECONNRESET"

    # ---- receiving -------------------------------------------------------------------------------

    def sys_recv(self, process, fd, length, flags=(), control=None):
        sock, file = self.sock_at(process, fd), self.file_at(process, fd)
        nonblock = file.nonblock or "dontwait" in flags
        recvmsg = self.stream_recvmsg if sock.type == STREAM else self.packet_recvmsg
        received, files, credentials = recvmsg(sock, length, flags, nonblock)
        if credentials is not None:  # None: there is no message, so nothing goes with it
            self.scm_recv(process, sock, received, files, credentials, flags, control)
        if "peek" not in flags:
            # The message is gone, and with it its references; a receiver has its own by now.
            for file in files:
                self.drop(file)
        return received

    def stream_recvmsg(self, sock, length, flags, nonblock):
        if sock.state != ESTABLISHED:
            raise Errno("EINVAL")
        if not sock.queue:
            # Only now, with nothing left to read, are errors and the end told.
            if sock.error:
                raise Errno(sock.take_error())
            if sock.shutdown & RCV_SHUTDOWN:
                return Received(0, b""), [], ROOT
            raise not_now(nonblock)
        first = sock.queue[0]
        received = Received(0, b"", first.sender.name)
        walk = self.peek_pieces if "peek" in flags else self.take_pieces
        received.data, files = walk(sock, length, first.credentials)
        received.count = len(received.data)
        return received, files, first.credentials or UNKNOWN

    def take_pieces(self, sock, length, credentials):
        """Read across pieces, as far as they are of one sender and up to the first descriptors."""
        data, files = b"", []
        while sock.queue:
            piece = sock.queue[0]
            if sock.passcred and piece.credentials != credentials:
                break
            left = length - len(data)
            data += piece.data[:left]
            piece.data = piece.data[left:]
            files, piece.files = piece.files, []
            if piece.data:
                break
            sock.queue.popleft()
            if files or len(data) == length:
                break
        return data, files

    def peek_pieces(self, sock, length, credentials):
        """The same, and nothing is taken. A buffer that is full does not end the walk: it goes on
        to the next descriptors, and shows them."""
        data = b""
        for piece in sock.queue:
            if sock.passcred and piece.credentials != credentials:
                break
            data += piece.data[: length - len(data)]
            if piece.files:
                return data, piece.files
        return data, []

    def packet_recvmsg(self, sock, length, flags, nonblock):
        if sock.type == SEQPACKET and sock.state != ESTABLISHED:
            raise Errno("ENOTCONN")
        if sock.error:
            raise Errno(sock.take_error())
        if not sock.queue:
            # Datagrams have no end: only who would sleep for them is woken by a shutdown.
            if sock.shutdown & RCV_SHUTDOWN and (sock.type == SEQPACKET or not nonblock):
                return Received(0, b""), [], None
            raise not_now(nonblock)
        message = sock.queue[0] if "peek" in flags else sock.queue.popleft()
        received = Received(0, message.data[:length], message.sender.name)
        if length < len(message.data):
            received.flags.add("trunc")
        received.count = len(message.data if "trunc" in flags else received.data)
        return received, message.files, message.credentials or UNKNOWN

    def sys_inq(self, process, fd):
        file = self.file_at(process, fd)
        if not isinstance(file.object, Sock):
            return len(file.object.data) - file.offset
        sock = file.object
        if sock.state == LISTEN:
            raise Errno("EINVAL")
        lengths = [len(message.data) for message in sock.queue]
        return sum(lengths[:1] if sock.type == DGRAM else lengths)


def may_send(sock, other):
    """Whether other takes what sock sends: who has a peer takes nothing from anybody else."""
    return other.peer is None or other.peer is sock
