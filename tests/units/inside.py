"""Runs as root in a booted container (boot.sh): shows of the units of exercise 36, and of units with one
fault each, what the exercise says of them. One line for each claim: `ok CLAIM` or `WRONG CLAIM: …`.
"""

import json
import os
import pwd
import re
import select
import socket
import struct
import subprocess
import sys
import time
import traceback

UNITS = "/etc/systemd/system"
AMY, BOB = pwd.getpwnam("amy"), pwd.getpwnam("bob")  # a member of the group inbox, and a stranger
PATIENCE = 40
# Five starts in five minutes and no more, however slow the machine is.
LIMITED = ("[Service]", "StartLimitIntervalSec=300\n[Service]")


def claim(words, got, wanted=True):
    good = wanted(got) if callable(wanted) else got == wanted
    told = "" if callable(wanted) else f", not {wanted!r}"
    print(f"ok {words}" if good else f"WRONG {words}: {got!r}{told}", flush=True)


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False)


def ctl(*words):
    return run("systemctl", "--no-pager", *words)


def prop(unit, name):
    return ctl("show", "--value", "-p", name, unit).stdout.strip()


def until(question, wanted):
    """Asks until the answer comes, or patience ends; the last answer."""
    deadline = time.monotonic() + PATIENCE
    while (got := question()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return got


def active(unit):
    return prop(unit, "ActiveState")


def as_user(user, action, *arguments):
    """What `action` returns when a process of that user does it, or the error's name."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            said = action(*arguments)
        except OSError as error:
            said = type(error).__name__ if error.errno is None else os.strerror(error.errno)
        except Exception:  # it is told, and is wrong
            said = traceback.format_exc()
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = json.load(stream)
    os.waitpid(child, 0)
    return said


# --- clients -----------------------------------------------------------------------------------------


class Inbox:
    def __init__(self, path="/run/inbox/inbox.sock"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("the inbox hung up")
            data += part
        return data

    def command(self, words):
        self.socket.sendall(struct.pack("!I", len(words)) + words)

    def frame(self):
        return self.exactly(struct.unpack("!I", self.exactly(4))[0]).decode()

    def status(self):
        return struct.unpack("!I", self.exactly(4))[0]


def ping():
    inbox = Inbox()
    inbox.command(b"PING")
    return inbox.frame()


def send(uid, text):
    inbox = Inbox()
    inbox.command(f"SEND {uid} {text}".encode())
    return inbox.status()


def take():
    inbox = Inbox()
    inbox.command(b"TAKE")
    status = inbox.status()
    return inbox.frame() if status == 0 else status


def secret():
    inbox = Inbox()
    inbox.command(b"SECRET")
    data, descriptors, _, _ = socket.recv_fds(inbox.socket, 4, 4)
    return [struct.unpack("!I", data)[0], *(os.pread(fd, 100, 0).decode() for fd in descriptors)]


def connects(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    return "connected"


def facts(path):
    """What the probe tells of itself."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(path)
        with client.makefile() as stream:
            try:
                return json.loads(stream.readline() or "{}")
            except ConnectionError:
                return {}


# --- units with one fault ----------------------------------------------------------------------------


class Variant:
    """The two units under another name, with the probe for a daemon and edits of their lines."""

    def __init__(self, name, socket=(), service=(), words=""):
        self.service, self.socket = f"{name}.service", f"{name}.socket"
        self.path = f"/run/{name}/inbox.sock"
        own = [("/run/inbox/", f"/run/{name}/"), ("=inbox.socket", f"={name}.socket"), ("Directory=inbox", f"Directory={name}")]
        own += [("inbox.service", f"{name}.service")]
        probe = [("/inbox-service 870 %d/secret", "/probe.py 870 %d/secret " + words)]
        self.write("inbox.socket", self.socket, [*socket, *own])
        self.write("inbox.service", self.service, [*service, *probe, *own])

    def write(self, model, unit, edits):
        with open(f"{UNITS}/{model}") as file:
            text = re.sub(r"(?m)^#.*\n", "", file.read())
        for line, other in edits:
            text = text + other + "\n" if line == "" else text.replace(line, other)
        with open(f"{UNITS}/{unit}", "w") as file:
            file.write(text)

    def start(self):
        ctl("daemon-reload")
        ctl("start", self.socket)
        return self

    def facts(self, user=None):
        told = as_user(user, facts, self.path) if user else facts(self.path)
        if "uid" not in told:
            print(told, run("journalctl", "--no-pager", "-u", self.service).stdout, file=sys.stderr, flush=True)
        return told

    def mode(self):
        return run("stat", "-c", "%a %U:%G", self.path).stdout.strip()


# --- the reference -----------------------------------------------------------------------------------


def entries(**fields):
    """Journal entries of the inbox with these fields, once the journal has one."""
    words = [f"{name}={value}" for name, value in fields.items()]
    asked = ["journalctl", "--no-pager", "-o", "json", "-u", "inbox.service", *words]
    with subprocess.Popen([*asked, "--follow", "--lines=all"], stdout=subprocess.PIPE) as follows:
        select.select([follows.stdout], [], [], PATIENCE)
        follows.kill()
    run("journalctl", "--sync")
    return [json.loads(line) for line in run(*asked).stdout.splitlines()]


def reference():
    socket_path = "/run/inbox/inbox.sock"
    ctl("enable", "inbox.socket")
    claim("enabled, it is wanted by sockets.target", os.path.islink(f"{UNITS}/sockets.target.wants/inbox.socket"))
    ctl("start", "sockets.target")
    ctl("start", "inbox.socket")
    claim("the socket is there before any daemon", [active("inbox.socket"), active("inbox.service")], ["active", "inactive"])
    claim("its name is 0660 root:inbox", run("stat", "-c", "%a %U:%G", socket_path).stdout.strip(), "660 root:inbox")
    claim("its directory is 0755", run("stat", "-c", "%a", "/run/inbox").stdout.strip(), "755")
    claim("a stranger is refused at connect()", as_user(BOB, connects, socket_path), "Permission denied")
    claim("a stranger starts no daemon", active("inbox.service"), "inactive")
    claim("a member's PING starts the daemon", as_user(AMY, ping), "PONG")
    claim("then the service is active", until(lambda: active("inbox.service"), "active"), "active")
    pid = int(prop("inbox.service", "MainPID"))
    status = dict(line.rstrip("\n").split(":\t", 1) for line in open(f"/proc/{pid}/status") if ":\t" in line)
    claim("it runs as the user inbox", status["Uid"].split(), ["870"] * 4)
    claim("it has no capabilities, and no bounding set", [int(status[f"Cap{name}"], 16) for name in ("Eff", "Prm", "Inh", "Amb", "Bnd")], [0] * 5)
    claim("it has no_new_privs and a filter of calls", [status["NoNewPrivs"], status["Seccomp"]], ["1", "2"])
    claim("it may open 4096 descriptors", re.search(r"open files +(\d+) +(\d+)", open(f"/proc/{pid}/limits").read()).groups(), ("4096", "4096"))
    claim("a member gets the secret, which came by LoadCredential", as_user(AMY, secret), [0, "a secret of the tester\n"])
    claim("a member sends", as_user(AMY, send, AMY.pw_uid, "one"), 0)
    ctl("kill", "-s", "KILL", "inbox.service")
    claim("killed, it is started anew by itself", until(lambda: int(prop("inbox.service", "NRestarts") or 0) >= 1 and active("inbox.service"), "active"), "active")
    claim("another process serves", int(prop("inbox.service", "MainPID")) not in (0, pid))
    claim("what was sent outlives SIGKILL", as_user(AMY, take), f"{AMY.pw_uid} one")
    claim("a member sends again", as_user(AMY, send, AMY.pw_uid, "two"), 0)
    inode = os.stat(socket_path).st_ino
    ctl("stop", "inbox.service")
    claim("stopped, it is inactive and not failed", active("inbox.service"), "inactive")
    claim("the socket outlives the service", [active("inbox.socket"), os.stat(socket_path).st_ino], ["active", inode])
    claim("the next client starts it again, and finds what was sent", as_user(AMY, take), f"{AMY.pw_uid} two")
    session()
    audit()
    ctl("stop", "inbox.service", "inbox.socket")
    ctl("start", "inbox.service")
    claim("started by hand, the service brings its socket along", [active("inbox.socket"), active("inbox.service")], ["active", "active"])
    ctl("stop", "inbox.service", "inbox.socket")


def session():
    """A user logs in, sends, and is thrown out: the message is still there."""
    client = "import signal, socket, struct, sys; s = socket.socket(socket.AF_UNIX); s.connect('/run/inbox/inbox.sock'); words = b'SEND %d three'; s.sendall(struct.pack('!I', len(words)) + words); print(*s.recv(4), flush=True); signal.pause()"
    run("systemd-run", "--unit=login-of-amy", "-p", "User=amy", "-p", "PAMName=login", "-p", "StandardOutput=file:/run/of-amy", "python3", "-c", client % AMY.pw_uid)
    answered = until(lambda: open("/run/of-amy").read() if os.path.exists("/run/of-amy") else "", "0 0 0 0\n")
    claim("a user who is logged in sends", answered, "0 0 0 0\n")
    logged_in = lambda: "amy" in run("loginctl", "--no-legend", "list-users").stdout
    claim("it is a session", logged_in())
    run("loginctl", "terminate-user", "amy")
    ctl("stop", "login-of-amy.service")
    claim("the user's processes are gone", until(lambda: run("pgrep", "-u", "amy").stdout, ""), "")
    claim("the queue outlives the session", as_user(AMY, take), f"{AMY.pw_uid} three")


def audit():
    """The records that the daemon wrote, and what the journal knows of the writer."""
    found = entries(INBOX_EVENT="connect", INBOX_UID=AMY.pw_uid)
    claim("the journal has the records of who connected", len(found) >= 3)
    entry = found[0] if found else {}
    claim("_UID is the daemon's, which the kernel attests", entry.get("_UID"), "870")
    claim("INBOX_UID is the client's, which the daemon says", entry.get("INBOX_UID"), str(AMY.pw_uid))
    claim("the journal knows the unit", entry.get("_SYSTEMD_UNIT"), "inbox.service")


# --- what settings do --------------------------------------------------------------------------------


def hardening():
    """The reference's settings, seen from inside, and a service without any."""
    open("/tmp/of-the-machine", "w").close()
    got = Variant("right").start().facts(AMY)
    claim("%d is the directory of the credential", got["arguments"][1], "/run/credentials/right.service/secret")
    claim("the daemon reads its credential", got["credential"], "a secret of the tester\n")
    claim("it cannot read the file that it came from", got["reads_secret"], "EACCES")
    claim("the state directory is its own, 0700", [got["state"], got["state_mode"], got["writes_state"]], ["/var/lib/right", "0o700", "ok"])
    claim("the rest of the system is read-only", [got["writes_usr"], got["writes_var"]], ["EROFS", "EROFS"])
    claim("homes are hidden, and empty", got["home"], lambda home: home in ("EACCES", []))
    claim("it has a /tmp and a /dev of its own", [got["sees_tmp"], got["sees_kmsg"]], [False, False])
    claim("it makes sockets of AF_UNIX and of no other family", [got["unix"], got["inet"]], ["ok", "EAFNOSUPPORT"])
    claim("its umask is 0077", got["umask"], "0o77")
    claim("a call that the filter refuses gives EPERM", got["mount"], "EPERM")

    bare = "[Service]\nType=notify\nExecStart=/usr/local/lib/inbox/probe.py 870 %d/secret\n"
    naive = Variant("naive")
    with open(f"{UNITS}/naive.service", "w") as file:
        file.write(bare)
    got = naive.start().facts()
    claim("without User= it is root, with all capabilities", [got["uid"], got["bounding"] == got["effective"], got["no_new_privileges"]], [0, True, "0"])
    claim("without ProtectSystem= it writes /usr", got["writes_usr"], "ok")
    claim("without ProtectHome= it sees who lives here", got["home"], lambda home: "amy" in home)
    claim("without PrivateTmp= and PrivateDevices= it sees the machine's", [got["sees_tmp"]], [True])
    claim("without RestrictAddressFamilies= it reaches the network", got["inet"], "ok")
    claim("without LimitNOFILE= the soft limit is 1024", got["descriptors"][0], 1024)
    claim("without UMask= it is 022", got["umask"], "0o22")
    claim("without StateDirectory= nothing says where the state is", got["state"], "")
    claim("without LoadCredential= there is none", got["credential"], "")

    got = Variant("stateless", service=[("StateDirectory=inbox", ""), ("StateDirectoryMode=0700", "")]).start().facts(AMY)
    claim("strict without StateDirectory= leaves nowhere to write", got["writes_var"], "EROFS")
    got = Variant("wide", service=[("StateDirectoryMode=0700", "")]).start().facts(AMY)
    claim("without StateDirectoryMode= it is 0755", got["state_mode"], "0o755")
    got = Variant("group", service=[("870 %d", "%G %d"), ("/inbox-service %G %d/secret", "/probe.py %G %d/secret")]).start().facts(AMY)
    claim("%G is the manager's group, 0, whatever Group= says", [got["arguments"][0], got["gid"]], ["0", 870])
    got = Variant("plus", service=[("=/usr/local/lib", "=+/usr/local/lib")]).start().facts(AMY)
    claim("with + in front it is root, and writes /usr, makes sockets of AF_INET and mounts", [got["uid"], got["effective"] != "0", got["writes_usr"], got["inet"]], [0, True, "ok", "ok"])
    got = Variant("implied", service=[("NoNewPrivileges=yes", "")]).start().facts(AMY)
    # From 255 on it is in place before the manager becomes the user, and implies nothing.
    old = int(re.search(r"systemd v?(\d+)", ctl("--version").stdout).group(1)) < 255
    claim("before systemd 255 a filter of calls implies no_new_privs for a user", not old or got["no_new_privileges"] == "1")
    got = Variant("misspelt", service=[("ProtectHome=", "ProtectHomes=")]).start().facts(AMY)
    claim("a service with a misspelt setting starts without it", "amy" in got["home"])
    got = Variant("variable", service=[("%d/", "${CREDENTIALS_DIRECTORY}/"), ("/inbox-service 870 ${CREDENTIALS_DIRECTORY}/secret", "/probe.py 870 ${CREDENTIALS_DIRECTORY}/secret")]).start().facts(AMY)
    claim("the variable says the same as %d", got["credential"], "a secret of the tester\n")
    got = Variant("bare", service=[("%d/", "$CREDENTIALS_DIRECTORY/"), ("/inbox-service 870 $", "/probe.py 870 $")]).start().facts(AMY)
    claim("$NAME at the beginning of a longer word is no variable that is set, and the word is gone", got["arguments"], ["870"])
    got = Variant("shells", service=[("/inbox-service 870 %d/secret", "/probe.py $(id -g)")]).start().facts(AMY)
    claim("nor is $(id, of which the rest is passed on", got["arguments"], ["-g)"])
    got = Variant("error", service=[("SystemCallErrorNumber=EPERM\n", ""), ("=~@privileged", "=~@privileged\nSystemCallFilter=~mount:EPERM")]).start().facts(AMY)
    claim("a call with an error of its own is refused, in a list of what is allowed too", got["mount"], "EPERM")
    got = Variant("dynamic", service=[("User=inbox\n", "User=inbox\nDynamicUser=yes\n"), ("PrivateTmp=yes", "")]).start().facts(AMY)
    claim("DynamicUser= implies PrivateTmp=", got["sees_tmp"], False)
    v = Variant("none", service=[("RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies=none"), ("Restart=on-failure", "")])
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("without AF_UNIX the daemon cannot say READY=1", prop(v.service, "Result"), lambda result: result not in ("", "success"))
    v = Variant("narrowed", service=[("=~@privileged", "=~@privileged accept4"), ("SystemCallErrorNumber=EPERM\n", ""), ("Restart=on-failure", "")])
    ctl("daemon-reload")
    ctl("start", v.service)  # it calls accept4() as soon as it is ready
    claim("a filter without SystemCallErrorNumber= kills", [until(lambda: active(v.service), "failed"), prop(v.service, "Result")], lambda got: got in (["failed", "core-dump"], ["failed", "signal"]))
    got = Variant("ambient", service=[("CapabilityBoundingSet=\n", "CapabilityBoundingSet=CAP_NET_ADMIN\n"), ("AmbientCapabilities=", "AmbientCapabilities=CAP_NET_ADMIN")]).start().facts(AMY)
    claim("AmbientCapabilities= gives the capability to the user inbox", got["effective"], "1000")
    filters = "SystemCallFilter=@system-service SystemCallFilter=~@privileged RestrictAddressFamilies=AF_UNIX SystemCallErrorNumber=EPERM SystemCallArchitectures=native"
    extras = "NoNewPrivileges LockPersonality MemoryDenyWriteExecute PrivateDevices ProtectClock ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables RestrictNamespaces RestrictRealtime RestrictSUIDSGID"
    lines = filters.split() + [f"{name}=yes" for name in extras.split()]
    got = Variant("weak", service=[(line + "\n", "") for line in lines]).start().facts(AMY)
    claim("User= alone sets no no_new_privs", got["no_new_privileges"], "0")
    root = [("User=inbox", "User=root"), ("NoNewPrivileges=yes", ""), ("SystemCallFilter=@system-service", ""), ("SystemCallFilter=~@privileged", "")]
    got = Variant("cannot", service=[*root, ("CapabilityBoundingSet=\n", "CapabilityBoundingSet=CAP_NET_ADMIN CAP_DAC_OVERRIDE\n"), ("ProtectHome=yes", "ProtectHome=no")], words="drops").start().facts()
    claim("root without CAP_SETUID and CAP_SETGID cannot become anybody else", got.get("drops"), ["EPERM"] * 3)


def doors():
    """What the socket's settings do."""
    claim("without SocketMode= the name is 0666", Variant("open", socket=[("SocketMode=0660\n", "")]).start().mode(), "666 root:inbox")
    claim("then a stranger connects", as_user(BOB, connects, "/run/open/inbox.sock"), "connected")
    claim("without SocketGroup= it is root's", (v := Variant("roots", socket=[("SocketGroup=inbox\n", "")]).start()).mode(), "660 root:root")
    claim("then a member is refused", as_user(AMY, connects, v.path), "Permission denied")
    v = Variant("narrow", socket=[("SocketMode=0660", "SocketMode=0660\nDirectoryMode=0700")]).start()
    claim("DirectoryMode=0700 keeps members out", [v.mode(), as_user(AMY, connects, v.path)], ["660 root:inbox", "Permission denied"])
    v = Variant("limit", socket=[("Accept=no", "Accept=no\nMaxConnections=1")]).start()
    v.facts(AMY)
    first = [connected(v.path) for _ in range(5)]
    claim("MaxConnections= limits nothing without Accept=yes", len(first), 5)
    v = Variant("each", socket=[("Accept=no", "Accept=yes")])
    ctl("daemon-reload")
    ctl("start", v.socket)
    claim("Accept=yes wants a template each@.service; without one, every client is hung up on", facts(v.path), {})
    claim("and the service is never started", active(v.service), "inactive")


def connected(path):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    return client


def lifetimes():
    """Who takes whom along."""
    edits = ("PartOf=part.service", "BindsTo=bound.service", "Requires=needs.service", "Requisite=timid.service", "StopPropagatedFrom=hears.service")
    for edit in edits:
        name = edit.split("=")[1].split(".")[0]
        v = Variant(name, socket=[("[Socket]", f"{edit}\n[Socket]")]).start()
        v.facts(AMY)
        before = active(v.socket)
        ctl("stop", v.service)
        claim(f"{edit.split('=')[0]}= in the socket: with the service the socket is stopped", [before, until(lambda: active(v.socket), "inactive")], ["active", "inactive"])
    v = Variant("spread", service=[("[Service]", "PropagatesStopTo=spread.socket\n[Service]")]).start()
    v.facts(AMY)
    ctl("stop", v.service)
    claim("PropagatesStopTo= does the same", until(lambda: active(v.socket), "inactive"), "inactive")
    v = Variant("runtime", service=[("UMask=0077", "UMask=0077\nRuntimeDirectory=runtime")]).start()
    claim("with RuntimeDirectory= the name is there at first", os.path.exists(v.path))
    got = v.facts()
    ctl("stop", v.service)
    claim("RuntimeDirectory= takes the name with it, and systemd still listens", [os.path.exists(v.path), active(v.socket)], [False, "active"])
    v = Variant("sweeps", service=[("UMask=0077", "UMask=0077\nExecStopPost=+/bin/rm -f /run/sweeps/inbox.sock")]).start()
    v.facts(AMY)
    ctl("stop", v.service)
    claim("who removes the name leaves a socket that nobody finds", [os.path.exists(v.path), active(v.socket)], [False, "active"])
    v = Variant("alone", service=[("Requires=inbox.socket", "")])
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("started by hand without Requires= there is no socket", [active(v.socket), active(v.service) == "active"], ["inactive", False])


def readiness():
    """When a service counts as started, and who may say so."""
    short = ("Type=notify", "Type=notify\nTimeoutStartSec=2")
    v = Variant("silent", service=[short, ("Restart=on-failure", "")], words="silent")
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("a daemon that never says READY=1 is not started", [prop(v.service, "Result"), active(v.service)], ["timeout", "failed"])
    v = Variant("child", service=[short, ("Restart=on-failure", "")], words="child")
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("NotifyAccess=main does not believe a child", prop(v.service, "Result"), "timeout")
    v = Variant("anyone", service=[("Type=notify", "Type=notify\nTimeoutStartSec=30"), ("NotifyAccess=main", "NotifyAccess=all")], words="child")
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("NotifyAccess=all believes a child", active(v.service), "active")
    v = Variant("simple", service=[("Type=notify", "Type=simple"), ("NotifyAccess=main", "")], words="silent")
    ctl("daemon-reload")
    ctl("start", v.service)
    claim("Type=simple is active though nobody said so", active(v.service), "active")
    v = Variant("down", service=[("Restart=on-failure", "Restart=no")]).start()
    v.facts(AMY)
    ctl("kill", "-s", "KILL", v.service)
    claim("without Restart= a killed service stays failed", until(lambda: active(v.service), "failed"), "failed")
    claim("until the next client comes", v.facts(AMY).get("uid"), 870)
    v = Variant("minus", service=[("=/usr/local/lib", "=-/usr/local/lib")]).start()
    v.facts(AMY)
    ctl("kill", "-s", "KILL", v.service)
    claim("with - in front a killed daemon is no failure, and nothing starts it anew", [until(lambda: active(v.service), "inactive"), prop(v.service, "NRestarts")], ["inactive", "0"])
    v = Variant("always", service=[("Restart=on-failure", "Restart=always")]).start()
    v.facts(AMY)
    ctl("stop", v.service)
    claim("not even Restart=always starts what was stopped by hand", active(v.service), "inactive")
    v = Variant("dies", service=[LIMITED], words="dies").start()
    try:
        client = connected(v.path)
        until(lambda: prop(v.socket, "Result"), "service-start-limit-hit")
        client.close()
    except OSError:
        pass
    claim("a daemon that dies at once again and again takes its socket along", [prop(v.service, "Result") != "success", active(v.socket)], [True, "failed"])


for part in (reference, hardening, doors, lifetimes, readiness):
    begun = time.monotonic()
    try:
        part()
    except Exception:
        print(f"WRONG {part.__name__}: {traceback.format_exc()}".replace("\n", " | "), flush=True)
    print(f"# {part.__name__}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
print("end", flush=True)
