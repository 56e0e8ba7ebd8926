"""Exercise 32: variables that lead nowhere, and where they went wrong.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-32
    ipc-mastery hint exercise-32
"""

import os
import sys


def main():
    if len(sys.argv) < 2:
        print("usage: env-doctor ROOT NAME... < SNAPSHOTS", file=sys.stderr)
        sys.exit(2)
    # The arguments were bytes before Python made text of them. `root` stands in front of every name
    # that is looked up.
    _root, *names = map(os.fsencode, sys.argv[1:])
    data = sys.stdin.buffer.read()

    # The input is NAME=VALUE, NUL, NAME=VALUE, NUL ...
    #
    # 1. Take the strings apart.
    # 2. For each name, find the first string that begins with it and `=`.
    # 3. Write one line to sys.stdout.buffer: NAME STATE. The first stage asks for `unset` and
    #    `empty` only.
    sys.exit(f"next step: look {len(names)} names up in {len(data)} bytes")


if __name__ == "__main__":
    main()
