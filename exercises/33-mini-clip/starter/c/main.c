/* Exercise 33: a clipboard whose payload never passes its socket.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-33
 *     ipc-mastery hint exercise-33
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int paste(const char *type, const char *path)
{
    int ends[2]; /* 0 is for reading, 1 for writing */
    if (pipe2(ends, O_CLOEXEC) == -1) {
        perror("pipe2");
        return 1;
    }

    /* 1. Connect a stream socket to the path.
     * 2. Send the type and a line feed, with ends[1] attached: sendmsg() and SCM_RIGHTS.
     *    `man 3 cmsg` has an example.
     * 3. Close your own ends[1], read the answer, then the pipe. */
    fprintf(stderr, "next step: ask for %s at %s\n", type, path);
    return 1;
}

static int copy(const char *type, const char *path)
{
    fprintf(stderr, "a later step: offer %s at %s\n", type, path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "copy") == 0)
        return copy(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "paste") == 0)
        return paste(argv[2], argv[3]);
    fprintf(stderr, "usage: mini-clip copy TYPE PATH < payload\n"
                    "       mini-clip paste TYPE PATH > payload\n");
    return 1;
}
