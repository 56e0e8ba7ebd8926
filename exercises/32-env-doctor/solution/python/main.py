"""Exercise 32, reference solution in Python: variables that lead nowhere, and where they went wrong.

A value is a name, and what a name is worth only connect(2) can say. So this program looks the
variables up as getenv(3) would, and asks the kernel about each name; it never sends a byte. Names
and values are bytes from the beginning to the end.
"""

import errno
import os
import re
import socket
import stat
import sys

# struct sockaddr_un has room for so many bytes of a path, beside its NUL.
LONGEST = 107

ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")


class Snapshot:
    """The environment of one process, as /proc/PID/environ shows it."""

    def __init__(self, strings):
        self.strings = strings

    def value(self, name):
        """Return what getenv(3) would: the first one counts. None: there is none."""
        for string in self.strings:
            key, equals, value = string.partition(b"=")
            if equals and key == name:
                return value
        return None


def read_snapshots():
    """Read strings that end with a NUL; an empty one ends a snapshot."""
    strings = sys.stdin.buffer.read().split(b"\0")
    if not strings[-1]:
        strings.pop()  # what follows the last NUL is no string
    snapshots = [[]]
    for string in strings:
        if string:
            snapshots[-1].append(string)
        else:
            snapshots.append([])
    return [Snapshot(strings) for strings in snapshots]


def ask(address):
    """Ask the only one who knows. Nothing is sent: whoever listens sees a client come and go."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        # A connection that would have to wait in a full queue is an answer too.
        asking.setblocking(False)
        try:
            asking.connect(address)
        except BlockingIOError:
            return "ok"
        except ConnectionRefusedError:
            return "stale"
        except PermissionError:
            return "denied"
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except OSError as error:
            if error.errno == errno.EPROTOTYPE:
                return "other-type"
            raise
    return "ok"


class Doctor:
    """Looks at the variables of one snapshot. `root` stands in front of every name."""

    def __init__(self, root, snapshot):
        self.root = root
        self.snapshot = snapshot

    def socket_at(self, path):
        """Tell what is at an absolute path, when it should be a socket."""
        if not path.startswith(b"/"):
            return "relative"
        whole = self.root + path
        if len(whole) > LONGEST:
            return "too-long"
        try:
            mode = os.stat(whole).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except PermissionError:
            return "denied"
        # connect() says ECONNREFUSED for a file that is no socket, too.
        return ask(whole) if stat.S_ISSOCK(mode) else "not-a-socket"

    def socket_named(self, name):
        """Tell what an abstract name is worth: a NUL and all bytes that follow, and no other."""
        whole = self.root + name
        return "too-long" if len(whole) > LONGEST else ask(b"\0" + whole)

    def directory_state(self, path):
        if path is None:
            return "unset"
        if not path:
            return "empty"
        if not path.startswith(b"/"):
            return "relative"
        try:
            mode = os.stat(self.root + path).st_mode
        except PermissionError:
            return "denied"
        except OSError:
            return "missing"
        return "ok" if stat.S_ISDIR(mode) else "not-a-directory"

    def display_state(self, display):
        """WAYLAND_DISPLAY: a path, or a name in the runtime directory of the same environment."""
        if display.startswith(b"/"):
            return self.socket_at(display)
        directory = self.snapshot.value(b"XDG_RUNTIME_DIR")
        if self.directory_state(directory) != "ok":
            return "no-runtime-dir"
        return self.socket_at(directory + b"/" + display)

    def bus_at(self, address):
        """One address of the bus, as in unix:path=/run/bus,guid=0123."""
        transport, _, pairs = address.partition(b":")
        if transport == b"unix":
            for pair in pairs.split(b","):
                key, _, value = pair.partition(b"=")
                value = ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), value)
                if key == b"path":
                    return self.socket_at(value)
                if key == b"abstract":
                    return self.socket_named(value)
        return "not-unix"

    def bus_state(self, addresses):
        """A list: its addresses are tried in order, and the first that answers is taken."""
        states = [self.bus_at(address) for address in addresses.split(b";")]
        return "ok" if "ok" in states else states[0]

    def state_of(self, name):
        value = self.snapshot.value(name)
        if value is None:
            return "unset"
        if not value:
            return "empty"
        if name == b"XDG_RUNTIME_DIR":
            return self.directory_state(value)
        if name == b"WAYLAND_DISPLAY":
            return self.display_state(value)
        if name == b"DBUS_SESSION_BUS_ADDRESS":
            return self.bus_state(value)
        return self.socket_at(value)


def broken_link(snapshots, name, well):
    """Name the place where the pane's value went wrong on its way from the session."""
    pane, server, session = (snapshot.value(name) for snapshot in snapshots)
    if pane == session:
        return "-" if well else "session"
    return "server" if pane == server else "pane"


def main():
    if len(sys.argv) < 2:
        print("usage: env-doctor ROOT NAME... < SNAPSHOTS", file=sys.stderr)
        sys.exit(2)
    # The arguments were bytes before Python made text of them.
    root, *names = map(os.fsencode, sys.argv[1:])
    snapshots = read_snapshots()
    doctor = Doctor(root, snapshots[0])
    healthy = True
    for name in names:
        state = doctor.state_of(name)
        well = state == "ok"
        words = [name, state.encode()]
        if len(snapshots) == 3:
            link = broken_link(snapshots, name, well)
            words.append(link.encode())
            well = well and link == "-"
        sys.stdout.buffer.write(b" ".join(words) + b"\n")
        healthy = healthy and well
    sys.stdout.buffer.flush()
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    main()
