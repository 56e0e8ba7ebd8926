/* Exercise 9: a log daemon that stamps each message with its sender.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-9
 *     ipc-mastery hint exercise-9
 */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: stamp-each-message PATH\n");
        return 1;
    }
    int inbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (inbox == -1) {
        perror("socket");
        return 1;
    }

    /* The socket exists, but it has no name yet, so no sender can find it.
     *
     * 1. Name it: fill a struct sockaddr_un with the path, and bind.
     * 2. For each message: receive it, and what the kernel says of its sender.
     * 3. Print its line, and flush. */
    fprintf(stderr, "next step: bind the socket to %s\n", argv[1]);
    return 1;
}
