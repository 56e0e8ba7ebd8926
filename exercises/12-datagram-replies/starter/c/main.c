/* Exercise 12: requests and replies in datagrams.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-12
 *     ipc-mastery hint exercise-12
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int serve(const char *path)
{
    int inbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (inbox == -1) {
        perror("socket");
        return 1;
    }

    /* The socket exists, but it has no name yet, so no client can send to it.
     *
     * 1. Name it: fill a struct sockaddr_un with the path, and bind. Datagrams need no listen().
     * 2. Receive a request, and with it the name of its sender: recvfrom().
     * 3. Send the reply to that name, from this socket: sendto(). */
    fprintf(stderr, "next step: bind the socket to %s\n", path);
    return 1;
}

static int ask(const char *path, const char *name, int seconds, char **texts)
{
    fprintf(stderr, "a later step: as %s, ask %s for %s, for %d s at most\n", name, path, texts[0],
            seconds);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc >= 6 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argv[3], atoi(argv[4]), argv + 5);
    fprintf(stderr, "usage: serve SOCKET\n"
                    "       ask SOCKET NAME SECONDS TEXT...\n");
    return 1;
}
