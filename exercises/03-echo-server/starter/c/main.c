/* Exercise 3: an echo server on a Unix stream socket.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-3
 *     ipc-mastery hint exercise-3
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: echo-server PATH\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[argc - 1];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* The socket exists, but it has no name yet, so no client can find it.
     *
     * 1. Name it: fill a struct sockaddr_un with the path, and bind.
     * 2. Let clients queue up: listen.
     * 3. For each client: accept, then read and write back until read says 0, then close. */

    fprintf(stderr, "next step: bind the socket to %s\n", path);
    return EXIT_FAILURE;
}
