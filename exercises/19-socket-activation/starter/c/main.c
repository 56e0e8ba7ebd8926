/* Exercise 19: an echo server that is started with its sockets in hand.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-19
 *     ipc-mastery hint exercise-19
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "(not set)";
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: socket-activation PATH\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[1];

    /* 1. Was the letter for this process, and how many descriptors came with it?
     * 2. If there is one, accept clients from descriptor 3 and echo what they send.
     * 3. If there is none, make a socket at the path, and serve that. */

    fprintf(stderr, "LISTEN_PID %s (this is %ld), LISTEN_FDS %s\n", variable("LISTEN_PID"),
            (long)getpid(), variable("LISTEN_FDS"));
    fprintf(stderr, "next step: accept a client from descriptor 3; %s is for later\n", path);
    return EXIT_FAILURE;
}
