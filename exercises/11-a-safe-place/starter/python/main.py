"""Exercise 11: a server that makes itself a safe place.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-11
    ipc-mastery hint exercise-11
"""

import argparse
import os
import sys


def main():
    parser = argparse.ArgumentParser(prog="a-safe-place")
    parser.add_argument("--group", action="store_true")
    parser.add_argument("--umask", type=lambda digits: int(digits, 8))
    parser.add_argument("name")
    arguments = parser.parse_args()
    if arguments.umask is not None:
        os.umask(arguments.umask)  # as if it had been started with this one

    # 1. Find the runtime directory: $XDG_RUNTIME_DIR. Is it safe?
    # 2. Make the directory NAME in it, or look at the one that is there.
    # 3. Bind a stream socket to server.sock in there, see to its mode, and listen.
    # 4. Go to /, print `ready`, and say `welcome` to every client, until SIGTERM comes.

    sys.exit(f"next step: find the directory for {arguments.name}")


if __name__ == "__main__":
    main()
