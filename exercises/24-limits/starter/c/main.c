/* Exercise 24: a server with limits for each user.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-24
 *     ipc-mastery hint exercise-24
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH\n");
        return EXIT_FAILURE;
    }
    const char *burst = argv[1], *refill_ms = argv[2];
    const char *connections = argv[3], *frame_ms = argv[4], *path = argv[5];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, so that everybody may connect, and listen.
     * 2. Accept clients. SO_PEERCRED tells whose bucket and whose count it is.
     * 3. Take a frame; take a token for it; reply. */

    fprintf(stderr, "burst %s, refill %s ms, connections %s, frame %s ms\n",
            burst, refill_ms, connections, frame_ms);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
