"""The text of exercise 30: lines that come in as calls, and answers that go out as lines.

Nothing here knows what a socket is, and nothing needs to be changed. serve() calls

    kernel.call(who, name, arguments)

for each line: `A: bind 3 path:p` is call("A", "bind", {"fd": 3, "address": Address(...)}), and
`collect`, which nobody calls, is call(None, "collect", {}). The arguments of each call are in CALLS
below. What call() returns is written as the answer:

    0                           a number
    Fd(3), Fds(3, 4)            new descriptors
    Child("B")                  a new process, or one that ended
    Received(5, b"hello")       what recv and read got
    Name(b"p"), Name(None)      what getsockname and getpeername say
    Credentials("A", 0, 0)      what getsockopt says to peercred
    Ready({"in", "out"})        what poll says

A call that fails raises Errno("EAGAIN"), one that would sleep raises Asleep().
"""

import re
import sys
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

# ---- what comes in -------------------------------------------------------------------------------


class Address(NamedTuple):
    """A struct sockaddr_un as a program passes it: nothing says that it makes sense.

    `path` is what sun_path begins with; zeros follow. `length` is addrlen, and counts the two bytes
    of the family, too. An abstract name begins with a zero byte.
    """

    family: str  # "unix", "unspec" or "inet"
    path: bytes
    length: int  # may be any number


class Rights(NamedTuple):
    """SCM_RIGHTS: numbers of descriptors. It is sent and received."""

    fds: list

    def __str__(self):
        return "rights=" + ",".join(map(str, self.fds))


class Claim(NamedTuple):
    """SCM_CREDENTIALS as it is sent: who a sender says it is."""

    process: str  # "A" for process A; "self" for the caller, "nobody" for a number without process
    uid: int
    gid: int


# ---- what goes out -------------------------------------------------------------------------------


class Errno(Exception):
    """The call fails: raise Errno("EBADF")."""

    def __str__(self):
        return f"-1 {self.args[0]}"


class Asleep(Exception):
    """The call would sleep."""

    def __str__(self):
        return "asleep"


class Fd(int):
    def __str__(self):
        return f"fd {int(self)}"


class Fds(NamedTuple):
    first: int
    second: int

    def __str__(self):
        return f"fds {self.first} {self.second}"


class Child(str):
    def __str__(self):
        return "process " + self[:]


class Name(NamedTuple):
    """The name of a socket: the bytes of a path, or a zero byte and an abstract name."""

    name: Optional[bytes]

    def __str__(self):
        return "name " + ("none" if self.name is None else name_text(self.name))


class Credentials(NamedTuple):
    """A struct ucred; a process of None is the number 0."""

    process: Optional[str]
    uid: int
    gid: int

    def __str__(self):
        return f"creds {self.process or 'none'},{self.uid},{self.gid}"


class Identity(NamedTuple):
    """SCM_CREDENTIALS as it is received, of which so many bytes fitted."""

    of: Credentials
    fit: int = 12

    def __str__(self):
        process, uid, gid = self.of if self.fit >= 4 else (None, 0, 0)
        uid, gid = uid if self.fit >= 8 else 0, gid if self.fit >= 12 else 0
        cut = "" if self.fit == 12 else f" creds-fit={self.fit}"
        return f"creds={process or 'none'},{uid},{gid}{cut}"


class Ready(frozenset):
    """What poll says: any of these words."""

    WORDS = "in", "out", "err", "hup", "rdhup", "nval"

    def __str__(self):
        return " ".join(["poll", *sorted(self, key=self.WORDS.index)])


@dataclass
class Received:
    """What recv and read got. `count` is what the call returns, mostly the length of `data`."""

    count: int
    data: bytes
    sender: Optional[bytes] = None  # the sender's name
    flags: set = field(default_factory=set)  # any of "trunc", "ctrunc"
    control: list = field(default_factory=list)  # of Identity and Rights

    def __str__(self):
        words = [str(self.count), quoted(self.data)]
        if self.sender is not None:
            words.append("from=" + name_text(self.sender))
        words += [flag for flag in ("trunc", "ctrunc") if flag in self.flags]
        return " ".join([*words, *map(str, self.control)])


def name_text(name):
    kind, rest = ("abstract:", name[1:]) if name[:1] == b"\0" else ("path:", name)
    bare = rest and all(33 <= byte <= 126 and byte not in b'"\\' for byte in rest)
    return kind + (rest.decode() if bare else quoted(rest))


WRITTEN = {byte: chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02x}" for byte in range(256)}
WRITTEN |= {0: "\\0", 9: "\\t", 10: "\\n", 34: '\\"', 92: "\\\\"}


def quoted(data):
    return '"' + "".join([WRITTEN[byte] for byte in data]) + '"'


# ---- how a line is read --------------------------------------------------------------------------

MOST = 1 << 24  # bytes that are sent or asked for at once
NUMBER = re.compile(r"-?[0-9]{1,10}")
# A word has no blanks but between quotes. A quote that is never closed is a word that nobody knows.
WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+|"')
QUOTED = re.compile(r'"((?:[^"\\]|\\[nt0\\"]|\\x[0-9a-fA-F]{2})*)"')
ESCAPE = re.compile(r"\\(x..|.)")
ESCAPED = {"n": "\n", "t": "\t", "0": "\0"}


def number(text):
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def count(text):
    if not 0 <= number(text) < 1 << 31:
        raise ValueError(text)
    return int(text)


def offset(text):
    if count(text) > MOST:
        raise ValueError(text)
    return int(text)


def one_of(*words):
    def read(text):
        if text not in words:
            raise ValueError(text)
        return text

    return read


def on_or_off(text):
    return one_of("on", "off")(text) == "on"


def passcred(text):
    return one_of("passcred=on", "passcred=off")(text) == "passcred=on"


def socket_type(text):
    known = {"stream": 1, "dgram": 2, "raw": 3, "seqpacket": 5}
    return known[text] if text in known else number(text)


def unquoted(text):
    """Return the bytes between the quotes that a text begins with, and what follows them."""
    match = QUOTED.match(text)
    if not match:
        raise ValueError(text)
    plain = ESCAPE.sub(unescaped, match[1]) if "\\" in match[1] else match[1]
    return plain.encode("latin-1"), text[match.end() :]


def unescaped(match):
    escape = match[1]
    return chr(int(escape[1:], 16)) if len(escape) == 3 else ESCAPED.get(escape, escape)


def data(text):
    """`"ab"`, or `"ab"x5` for ababa."""
    unit, times = unquoted(text)
    if not times:
        return unit
    length = count(times[1:])
    if times[0] != "x" or length > MOST or (length and not unit):
        raise ValueError(text)
    return (unit * (length // len(unit) + 1))[:length] if length else b""


def plain_name(text):
    name, rest = unquoted(text) if text.startswith('"') else (text.encode("latin-1"), "")
    if not text or rest:
        raise ValueError(text)
    return name


def address(text):
    kind, _, rest = text.partition(":")
    if kind == "path":
        name = plain_name(rest)
        return Address("unix", name, 2 + len(name) + 1)
    if kind == "abstract":
        name = b"\0" + plain_name(rest)
        return Address("unix", name, 2 + len(name))
    if kind == "raw":
        family, _, rest = rest.partition(":")
        path, length = unquoted(rest)
        if length[:1] != ":":
            raise ValueError(text)
        return Address(one_of("unix", "unspec", "inet")(family), path, number(length[1:]))
    known = {"unnamed": "unix", "unspec": "unspec", "inet": "inet"}
    if text not in known:
        raise ValueError(text)
    return Address(known[text], b"", 2)


def rights(text):
    return Rights([number(fd) for fd in text.split(",")] if text else [])


def claim(text):
    process, uid, gid = text.split(",")
    if process not in ("self", "nobody"):
        letter(process)
    return Claim(process, number(uid), number(gid))


def letter(text):
    if len(text) != 1 or not "A" <= text <= "Z":
        raise ValueError(text)
    return text


# ---- what calls there are ------------------------------------------------------------------------

FLAG = "flags"  # the word itself goes into the set `flags`
CONTROL = "control"  # what is read goes into the list `control`, in the order of the words
BIRTH = {"nonblock": (False, None), "cloexec": (False, None)}

# For each call its arguments in their order, each with how it is read, and the words that may
# follow, each with what its argument is without it and how its value is read.
CALLS = {
    "socket": ({"kind": socket_type}, {"protocol=": (0, number), **BIRTH}),
    "socketpair": ({"kind": socket_type}, {"protocol=": (0, number), **BIRTH}),
    "dup": ({"fd": number}, {}),
    "dup2": ({"fd": number, "to": number}, {}),
    "close": ({"fd": number}, {}),
    "nonblock": ({"fd": number, "on": on_or_off}, {}),
    "get-nonblock": ({"fd": number}, {}),
    "cloexec": ({"fd": number, "on": on_or_off}, {}),
    "get-cloexec": ({"fd": number}, {}),
    "limit-files": ({"limit": count}, {}),
    "getsockopt": (
        {
            "fd": number,
            "option": one_of(
                "type", "domain", "protocol", "acceptconn", "error", "peercred", "passcred"
            ),
        },
        {},
    ),
    "setsockopt": ({"fd": number, "passcred": passcred}, {}),
    "send": (
        {"fd": number, "data": data},
        {
            **dict.fromkeys(["nosignal", "dontwait"], FLAG),
            "to=": (None, address),
            "rights=": (CONTROL, rights),
            "creds=": (CONTROL, claim),
        },
    ),
    "recv": (
        {"fd": number, "length": count},
        {
            **dict.fromkeys(["peek", "trunc", "dontwait", "cmsg-cloexec"], FLAG),
            "control=": (None, count),  # bytes of room for control messages; None: no buffer
        },
    ),
    "write": ({"fd": number, "data": data}, {}),
    "read": ({"fd": number, "length": count}, {}),
    "inq": ({"fd": number}, {}),
    "shutdown": ({"fd": number, "how": one_of("read", "write", "both", "invalid")}, {}),
    "bind": ({"fd": number, "address": address}, {}),
    "listen": ({"fd": number, "backlog": number}, {}),
    "connect": ({"fd": number, "address": address}, {}),
    "accept": ({"fd": number}, BIRTH),
    "getsockname": ({"fd": number}, {}),
    "getpeername": ({"fd": number}, {}),
    "unlink": ({"path": plain_name}, {}),
    "create": ({"path": plain_name}, {}),
    "open": ({"path": plain_name, "access": one_of("r", "w", "rw")}, {}),
    "seek": ({"fd": number, "offset": offset}, {}),
    "poll": ({"fd": number}, dict.fromkeys(["in", "out", "rdhup"], FLAG)),
    "fork": ({}, {}),
    "exit": ({}, {}),
}


def parse(line):
    """Return who calls, what, and the arguments; ValueError: this is no call that is known."""
    words = WORD.findall(line) if '"' in line else line.split()
    if words == ["collect"]:
        return None, "collect", {}
    if len(words) < 2 or words[0][1:] != ":" or words[1] not in CALLS:
        raise ValueError(line)
    wanted, optional = CALLS[words[1]]
    given = words[2 : 2 + len(wanted)]
    if len(given) < len(wanted):
        raise ValueError(line)
    arguments = {name: read(text) for (name, read), text in zip(wanted.items(), given)}
    if optional:
        read_optional(arguments, optional, words[2 + len(wanted) :])
    elif len(words) > 2 + len(wanted):
        raise ValueError(line)
    return letter(words[0][0]), words[1], arguments


def read_optional(arguments, optional, words):
    for word, what in optional.items():
        if what == FLAG:
            arguments[FLAG] = set()
        elif what[0] == CONTROL:
            arguments[CONTROL] = []
        else:
            arguments[word.rstrip("=")] = what[0]
    for text in words:
        word, equals, value = text.partition("=")
        what = optional.get(word + equals)
        if what is None:
            raise ValueError(text)
        if what == FLAG:
            arguments[FLAG].add(word)
        elif what[0] == CONTROL:
            arguments[CONTROL].append(what[1](value))
        else:
            arguments[word] = what[1](value) if equals else True


# ---- the conversation ----------------------------------------------------------------------------

SETTINGS = {"uid", "gid", "max-dgram-qlen", "somaxconn"}


def settings(line):
    """Return what `boot` says, as arguments for the kernel."""
    pairs = [word.partition("=") for word in line.split()[1:]]
    known = [(key, value) for key, _, value in pairs if key in SETTINGS]
    return {key.replace("-", "_"): int(value) for key, value in known if value.isdecimal()}


def answer(kernel, line):
    try:
        who, name, arguments = parse(line)
    except ValueError:
        return "-1 ENOSYS"
    try:
        return str(kernel.call(who, name, arguments))
    except (Errno, Asleep) as refusal:
        return str(refusal)


def serve(make_kernel):
    """Answer each line until there are no more; `boot` makes a new kernel of what it says."""
    kernel = make_kernel()
    for line in sys.stdin.buffer:
        text = line.decode("latin-1")
        if text.split(maxsplit=1)[:1] == ["boot"]:
            kernel = make_kernel(**settings(text))
            reply = "0"
        else:
            reply = answer(kernel, text)
        sys.stdout.write(reply + "\n")
        sys.stdout.flush()
