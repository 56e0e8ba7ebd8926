/* Exercise 8: a server that asks the kernel who is calling.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-8
 *     ipc-mastery hint exercise-8
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: who-is-calling GROUP PATH\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[argc - 1];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, let everybody write to that name, and listen.
     * 2. Accept. Ask the kernel: getsockopt() with SO_PEERCRED and SO_PEERGROUPS. Print the line.
     * 3. Read questions, one line each, and answer them from what the kernel said. */

    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
