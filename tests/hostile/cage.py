"""The first process of a test's own pid, mount and ipc namespace.

It runs the grader there, as root or as a user that nobody else is, ends it when it is told to, and
tells what is left of it: processes, files and objects that were not there before. Nothing that a
hostile program does reaches the machine. The order comes as JSON on standard input.
"""

import json
import os
import signal
import subprocess
import sys

# How long anything may take, in seconds, however busy the machine is.
OUTER = 120


def processes():
    """The command names of all other living processes here."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                stat = file.read()
        except OSError:
            continue
        if stat[stat.rindex(b")") + 2 :].split()[0] != b"Z":
            found.append(f"{name} {stat[:60]!r}")
    return found


def reap(wait):
    """Buries orphans; with `wait`, until none is left."""
    try:
        while os.waitpid(-1, 0 if wait else os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def objects():
    lines = 0
    for table in ("shm", "msg", "sem"):
        with open(f"/proc/sysvipc/{table}") as file:
            lines += len(file.readlines()) - 1
    return lines


def arenas():
    return [name for name in os.listdir("/tmp") if name.startswith("ipcm-")]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def run(order):
    """One run of the grader."""
    if order["events"]:
        os.mkfifo(order["events"])
        os.chmod(order["events"], 0o666)
        # For writing too, so that there is no end before there is a writer.
        events = os.fdopen(os.open(order["events"], os.O_RDWR), "rb", buffering=0)
    # In memory: the disk may be full on purpose.
    out, err = (os.fdopen(os.memfd_create(name), "wb+") for name in ("out", "err"))
    with out, err:
        user = order["user"]
        who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        neighbour = None
        if order["neighbour"]:
            neighbour = subprocess.Popen(["/usr/bin/python3", "-B", "-c", order["neighbour"]], **who)
        grader = subprocess.Popen(
            order["argv"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=order["env"],
            cwd=order["cwd"],
            **who,
        )
        if order["events"]:
            for _ in range(order["after"]):
                events.readline()
            victims = [grader.pid]
            if order["supervisor_too"]:
                os.kill(grader.pid, signal.SIGSTOP)
                victims += children(grader.pid)
                for victim in victims:
                    os.kill(victim, signal.SIGSTOP)
            for victim in victims:
                os.kill(victim, signal.Signals[order["signal"]])
            os.unlink(order["events"])
        code = grader.wait(OUTER)
        if neighbour:
            neighbour.kill()
            neighbour.wait()
        if code == -signal.SIGKILL and not order["supervisor_too"]:
            # The supervisor cleans up by itself; it and all it reaps end up as our children.
            reap(wait=True)
        reap(wait=False)
        out.seek(0)
        err.seek(0)
        return {
            "code": code,
            "stdout": out.read().decode(),
            "stderr": err.read().decode(),
            "processes": processes(),
            "arenas": arenas(),
            "objects": objects(),
            "shared": os.listdir("/dev/shm"),
        }


def main():
    order = json.load(sys.stdin)
    for words in order["mounts"]:
        subprocess.run(["mount", *words], check=True)
    signal.alarm(OUTER)
    print(json.dumps([run(one) for one in order["runs"]]))


main()
