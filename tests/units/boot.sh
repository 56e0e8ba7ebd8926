#!/bin/bash
# boot.sh DIR: boots this machine's own files, under an overlay in memory, as a container with a real
# systemd, in which inside.py runs as root; what it prints is in DIR/said then. Root is needed, and
# systemd-nspawn. DIR has inbox-service (built), inbox.socket, inbox.service, probe.py and inside.py.
# With `try` behind DIR it boots nothing: whether a container can be made here is its status.
# Nothing of the machine itself is changed: all is in a mount namespace that goes with this process.
set -eu
TEST_DIR=$(readlink -f "$1") TRY=${2-}
export TEST_DIR TRY
# nspawn will not remove these itself where /run is no tmpfs.
trap 'rmdir /run/systemd/nspawn/{locks,propagate/ipc-units,propagate} /run/systemd/nspawn 2>/dev/null || true' EXIT
unshare --mount --propagation private bash -s <<'EOF' >"$TEST_DIR/console" 2>&1
set -eu
t=$(mktemp -d /tmp/ipc-units.XXXXXX)
trap 'cd /; umount -l "$t/m" "$t" 2>/dev/null || true; rmdir "$t" 2>/dev/null || true' EXIT
mount -t tmpfs -o size=1g tmpfs "$t"
cd "$t"
mkdir upper work m
mount -t overlay overlay -o "lowerdir=/,upperdir=$t/upper,workdir=$t/work" m
container() {
    timeout -s KILL 240 systemd-nspawn --quiet --directory="$t/m" --private-network --register=no --keep-unit \
        --link-journal=no --machine=ipc-units --console=pipe "$@" </dev/null
}
if [ -n "$TRY" ]; then
    container true
    exit
fi
# What was configured on this machine is not asked for: units as they were shipped, and ours.
rm -rf m/etc/systemd/system m/etc/machine-id m/var/log/journal
mkdir -p m/etc/systemd/system m/usr/local/lib/inbox m/etc/inbox
: >m/etc/machine-id
install -m 755 "$TEST_DIR/inbox-service" "$TEST_DIR/probe.py" m/usr/local/lib/inbox/
install -m 644 "$TEST_DIR/inbox.socket" "$TEST_DIR/inbox.service" m/etc/systemd/system/
install -m 755 "$TEST_DIR/inside.py" m/root/inside.py
(umask 077; printf 'a secret of the tester\n' >m/etc/inbox/secret)
# As sysusers.d would have it: a group with a number that is known, a user for the daemon, a member.
chroot m groupadd --system --gid 870 inbox
chroot m useradd --system --uid 870 --gid 870 --no-create-home --shell /usr/sbin/nologin inbox
chroot m useradd --uid 4871 --user-group --create-home --groups inbox amy
chroot m useradd --uid 4872 --user-group --create-home bob
cat >m/etc/systemd/system/inside.service <<'E'
[Unit]
DefaultDependencies=no
Requires=basic.target
Wants=systemd-logind.service
After=basic.target systemd-logind.service dbus.socket
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B /root/inside.py
StandardOutput=file:/root/said
StandardError=file:/root/errors
ExecStopPost=/bin/systemctl --force --force poweroff
TimeoutStartSec=180
E
container --boot systemd.unit=inside.service || echo "nspawn: exit $?"
for f in said errors; do cp "m/root/$f" "$TEST_DIR/" || true; done
EOF
