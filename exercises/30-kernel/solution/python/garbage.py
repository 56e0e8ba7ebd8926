"""Which sockets nobody can reach any more.

A socket in a message lives as long as the message. When the message lies in the queue of that very
socket, or of one that lies in its own, neither ever goes by counting references. So now and then
the kernel looks for what processes can still reach; the rest is garbage.
"""

from sock import LISTEN, Sock


def unreachable(processes, sockets):
    """Of these sockets, those that no descriptor leads to, not even through messages."""
    reached = set()
    descriptors = [slot for process in processes for slot in process.descriptors.values()]
    ahead = [slot.file.object for slot in descriptors]
    while ahead:
        one = ahead.pop()
        if one in reached or not isinstance(one, Sock):
            continue
        reached.add(one)
        ahead += contents(one)
    return [sock for sock in sockets if sock not in reached]


def contents(sock):
    """What can be had by receiving, or by accepting."""
    if sock.state == LISTEN:
        return list(sock.queue)
    return [file.object for message in sock.queue for file in message.files]
