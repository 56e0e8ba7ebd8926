/* Exercise 34: a client of the inbox.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-34
 *     ipc-mastery hint exercise-34
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "ping") != 0) {
        fprintf(stderr, "usage: inbox-client ping\n");
        return EX_USAGE;
    }
    const char *path = getenv("IPC_INBOX");
    if (path == NULL) {
        fprintf(stderr, "no inbox: IPC_INBOX is not set\n");
        return EX_CONFIG;
    }

    /* 1. Connect a stream socket to the path, and look at what connect() says.
     * 2. Send a frame with PING: four bytes of length, most significant first, and the word.
     * 3. Read the reply, however many calls that takes. If it is the frame PONG, print pong. */

    fprintf(stderr, "next step: connect to %s\n", path);
    return EX_SOFTWARE;
}
