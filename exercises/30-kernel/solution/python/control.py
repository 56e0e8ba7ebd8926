"""What goes beside the bytes: descriptors and credentials, as control messages."""

from text import Claim, Credentials, Errno, Identity, Rights

HEADER = 16  # sizeof(struct cmsghdr)
MAX_FD = 253  # SCM_MAX_FD: descriptors in one message
UNKNOWN = Credentials(None, 65534, 65534)  # of a message that was sent before anybody asked
ROOT = Credentials(None, 0, 0)  # what the end of a stream claims to be


def space(length):
    """How much of the buffer a control message takes: CMSG_SPACE."""
    return HEADER + (length + 7) // 8 * 8


class Control:
    """The part of the kernel that takes control messages and delivers them."""

    def scm_send(self, process, control):
        """Return the open files and the credentials that a sender attaches."""
        files, credentials = [], None
        for message in control:
            if isinstance(message, Claim):
                credentials = self.checked(process, message)
                continue
            if len(files) + len(message.fds) > MAX_FD:
                raise Errno("EINVAL")
            # The number is the sender's own business: what travels is the open file.
            files += [self.file_at(process, fd) for fd in message.fds]
        return files, credentials

    def checked(self, process, claim):
        """Only root may say that it is somebody else."""
        who = process.letter if claim.process == "self" else claim.process
        honest = who == process.letter and (claim.uid, claim.gid) == (self.uid, self.gid)
        if not honest and self.uid != 0:
            raise Errno("EPERM")
        if who not in self.processes:
            raise Errno("ESRCH")
        return Credentials(who, claim.uid, claim.gid)

    def credentials_for(self, process, claimed, sock, other):
        """What a message says of its sender: nothing, unless somebody asks or may yet ask.

        A socket that waits for accept cannot have asked, so what is sent to it tells in any case.
        """
        if claimed or not (sock.passcred or other.passcred or not other.accepted):
            return claimed
        return Credentials(process.letter, self.uid, self.gid)

    def scm_recv(self, process, sock, received, files, credentials, flags, room):
        """Put control messages into a buffer with so much room, credentials first."""
        if room is None:
            if sock.passcred or files:
                received.flags.add("ctrunc")
            return
        if sock.passcred:
            room -= self.put_credentials(received, credentials, room)
        if files:
            self.put_files(process, received, files, "cmsg-cloexec" in flags, room)

    def put_credentials(self, received, credentials, room):
        fit = min(12, room - HEADER)
        if fit < 12:
            received.flags.add("ctrunc")
        if fit < 0:
            return 0
        received.control.append(Identity(credentials, fit))
        return min(room, space(12))

    def put_files(self, process, received, files, cloexec, room):
        """Give a receiver its own descriptors: as many as fit, and as its limit allows."""
        fds = []
        for file in files[: max(0, room - HEADER) // 4]:
            fd = process.lowest_free()
            if fd is None:
                break
            self.install(process, fd, file, cloexec)
            fds.append(fd)
        if len(fds) < len(files):
            received.flags.add("ctrunc")
        if fds:
            received.control.append(Rights(fds))
