/* Exercise 14: a command server on a Unix SEQPACKET socket.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-14
 *     ipc-mastery hint exercise-14
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: seqpacket-commands PATH\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[argc - 1];

    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, and listen.
     * 2. Accept a client. recvmsg() takes one packet, which is one command; send() its reply.
     * 3. Wait for all clients at once: poll() or epoll, or a thread for each. */

    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
