"""A server that echoes and leaves nothing behind."""

import os
import signal
import socket
import sys

path = sys.argv[1]


def end(_number, _frame):
    os.unlink(path)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
while True:
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)
