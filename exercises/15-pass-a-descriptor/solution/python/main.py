"""Exercise 15, reference solution in Python: open files go from one program to another.

    send SOCKET FILE... < note      delivers the open files and a note
    receive [--who] SOCKET          takes one delivery and copies it to standard output

Over the socket go a line, the note, and with the first byte the descriptors. No byte of a file does.
"""

import array
import os
import socket
import struct
import sys

# Files of a delivery, and bytes of its line and its note.
MOST = 16
LONGEST = 32 + 1024 * 1024

# Descriptors are C integers; credentials are a process, a user and a group.
DESCRIPTOR = struct.calcsize("i")
CREDENTIALS = struct.Struct("iII")


# ---- send ---------------------------------------------------------------------------------------


def deliver(receiver, files, note):
    """Send the line and the note with one call, and the descriptors with their first byte."""
    line = b"files %d\n" % len(files)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
    sent = receiver.sendmsg([line, note], [rights])
    # What was not taken goes without the descriptors, which went with the first byte.
    receiver.sendall((line + note)[sent:])


def read_answer(receiver):
    answer = b""
    while piece := receiver.recv(64):
        answer += piece
    return answer


def send(path, names):
    if len(names) > MOST:
        sys.exit("a delivery has at most 16 files")
    # os.open() reads nothing ahead, and its descriptors are close-on-exec.
    files = [os.open(name, os.O_RDONLY) for name in names]
    note = sys.stdin.buffer.read()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as receiver:
        receiver.connect(path)
        deliver(receiver, files, note)
        # The message holds its own references: ours are of no use any more.
        for file in files:
            os.close(file)
        receiver.shutdown(socket.SHUT_WR)
        if read_answer(receiver) != b"taken %d\n" % len(files):
            sys.exit("the delivery was not taken")


# ---- receive ------------------------------------------------------------------------------------


def read_delivery(sender):
    """Read to the end of the stream: bytes, descriptors, whether some were dropped, who it is from."""
    data, files, dropped, who = b"", [], False, None
    room = socket.CMSG_SPACE(MOST * DESCRIPTOR) + socket.CMSG_SPACE(CREDENTIALS.size)
    while True:
        # Not socket.recv_fds(): Python 3.11 does not hand its flags on, and the descriptors would be
        # open across exec.
        piece, control, flags, _ = sender.recvmsg(65536, room, socket.MSG_CMSG_CLOEXEC)
        if not piece:
            # Credentials that come with the end are made up: process 0, user 0.
            return data, files, dropped, who
        for level, kind, content in control:
            if level != socket.SOL_SOCKET:
                continue
            if kind == socket.SCM_RIGHTS:
                came = array.array("i")
                came.frombytes(content[: len(content) - len(content) % DESCRIPTOR])
                files += came
            elif kind == socket.SCM_CREDENTIALS and len(content) == CREDENTIALS.size:
                who = CREDENTIALS.unpack(content)
        if flags & socket.MSG_CTRUNC:
            dropped = True  # there were more than came
        if len(data) < LONGEST:
            data += piece


def take(sender):
    """Take a delivery: the note and the descriptors, or None when it was refused."""
    data, files, dropped, who = read_delivery(sender)
    line, line_feed, note = data.partition(b"\n")
    right = line_feed and line == b"files %d" % len(files)
    good = right and 1 <= len(files) <= MOST and not dropped and len(data) < LONGEST
    if good and who:
        print("from pid=%d uid=%d gid=%d" % who, file=sys.stderr, flush=True)
    if good:
        answer = b"taken %d\n" % len(files)
    else:
        # Everything that recvmsg() delivered is ours, wanted or not.
        for file in files:
            os.close(file)
        answer = b"refused\n"
    try:
        sender.sendall(answer)
    except ConnectionError:
        pass  # a sender that is gone does not hear it: its affair
    return (note, files) if good else None


def write_all(data):
    """Write all of it; os.write() may accept only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def receive(path, asks_who):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        # Whether the kernel is to say who sends; connections take this over from here.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, asks_who)
        listener.listen(16)
        taken = None
        while taken is None:
            sender, _ = listener.accept()
            with sender:
                taken = take(sender)
        os.unlink(path)
    note, files = taken
    write_all(note)
    for file in files:
        # From where its offset stands.
        while data := os.read(file, 65536):
            write_all(data)


def main():
    command, *arguments = sys.argv[1:] or [""]
    try:
        if command == "send" and len(arguments) >= 2:
            send(arguments[0], arguments[1:])
        elif command == "receive" and arguments[:-1] in ([], ["--who"]):
            receive(arguments[-1], len(arguments) == 2)
        else:
            sys.exit("usage: send SOCKET FILE... < note, or receive [--who] SOCKET")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
