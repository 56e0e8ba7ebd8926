/* Exercise 7: a server at an abstract name.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-7
 *     ipc-mastery hint exercise-7
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: abstract-name NAME\n");
        return EXIT_FAILURE;
    }
    const char *name = argv[argc - 1];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the abstract name: a NUL, and these bytes behind it. How long is the address?
     * 2. Listen. Print what getsockname() says, and that you are ready; flush both lines.
     * 3. Accept one client after another; send back what it sends, in upper case. */

    fprintf(stderr, "next step: bind the socket to the abstract name %s and listen\n", name);
    return EXIT_FAILURE;
}
