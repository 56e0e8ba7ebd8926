/* Exercise 6: a relay between a client and an upstream server.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-6
 *     ipc-mastery hint exercise-6
 */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path) {
        errno = EINVAL;
        fail("not a path for a socket");
    }
    strcpy(address.sun_path, path);
    return address;
}

static int stream_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        fail("socket");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: relay UPSTREAM PATH\n");
        return EXIT_FAILURE;
    }
    const char *upstream_path = argv[1];
    const char *path = argv[2];

    struct sockaddr_un address = address_of(path);
    int listener = stream_socket();
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, 1) == -1)
        fail("listen");
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client == -1)
        fail("accept");

    /* A client is here. The upstream does not know it yet.
     *
     * 1. Connect to the upstream.
     * 2. Carry what comes from the client to the upstream, and what comes from the upstream to
     *    the client. You cannot know which of them speaks next.
     * 3. When one of them has said its last, tell the other, and go on the other way. */

    fprintf(stderr, "next step: connect to %s\n", upstream_path);
    return EXIT_FAILURE;
}
