"""Exercise 11, reference solution in Python: a server that makes itself a safe place.

Every question is asked of a descriptor, so that the directory that was looked at is the one that is
used. The umask is never changed: it belongs to all that this process will ever make.
"""

import argparse
import fcntl
import os
import signal
import socket
import stat
import sys
import threading

SOCKET = "server.sock"
ENDS = [signal.SIGTERM, signal.SIGINT]


def refuse(why):
    sys.exit(f"a-safe-place: {why}")


def must_be_safe(directory, what):
    """Go on only if the directory is ours and nobody else may write it.

    Who may write a directory decides what the names in it mean.
    """
    found = os.fstat(directory)
    if found.st_uid != os.geteuid():
        refuse(f"{what}: its owner is uid {found.st_uid}, not we")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        refuse(f"{what}: others may write there, its mode is {stat.S_IMODE(found.st_mode):04o}")


def open_runtime_directory(path):
    if path is None:
        refuse("XDG_RUNTIME_DIR is not set")
    if not path.startswith("/"):
        refuse(f'XDG_RUNTIME_DIR is not an absolute path: "{path}"')
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        refuse(f"XDG_RUNTIME_DIR: {error}")
    must_be_safe(directory, "XDG_RUNTIME_DIR")
    return directory


def open_own_directory(runtime, name, mode):
    """Make our directory, or take the one that is there."""
    try:
        os.mkdir(name, mode, dir_fd=runtime)
        # The umask may have taken bits away; chmod is not subject to it.
        os.chmod(name, mode, dir_fd=runtime)
    except FileExistsError:
        pass  # which is said of anything: a link, a file, a directory of somebody else
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    directory = os.open(name, flags, dir_fd=runtime)
    must_be_safe(directory, name)
    return directory


def be_the_only_one(directory, name):
    """One server at a time.

    The lock is on the directory, so there is no file to leave behind, and it lasts exactly as long
    as this process, however that ends.
    """
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        refuse(f"{name}: another server runs there")


def listen_in(directory, path, mode):
    # We hold the lock, so whoever made this name is dead.
    try:
        os.unlink(SOCKET, dir_fd=directory)
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    # Between bind and listen nobody can connect, whatever the mode is meanwhile.
    os.chmod(path, mode)
    listener.listen(socket.SOMAXCONN)
    return listener


def write_log(directory):
    # 0666 is the usual wish; the umask we were started with says what becomes of it.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    log = os.open("log", flags, 0o666, dir_fd=directory)
    os.write(log, b"a client came\n")
    os.close(log)


def serve(listener, directory):
    while True:
        client, _ = listener.accept()
        with client:
            write_log(directory)
            try:
                client.sendall(b"welcome\n")
            # A client that is gone concerns nobody else.
            except ConnectionError as error:
                print(f"a-safe-place: {error}", file=sys.stderr)


def end_when_told(directory):
    """Wait for a signal that ends the program, and leave no name.

    Every thread blocks these signals. A handler written in Python runs between two of its instructions: if
    the signal came just before accept() waits, the handler would wait as long.
    """
    signal.sigwait(ENDS)
    os.unlink(SOCKET, dir_fd=directory)
    os._exit(0)


def run(arguments):
    path = os.environ.get("XDG_RUNTIME_DIR")
    runtime = open_runtime_directory(path)
    directory = open_own_directory(runtime, arguments.name, 0o710 if arguments.group else 0o700)
    be_the_only_one(directory, arguments.name)
    # SIGTERM and Ctrl-C wait for the thread that asks for them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    address = f"{path}/{arguments.name}/{SOCKET}"
    listener = listen_in(directory, address, 0o660 if arguments.group else 0o600)
    threading.Thread(target=end_when_told, args=[directory], daemon=True).start()
    try:
        # A daemon stands in no directory. All of ours are descriptors or absolute paths.
        os.chdir("/")
        print("ready", flush=True)
        serve(listener, directory)
    finally:
        os.unlink(SOCKET, dir_fd=directory)


def main():
    parser = argparse.ArgumentParser(prog="a-safe-place")
    parser.add_argument("--group", action="store_true")
    parser.add_argument("--umask", type=lambda digits: int(digits, 8))
    parser.add_argument("name")
    arguments = parser.parse_args()
    if arguments.umask is not None:
        os.umask(arguments.umask)
    try:
        run(arguments)
    except OSError as error:
        refuse(error)


if __name__ == "__main__":
    main()
