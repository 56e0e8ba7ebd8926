/* Exercise 35: the inbox as a service, with a queue for every user.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-35
 *     ipc-mastery hint exercise-35
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
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
    if (argc != 3) {
        fprintf(stderr, "usage: inbox-service GROUP SECRET-FILE\n");
        return EXIT_FAILURE;
    }
    fprintf(stderr, "group %s, secret in %s\n", argv[1], argv[2]);
    fprintf(stderr, "LISTEN_FDS=%s STATE_DIRECTORY=%s\n", variable("LISTEN_FDS"),
            variable("STATE_DIRECTORY"));

    /* 1. Look at what you were given: descriptor 3 listens already.
     * 2. Load the queues from STATE_DIRECTORY, and say READY=1.
     * 3. Serve all clients at once, as in exercise 20, with the commands of README.md. */

    fprintf(stderr, "next step: accept() on descriptor 3\n");
    return EXIT_FAILURE;
}
