/* Exercise 23: a broker that hands on what is published, and waits for nobody.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-23
 *     ipc-mastery hint exercise-23
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
    if (argc != 3) {
        fprintf(stderr, "usage: publish-subscribe BYTES PATH\n");
        return EXIT_FAILURE;
    }
    const char *limit = argv[1], *path = argv[2];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path and listen.
     * 2. Take frames from many clients at once, and carry out SUB, UNSUB and PUB.
     * 3. Give each client a queue of its own for what the kernel does not take at once. */

    fprintf(stderr, "limit of each queue: %s bytes\n", limit);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
