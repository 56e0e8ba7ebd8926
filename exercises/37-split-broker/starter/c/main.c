/* Exercise 37: a broker in two processes, one with the rights and one with the clients.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-37
 *     ipc-mastery hint exercise-37
 */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int broker(const char *list, const char *directory, const char *path)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
        perror("socketpair");
        return EXIT_FAILURE;
    }

    /* 1. Read the list, open the directory, and listen at the path.
     * 2. Start the worker: fork(), then execve("/proc/self/exe", ...) with the listening socket,
     *    one end of the pair, and an environment of your own. Close that end here.
     * 3. Answer what the worker asks: a status byte, and with `+` a descriptor.
     * 4. Start another worker when this one dies; end both at SIGTERM. */

    fprintf(stderr, "list %s, directory %s\n", list, directory);
    fprintf(stderr, "next step: listen at %s, and start the worker\n", path);
    return EXIT_FAILURE;
}

static int worker(int listener, int to_broker)
{
    /* Accept clients, pass each request to the broker, and pass its reply on. */
    fprintf(stderr, "next step: poll the listener %d and the broker %d\n", listener, to_broker);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--worker") == 0)
        return worker(atoi(argv[2]), atoi(argv[3]));
    if (argc == 4)
        return broker(argv[1], argv[2], argv[3]);
    fprintf(stderr, "usage: %s LIST DIRECTORY SOCKET\n", argv[0]);
    return EXIT_FAILURE;
}
