/* Exercise 1: the sockets of this machine that can be reached by name.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-1
 *     ipc-mastery hint exercise-1
 */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(void)
{
    FILE *table = fopen("/proc/net/unix", "re");
    if (table == NULL) {
        perror("/proc/net/unix");
        return EXIT_FAILURE;
    }

    char *line = NULL;
    size_t room = 0;
    size_t lines = 0;
    while (getline(&line, &room, table) > 0) {
        /* Num RefCount Protocol Flags Type St Inode Path
         *
         * 1. Take the columns apart. Type is a number, as SOCK_STREAM is; Path is the rest.
         * 2. Can the socket be reached by a name? README.md says when.
         * 3. If so, print one line: INODE TYPE NAME. */
        lines++;
    }

    free(line);
    fclose(table);
    fprintf(stderr, "next step: take the columns of these %zu lines apart\n", lines);
    return EXIT_FAILURE;
}
