/* Exercise 20: the inbox, a server that keeps going whatever its clients do.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-20
 *     ipc-mastery hint exercise-20
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: inbox GROUP PATH\n");
        return EXIT_FAILURE;
    }
    const char *group = argv[1], *path = argv[2];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, so that everybody may connect, and listen.
     * 2. Wait for all clients at once: epoll(7), or a thread for each.
     * 3. Take a frame; carry out its command; reply as the table in README.md says. */

    fprintf(stderr, "group %s\n", group);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
