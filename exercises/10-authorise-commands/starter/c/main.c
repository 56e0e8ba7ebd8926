/* Exercise 10: a server that decides for each command who may give it.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-10
 *     ipc-mastery hint exercise-10
 */

#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: authorise-commands GROUP POLICY PATH\n");
        return EXIT_FAILURE;
    }
    const char *group = argv[1], *policy = argv[2], *path = argv[3];

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Bind it to the path, so that everybody may connect, and listen.
     * 2. Accept a client. SO_PEERCRED and SO_PEERGROUPS tell who it is.
     * 3. Take a frame; ask the policy whether this client may do that; reply. */

    fprintf(stderr, "group %s, policy %s\n", group, policy);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}
