/* Exercise 16: one open file, one offset, two processes.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-16
 *     ipc-mastery hint exercise-16
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

static int lend(const char *path, const char *name, const char *place, const char *count)
{
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file == -1) {
        perror(name);
        return 1;
    }

    /* 1. Place the offset of the file: lseek().
     * 2. Connect a stream socket to the path.
     * 3. Send "read COUNT\n", the descriptor attached to the first byte: sendmsg() and SCM_RIGHTS.
     *    `man 3 cmsg` has an example.
     * 4. Read the answer to the end of the stream; then say where your offset stands. */
    fprintf(stderr, "next step: place %s at %s, and lend it at %s to read %s\n", name, place, path,
            count);
    return 1;
}

static int borrow(const char *path)
{
    fprintf(stderr, "a later step: borrow a file at %s\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "lend") == 0)
        return lend(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "all");
    if (argc == 3 && strcmp(argv[1], "borrow") == 0)
        return borrow(argv[2]);
    fprintf(stderr, "usage: lend SOCKET FILE OFFSET [COUNT]\n"
                    "       borrow SOCKET\n");
    return 1;
}
