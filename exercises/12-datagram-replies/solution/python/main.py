"""Exercise 12, reference solution in Python: requests and replies in datagrams.

    serve SOCKET
    ask SOCKET NAME SECONDS TEXT...

A datagram server has one socket and no connections. Whom a reply goes to is the name that came with
the request; whether it gets there is no concern of the next client.
"""

import errno
import os
import socket
import stat
import sys
import time

LONGEST = 8192  # bytes of a message
MOST_DIGITS = 9  # of an id
BETWEEN_TRIES = 0.02  # seconds


def datagram_socket():
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


# ---- serve --------------------------------------------------------------------------------------


def is_stale(path):
    """Whether the name is left over: a socket's file that no socket has any more."""
    # connect() says ECONNREFUSED of any file that is no socket, too.
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return False
    with datagram_socket() as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False


def take_name(inbox, path):
    try:
        inbox.bind(path)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not is_stale(path):
            raise
        os.unlink(path)
        inbox.bind(path)


def answer(request):
    """The reply to a request; None: the message has no id, so there is none."""
    number, _, rest = request.partition(b" ")
    if not (number.isdigit() and len(number) <= MOST_DIGITS):
        return None
    word, _, text = rest.partition(b" ")
    if word == b"UPPER":
        return number + b" ok " + text.upper()
    if word == b"LENGTH":
        return number + b" ok %d" % len(text)
    return number + b" no"


def serve(path):
    inbox = datagram_socket()
    take_name(inbox, path)
    while True:
        request, client = inbox.recvfrom(LONGEST)
        if not client:
            continue  # who has no name cannot be answered
        reply = answer(request)
        if reply is None:
            continue
        try:
            inbox.sendto(reply, socket.MSG_DONTWAIT, client)
        except OSError:
            # It is gone (ECONNREFUSED, ENOENT) or does not read (EAGAIN). That is its affair, and
            # nothing here may wait for it.
            pass


# ---- ask ----------------------------------------------------------------------------------------


class NoAnswer(Exception):
    """The time is up, or the server refused."""


def send_request(outbox, server, request, until):
    """Send a request, again and again while nobody is there or there is no room."""
    while True:
        try:
            # The name is looked up for each try. A socket that was connected would go on meaning
            # the server that is gone.
            outbox.sendto(request, socket.MSG_DONTWAIT, server)
            return
        except (ConnectionRefusedError, FileNotFoundError, BlockingIOError):
            # Neither poll() nor settimeout() can wait for room: they do not know where the next
            # message will go.
            left = until - time.monotonic()
            if left <= 0:
                raise NoAnswer("no answer: it could not be sent") from None
            time.sleep(min(left, BETWEEN_TRIES))


def next_message(inbox, server, until):
    """Wait for the server's next message."""
    while (left := until - time.monotonic()) > 0:
        inbox.settimeout(left)
        try:
            data, sender = inbox.recvfrom(LONGEST + MOST_DIGITS + 32)
        except TimeoutError:
            break
        # Anybody may send to our name.
        if sender == server:
            return data
    raise NoAnswer("no answer")


def ask_one(mine, server, number, text, seconds):
    """Ask for one text, and return the result."""
    until = time.monotonic() + seconds
    send_request(mine, server, b"%d UPPER %s" % (number, text), until)
    while True:
        reply = next_message(mine, server, until)
        if reply.startswith(b"%d ok " % number):
            return reply.removeprefix(b"%d ok " % number)
        if reply == b"%d no" % number:
            raise NoAnswer("refused")
        # To another request, perhaps one that we no longer wait for.


def ask(server, name, seconds, texts):
    mine = datagram_socket()
    # Nothing at all: the kernel chooses a name that nobody else has.
    mine.bind("" if name == "-" else name)
    status = 0
    try:
        for number, text in enumerate(texts, 1):
            try:
                result = ask_one(mine, server, number, os.fsencode(text), seconds)
                sys.stdout.buffer.write(result + b"\n")
                sys.stdout.buffer.flush()
            except NoAnswer as why:
                print(f"{number}: {why}", file=sys.stderr)
                status = 1
    finally:
        if name != "-":
            os.unlink(name)
    return status


def main():
    try:
        match sys.argv[1:]:
            case ["serve", path]:
                serve(path)
            case ["ask", path, name, seconds, *texts] if texts:
                return ask(path, name, int(seconds), texts)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print("usage: serve SOCKET, or ask SOCKET NAME SECONDS TEXT...", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
