/* Exercise 11: a server that makes itself a safe place.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-11
 *     ipc-mastery hint exercise-11
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "group", no_argument, NULL, 'g' },
        { "umask", required_argument, NULL, 'u' },
        { NULL, 0, NULL, 0 },
    };
    bool group = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'g')
            group = true;
        else if (option == 'u')
            umask((mode_t)strtol(optarg, NULL, 8)); /* as if it had been started with this one */
        else
            return EXIT_FAILURE;
    }
    if (optind != argc - 1) {
        fprintf(stderr, "usage: a-safe-place [--group] [--umask OCTAL] NAME\n");
        return EXIT_FAILURE;
    }
    const char *name = argv[optind];

    /* 1. Find the runtime directory: $XDG_RUNTIME_DIR. Is it safe?
     * 2. Make the directory NAME in it, or look at the one that is there.
     * 3. Bind a stream socket to server.sock in there, see to its mode, and listen.
     * 4. Go to /, print `ready`, and say `welcome` to every client, until SIGTERM comes. */

    fprintf(stderr, "next step: find the directory for %s%s\n", name, group ? " and its group" : "");
    return EXIT_FAILURE;
}
