/* Exercise 22: many connections.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-22
 *     ipc-mastery hint exercise-22
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
        fprintf(stderr, "usage: program [WORKERS] SOCKET\n");
        return EXIT_FAILURE;
    }
    const char *path = argv[argc - 1];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* The socket exists, but it has no name yet, so no client can find it.
     *
     * 1. Name it and let clients queue up: bind(), listen().
     * 2. Make an epoll set, and put the listener into it: epoll_create1(), epoll_ctl().
     * 3. Wait: epoll_wait(). The listener is readable: accept(), and put the new socket into the set.
     * 4. A client is readable: read once, send back what is a whole frame, and wait again. */
    fprintf(stderr, "next step: bind the socket to %s\n", path);
    return EXIT_FAILURE;
}
