"""What systemd makes of inbox.socket and inbox.service, the two files beside this one.

    python3 units.py verify                          what systemd complains of
    python3 units.py show inbox.socket SocketMode    what it understood; several names may follow
    python3 units.py has inbox.service After a.target    whether a word is in a list
    python3 units.py command 0 1 2                   words of ExecStart=; 0 is the program
    python3 units.py commands                        which Exec...= lines there are
    python3 units.py calls execve mount              what SystemCallFilter= lets through
    python3 units.py families                        what RestrictAddressFamilies= leaves
    python3 units.py exposure 3.0                    systemd-analyze security, and a bound

It judges nothing: it asks systemd-analyze, which reads unit files with the code of the manager itself,
and prints the answers in a form that stays the same from version to version. Only what systemd does not
say there is taken from the files; `parse` has the few rules of systemd.syntax(7) that this needs.

The tester reads with `--read OUT` once, where systemd may make its temporary directory, and asks with
`--from OUT`, where the program is fenced in.
"""

import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = ["inbox.service", "inbox.socket"]
# Where systemd finds the targets that every unit has to do with: as they were shipped, so that what
# is said here does not depend on what was configured on this machine.
SHIPPED = "/usr/lib/systemd/system:/lib/systemd/system"

# Settings that systemd 252 does not tell, or that later versions tell in other words.
FROM_FILE = {
    "Accept": "no",
    "NoNewPrivileges": "no",
    "LoadCredential": "",
    "MaxConnections": "",
    "RequiredBy": "",
    "SocketBindAllow": "",
    "SocketBindDeny": "",
    "SupplementaryGroups": "",
    "WantedBy": "",
}
# What systemd leaves out when it was not set.
DEFAULTS = {"SocketUser": "root", "SocketGroup": "root", "User": "root", "Group": "of the user"}
# Numbers that are another way of writing a name; 870 is what the README says of the group.
ROOT, GROUP = {"0": "root"}, {"0": "root", "870": "inbox"}
NUMBERS = {"SocketUser": ROOT, "User": ROOT, "SocketGroup": GROUP, "Group": GROUP}
# Lists: a line adds to what is there, and an empty one takes all away.
LISTS = {"LoadCredential", "RequiredBy", "SupplementaryGroups", "WantedBy"}
# The settings that name a command; ExecPaths= and ExecSearchPath= are none.
COMMANDS = {
    "ExecCondition", "ExecReload", "ExecReloadPost", "ExecStart", "ExecStartPost", "ExecStartPre",
    "ExecStop", "ExecStopPost", "ExecStopPre",
}

# The last two are words of later versions for a directory of the service's own.
YES = ("1", "y", "yes", "t", "true", "on", "connected", "disconnected")
# The directory that %d stands for in a unit of the system.
CREDENTIALS = "/run/credentials/inbox.service"

# How a complaint of systemd begins, and what it is called here.
COMPLAINTS = [
    (r"inbox@\S* not loaded", "no-template"),
    (r"service \S+ not loaded", "no-service"),
    (r"SocketBind(Allow|Deny)=", "no-port"),
    (r"[Uu]ser '?\"?nobody|DynamicUser.*nobody", "nobody"),
    (r"Unknown section", "unknown-section"),
    (r"Unknown (key|lvalue)", "unknown-key"),
    (r"Missing '='|Assignment outside", "no-assignment"),
    (r"has no Listen", "no-address"),
    (r"has no ExecStart", "no-command"),
    (r"^Unit inbox\.(service|socket) (is masked|not found)", "missing"),
    (r"[Ff]ailed to parse|Unable to parse|Unknown|not valid|[Ii]nvalid|is absolute|not absolute", "bad-value"),
]


class File:
    """The settings of one unit file: section, name and value of each, in their order."""

    def __init__(self, settings):
        self.settings = settings

    def get(self, name):
        """The value in force: the last one, or all of a list; None when it is not set."""
        words, value = [], None
        for _, key, this in self.settings:
            if key == name:
                words = words + this.replace('"', "").replace("'", "").split() if this else []
                value = " ".join(words) if name in LISTS else this
        return value or None


def parse(path):
    """The settings of a unit file, as systemd.syntax(7) says they are written."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().split("\n")
    settings, section, whole = [], "", ""
    for line in lines:
        if line.lstrip()[:1] in ("#", ";"):
            continue  # between the parts of a long line too
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        whole, line = "", (whole + line).strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and not section.startswith("X-"):
            name, _, value = line.partition("=")
            settings.append((section, name.strip(), value.strip()))
    return settings


def systemd(*words, debug=False):
    """Runs systemd-analyze on the files; what it printed on both streams."""
    level = "debug" if debug else "notice"
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    plain = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "SYSTEMD_LOG_TARGET": "console"}
    ran = subprocess.run(
        ["systemd-analyze", *words],
        env={**keep, **plain, "SYSTEMD_LOG_LEVEL": level, "SYSTEMD_UNIT_PATH": SHIPPED},
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False,
    )
    return ran.stdout, ran.stderr


def read():
    """All that systemd says of the two files."""
    paths = [os.path.join(HERE, unit) for unit in UNITS]
    there = [path for path in paths if os.path.exists(path)]
    _, said = systemd("verify", "--man=no", *there)
    dump, _ = systemd("verify", "--man=no", *there, debug=True)
    security = [*"security --offline=yes --no-pager".split(), paths[0]]
    table, _ = systemd(*security)
    facts, _ = systemd(*security, "--json=short")
    overall = re.search(r"exposure level for .*?: ([0-9.]+)", table)
    try:
        facts = {fact["json_field"]: fact["set"] for fact in json.loads(facts)}
    except (ValueError, KeyError, TypeError):
        facts = {}
    if len(there) == len(UNITS) and overall and not any(name.startswith("RestrictAddress") for name in facts):
        sys.exit("units.py cannot read what this version of systemd-analyze security says")
    return {
        "missing": [unit for unit, path in zip(UNITS, paths) if path not in there],
        "complaints": complaints(said),
        "dump": settings(dump),
        "files": {unit: parse(path) for unit, path in zip(UNITS, paths) if path in there},
        "families": [
            name.removeprefix("RestrictAddressFamilies_")
            for name, refused in facts.items()
            if name.startswith("RestrictAddressFamilies_") and not refused
        ],
        "exposure": overall.group(1) if overall else None,
    }


def complaints(said):
    """The lines about these two files. That the daemon is not installed here is none of their faults."""
    lines = [line.replace(HERE + "/", "") for line in said.splitlines()]
    ours = [line for line in lines if any(unit in line for unit in UNITS)]
    return [line for line in ours if "is not executable" not in line]


def settings(dump):
    """systemd's dump of its units: for each a list of name and value."""
    units, found, command = {}, [], ""
    for line in dump.splitlines():
        unit = re.match(r"\t?-> Unit (.*):$", line)
        head = re.match(r"\t+-> (Exec\w+):$", line)
        pair = re.match(r"\t+([A-Za-z ]+): ?(.*)$", line)
        if unit:
            found = units.setdefault(unit.group(1), [])
        elif head:
            command = head.group(1)
        elif pair:
            name, value = pair.groups()
            found.append((command if name == "Command Line" else name, value.strip()))
    return units


class Understood:
    """Answers questions about what was read."""

    def __init__(self, said):
        self.said = said

    def file(self, unit):
        return File(self.said["files"].get(unit, []))

    def values(self, unit, name):
        """All values that systemd tells under this name."""
        told = self.said["dump"].get(unit, [])
        return [value for key, value in told if key == name and value != "n/a"]

    def value(self, unit, name):
        if name in FROM_FILE:
            value = self.file(unit).get(name)
            if FROM_FILE[name] == "no":
                return "yes" if (value or "no").lower() in YES else "no"
            return for_unit(value or "", unit)
        values = self.values(unit, name)
        if name == "CapabilityBoundingSet" and values != [""]:
            # Not said, it lacks what PrivateDevices= and others take away.
            if not values or self.file(unit).get(name) is None:
                return "all there are"
        if name in ("PrivateTmp", "PrivateDevices"):  # which DynamicUser= may imply
            return "yes" if values and values[-1].lower() in YES else "no"
        value = " ".join(values) or DEFAULTS.get(name, "")
        return NUMBERS.get(name, {}).get(value, value)

    def verify(self):
        if self.said["missing"]:
            return ["missing: " + " ".join(self.said["missing"])]
        lines = self.said["complaints"]
        print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
        kinds = [kind for line in lines for pattern, kind in COMPLAINTS if re.search(pattern, line)]
        return ["complaint: " + (kinds or ["other"])[0]] if lines else ["clean"]

    def show(self, unit, *names):
        if names == ("Listen",):
            told = self.said["dump"].get(unit, [])
            return [f"{key}={one_slash(value)}" for key, value in told if key.startswith("Listen")]
        return [f"{name}={self.value(unit, name)}" for name in names]

    def has(self, unit, name, *words):
        told = self.value(unit, name) if name in FROM_FILE else " ".join(self.values(unit, name))
        return [f"{name} {word}: {'yes' if word in told.split() else 'no'}" for word in words]

    def command(self, *numbers):
        """Words of ExecStart=, with the prefix that systemd keeps to itself."""
        told = (self.values("inbox.service", "ExecStart") or [""])[0].replace("\\$", "$")
        words = shlex.split(told)
        # Within a word a variable has braces; $NAME is one as a word of its own.
        words = [word.replace("${CREDENTIALS_DIRECTORY}", CREDENTIALS) for word in words]
        words = [one_slash(word) if word.startswith("/") else word for word in words]
        written = self.file("inbox.service").get("ExecStart") or ""
        prefix = re.match(r"[-@:+!|]*", written).group(0)
        words = [prefix + words[0], *words[1:]] if words else []
        told = dict(enumerate(words))
        return [f"{number}: {told.get(int(number), 'nothing')}" for number in numbers]

    def commands(self):
        found = []
        for unit in UNITS:
            lines = {}
            for _, name, value in self.file(unit).settings:
                if name in COMMANDS:
                    lines[name] = lines.get(name, 0) + 1 if value else 0
            found += [name for name, count in lines.items() for _ in range(count)]
        return [" ".join(found)]

    def calls(self, *names):
        told = (self.values("inbox.service", "SystemCallFilter") or ["~"])[0]
        forbids, words = told.startswith("~"), told.lstrip("~").split()
        # A call with an error of its own is refused, in a list of what is allowed too.
        listed = {word.split(":")[0] for word in words if forbids or ":" not in word}
        refused = lambda name: (name in listed) == forbids
        return [f"{name}: {'refused' if refused(name) else 'allowed'}" for name in names]

    def families(self):
        return [" ".join(sorted(self.said["families"])) or "none"]

    def exposure(self, bound):
        level = self.said["exposure"]
        return [f"at most {bound}: yes" if level and float(level) <= float(bound) else f"at most {bound}: no, {level}"]


def one_slash(path):
    """A path as the kernel reads it, where slashes were doubled."""
    return re.sub(r"/(\./|/)+", "/", path)


def for_unit(value, unit):
    """The specifiers that stand for a unit's own name."""
    stem = unit.rpartition(".")[0]
    known = {"%n": unit, "%N": stem, "%p": stem, "%t": "/run", "%S": "/var/lib", "%E": "/etc", "%%": "%"}
    return re.sub("%.", lambda found: known.get(found.group(0), found.group(0)), value)


def main(words):
    if words[:1] == ["--read"]:
        version = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True)
        if int(re.search(r"systemd v?(\d+)", version.stdout).group(1)) < 250:
            sys.exit("units.py needs systemd 250 or newer, which can judge files that are not installed")
        with open(words[1], "w", encoding="utf-8") as file:
            json.dump(read(), file)
        os.chmod(words[1], 0o644)
        return
    if words[:1] == ["--from"]:
        with open(words[1], encoding="utf-8") as file:
            said = json.load(file)
        words = words[2:]
    else:
        said = read()
    questions = ("verify", "show", "has", "command", "commands", "calls", "families", "exposure")
    if not words or words[0] not in questions:
        sys.exit(__doc__.strip())
    print(*getattr(Understood(said), words[0])(*words[1:]), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
