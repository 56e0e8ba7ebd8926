"""Exercise 35: the inbox as a service, with a queue for every user.

README.md says what to build and exactly what is tested.

    ipc-mastery check exercise-35
    ipc-mastery hint exercise-35
"""

import os
import sys

SO_PEERGROUPS = 59  # the socket module has no name for it


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: inbox-service GROUP SECRET-FILE")
    group, secret_file = sys.argv[1:]
    print(f"group {group}, secret in {secret_file}", file=sys.stderr)
    for name in "LISTEN_FDS", "STATE_DIRECTORY":
        print(f"{name}={os.environ.get(name, '(not set)')}", file=sys.stderr)

    # 1. Look at what you were given: descriptor 3 listens already.
    # 2. Load the queues from STATE_DIRECTORY, and say READY=1.
    # 3. Serve all clients at once, as in exercise 20, with the commands of README.md.

    sys.exit("next step: accept() on descriptor 3")


if __name__ == "__main__":
    main()
