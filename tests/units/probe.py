#!/usr/bin/python3 -B
"""A daemon that tells its first client, in JSON, what the manager made of it.

Words behind the two of the inbox: `silent` never says READY=1, `child` has a child say it, `dies`
ends before it reads a byte, `drops` tries to become nobody.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys


def fails(call, *arguments):
    """The name of the error of a call, or `ok`."""
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def say(words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.connect(os.environ["NOTIFY_SOCKET"])
        manager.send(words)


def mount():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")


def drop():
    """As a daemon does that was started as root and wants to be nobody."""
    return [fails(os.setgroups, []), fails(os.setgid, 65534), fails(os.setuid, 65534)]


def touch(path):
    with open(path, "w"):
        pass
    os.unlink(path)


def read(path):
    with open(path) as file:
        return file.read()


def facts():
    status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    umask = os.umask(0)
    state = os.environ.get("STATE_DIRECTORY", "")
    return {
        "arguments": sys.argv[1:3],
        "uid": os.getuid(),
        "gid": os.getgid(),
        "effective": status["CapEff"].lstrip("0") or "0",
        "bounding": status["CapBnd"].lstrip("0") or "0",
        "no_new_privileges": status["NoNewPrivs"],
        "umask": oct(umask),
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE),
        "listen_fds": os.environ.get("LISTEN_FDS", ""),
        "state": state,
        "state_mode": oct(os.stat(state).st_mode & 0o7777) if state else "",
        "writes_state": fails(touch, state + "/x") if state else "",
        "writes_usr": fails(touch, "/usr/x"),
        "writes_var": fails(touch, "/var/lib/x"),
        "home": os.listdir("/home") if fails(os.listdir, "/home") == "ok" else fails(os.listdir, "/home"),
        "sees_tmp": os.path.exists("/tmp/of-the-machine"),
        "sees_kmsg": os.path.exists("/dev/kmsg"),
        "inet": fails(socket.socket, socket.AF_INET),
        "unix": fails(socket.socket, socket.AF_UNIX),
        "mount": fails(mount) if os.getuid() else "",
        "reads_secret": fails(read, "/etc/inbox/secret"),
        "credential": read(sys.argv[2]) if len(sys.argv) > 2 and fails(read, sys.argv[2]) == "ok" else "",
    }


def main():
    words = sys.argv[3:]
    if not os.environ.get("LISTEN_FDS"):
        sys.exit("no socket")
    door = socket.socket(fileno=3)
    if "dies" in words:
        sys.exit(1)
    if "child" in words:
        if os.fork() == 0:
            say(b"READY=1")
            signal.pause()  # who has gone cannot be told from a stranger
    elif "silent" not in words and "NOTIFY_SOCKET" in os.environ:
        say(b"READY=1")
    clients = []
    while True:
        client, _ = door.accept()
        told = facts()
        if "drops" in words:
            told["drops"] = drop()
        client.sendall(json.dumps(told).encode() + b"\n")
        clients.append(client)


main()
