/* Exercise 2: a client on a Unix stream socket that says when it has said all.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-2
 *     ipc-mastery hint exercise-2
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
        fprintf(stderr, "usage: half-closing-client PATH\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[argc - 1];

    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* The socket exists, but nobody is at its other end.
     *
     * 1. Give it one: fill a struct sockaddr_un with the path, and connect.
     * 2. Send standard input, to its end. Then say that this was all.
     * 3. Read the reply and write it to standard output, until read says 0. */

    fprintf(stderr, "next step: connect the socket to %s\n", path);
    return EXIT_FAILURE;
}
