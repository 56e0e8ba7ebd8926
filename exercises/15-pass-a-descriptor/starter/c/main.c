/* Exercise 15: open files go from one program to another.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-15
 *     ipc-mastery hint exercise-15
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

static int send_files(const char *path, char **names, int count)
{
    for (int i = 0; i < count; i++) {
        int file = open(names[i], O_RDONLY | O_CLOEXEC);
        if (file == -1) {
            perror(names[i]);
            return 1;
        }
    }

    /* 1. Read the note: standard input, to its end.
     * 2. Connect a stream socket to the path.
     * 3. Send "files N\n" and the note, the descriptors attached to the first byte: sendmsg() and
     *    SCM_RIGHTS. `man 3 cmsg` has an example.
     * 4. Close your files, shut down the writing side, and read the answer. */
    fprintf(stderr, "next step: deliver %d files at %s\n", count, path);
    return 1;
}

static int receive(const char *path)
{
    fprintf(stderr, "a later step: take a delivery at %s\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "send") == 0)
        return send_files(argv[2], argv + 3, argc - 3);
    if (argc >= 3 && strcmp(argv[1], "receive") == 0)
        return receive(argv[argc - 1]);
    fprintf(stderr, "usage: send SOCKET FILE... < note\n"
                    "       receive [--who] SOCKET\n");
    return 1;
}
