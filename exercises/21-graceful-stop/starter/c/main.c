/* Exercise 21: a server that stops when it is told to.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-21
 *     ipc-mastery hint exercise-21
 */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: graceful-stop GRACE PATH\n");
        return EXIT_FAILURE;
    }
    const char *grace = argv[1], *path = argv[2];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, and listen.
     * 2. Answer frames, of several clients at a time.
     * 3. Learn of SIGTERM and SIGINT, wherever the program waits; then finish what has begun. */

    fprintf(stderr, "%s ms of grace\n", grace);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
