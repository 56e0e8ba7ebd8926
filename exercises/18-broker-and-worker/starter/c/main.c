/* Exercise 18: a broker that hands out open files, and a worker that asks for them.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-18
 *     ipc-mastery hint exercise-18
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int broker(const char *list, const char *directory, const char *path)
{
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (listener == -1) {
        perror("socket");
        return EXIT_FAILURE;
    }

    /* 1. Read the list, and open the directory.
     * 2. Bind the socket to the path, so that everybody may connect, and listen.
     * 3. Accept a client. One packet is one request; open what it asks for.
     * 4. sendmsg() the reply: one byte, and with `+` the descriptor. cmsg(3) shows how. */

    fprintf(stderr, "list %s, directory %s\n", list, directory);
    fprintf(stderr, "next step: bind the socket to %s and listen\n", path);
    return EXIT_FAILURE;
}

static int worker(const char *path)
{
    /* Comes last: connect, ask for each name, copy what is given to standard output. */
    fprintf(stderr, "next step: connect to %s\n", path);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "broker") == 0)
        return broker(argv[2], argv[3], argv[4]);
    if (argc >= 4 && strcmp(argv[1], "worker") == 0)
        return worker(argv[2]);
    fprintf(stderr, "usage: broker LIST DIRECTORY SOCKET\n"
                    "       worker SOCKET NAME...\n");
    return EXIT_FAILURE;
}
