/* Exercise 13: whole messages, messages that were cut, and a sender that is told what is too big.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-13
 *     ipc-mastery hint exercise-13
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int receive(const char *path)
{
    int inbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (inbox == -1) {
        perror("socket");
        return 2;
    }

    /* The socket exists, but it has no name yet, so no sender can find it.
     *
     * 1. Name it: fill a struct sockaddr_un with the path, and bind. Datagrams need no listen().
     * 2. For each message: receive it into 512 bytes, and find out whether that was all of it.
     * 3. Print its line, and flush. */
    fprintf(stderr, "next step: bind the socket to %s\n", path);
    return 2;
}

static int send_lines(const char *path)
{
    fprintf(stderr, "a later step: send each line of standard input to %s\n", path);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        return receive(argv[2]);
    if (argc == 3 && strcmp(argv[1], "send") == 0)
        return send_lines(argv[2]);
    fprintf(stderr, "usage: detect-truncation receive PATH\n"
                    "       detect-truncation send PATH < messages\n");
    return 2;
}
