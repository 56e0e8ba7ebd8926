"""Exercise 16, reference solution in Python: one open file, one offset, two processes.

    lend SOCKET FILE OFFSET [COUNT]     lends an open file, and says where its offset is afterwards
    borrow SOCKET                       reads from a file that somebody lends, and gives it back

Over the socket go a line and a descriptor, and back come a line and a descriptor. The two
descriptors have different numbers and lead to the same open file.
"""

import array
import errno
import os
import socket
import sys

# The longest line.
LINE = 64


def send_line(peer, line, file):
    """Send a line with a descriptor. It is a few bytes, and the first on its way: they fit."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
    peer.sendmsg([line], [rights])


# ---- lend ---------------------------------------------------------------------------------------


def read_answer(borrower):
    """Read to the end of the stream.

    The descriptor that comes with the answer leads to where ours leads: recv() has no room for it,
    and the kernel closes it.
    """
    answer = b""
    while piece := borrower.recv(LINE):
        answer += piece
    return answer


def lend(path, name, place, count):
    if not place.isdecimal() or not (count == "all" or count.isdecimal()):
        sys.exit("OFFSET and COUNT are numbers")
    # For reading only: whoever gets the descriptor can do with it what we could. And os.open(), not
    # open(): a file object reads ahead, and moves the offset that is to be lent.
    try:
        file = os.open(name, os.O_RDONLY)
        os.lseek(file, int(place), os.SEEK_SET)
    except OSError as error:
        sys.exit(f"{name}: {error.strerror}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as borrower:
        borrower.connect(path)
        send_line(borrower, b"read %s\n" % count.encode(), file)
        answer = read_answer(borrower)
    if not answer.startswith(b"read ") or not answer.endswith(b"\n"):
        sys.exit("the borrower did not say that it is done")
    # We read nothing. Where our offset stands is where the borrower has left it.
    now = os.lseek(file, 0, os.SEEK_CUR)
    print(f"offset {now} {'blocking' if os.get_blocking(file) else 'nonblocking'}")


# ---- borrow -------------------------------------------------------------------------------------


def take_loan(lender):
    """Take the line, and the descriptor under whatever number the kernel gave it."""
    line, files = b"", array.array("i")
    room = socket.CMSG_SPACE(files.itemsize)
    while not line.endswith(b"\n"):
        piece, control, _, _ = lender.recvmsg(LINE, room, socket.MSG_CMSG_CLOEXEC)
        if not piece:
            sys.exit("nobody lends anything: the line is missing")
        for level, kind, content in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files.frombytes(content[: len(content) - len(content) % files.itemsize])
        line += piece
    if not files:
        sys.exit("nobody lends anything: no descriptor came with the line")
    word, _, count = line.rstrip(b"\n").partition(b" ")
    if word != b"read" or not (count == b"all" or count.isdigit()):
        sys.exit("the line is not `read` and a number")
    return files[0], sys.maxsize if count == b"all" else int(count)


def write_all(data):
    """Write all of it; os.write() may accept only a part."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(1, rest) :]
    except OSError as error:
        sys.exit(f"standard output: {error}")


def copy(file, most):
    """Copy from where the offset stands, and not a byte more than so many.

    What we read, nobody else who has this open file will read.
    """
    copied = 0
    while copied < most:
        data = os.read(file, min(65536, most - copied))
        if not data:
            break
        write_all(data)
        copied += len(data)
    return copied


def result_of(call, *arguments):
    """Return what a call returned: its number, or the name of its error."""
    try:
        return str(call(*arguments))
    except OSError as error:
        return errno.errorcode[error.errno]


def borrow(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        lender, _ = listener.accept()
    os.unlink(path)  # one loan is all we take
    with lender:
        file, most = take_loan(lender)
        got = result_of(copy, file, most)
        # No byte is written: the kernel says whether it would be allowed before it looks at the size.
        written = result_of(os.write, file, b"")
        send_line(lender, f"read {got} write {written}\n".encode(), file)


def main():
    command, *arguments = sys.argv[1:] or [""]
    try:
        if command == "lend" and len(arguments) == 3:
            lend(*arguments, "all")
        elif command == "lend" and len(arguments) == 4:
            lend(*arguments)
        elif command == "borrow" and len(arguments) == 1:
            borrow(*arguments)
        else:
            sys.exit("usage: lend SOCKET FILE OFFSET [COUNT], or borrow SOCKET")
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
