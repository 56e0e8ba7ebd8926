/* Exercise 32: variables that lead nowhere, and where they went wrong.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-32
 *     ipc-mastery hint exercise-32
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: env-doctor ROOT NAME... < SNAPSHOTS\n");
        return 2;
    }
    const char *root = argv[1]; /* stands in front of every name that is looked up */
    (void)root;

    char data[4096];
    ssize_t size = read(STDIN_FILENO, data, sizeof data);
    if (size == -1) {
        perror("standard input");
        return 2;
    }

    /* The input is NAME=VALUE, NUL, NAME=VALUE, NUL ...
     *
     * 1. Read all of it: one call may not return everything.
     * 2. For each argument behind ROOT, find the first string that begins with it and `=`.
     * 3. Print one line: NAME STATE. The first stage asks for `unset` and `empty` only. */
    fprintf(stderr, "next step: look %d names up in %zd bytes\n", argc - 2, size);
    return 1;
}
