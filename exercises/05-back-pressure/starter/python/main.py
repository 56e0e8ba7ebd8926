"""Exercise 5: a file server for slow readers.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-5
    ipc-mastery hint exercise-5
"""

import os
import socket
import sys


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: file-server FILE SOCKET")
    file, path = map(os.fsencode, sys.argv[-2:])

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(socket.SOMAXCONN)

    while True:
        client, _ = listener.accept()

        # A client is here, and will send a byte for every copy that it wants.
        #
        # 1. Receive its requests. Open the file, and send what is in it, piece by piece.
        # 2. When the client has no more requests: print the line, close the connection.
        # 3. Do that for many clients at once. Which of these calls may not wait then?

        print(f"next step: send {os.fsdecode(file)} to the client", file=sys.stderr)
        client.close()


if __name__ == "__main__":
    main()
