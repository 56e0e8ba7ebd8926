/* Exercise 5: a file server for slow readers.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-5
 *     ipc-mastery hint exercise-5
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "file-server: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: file-server FILE SOCKET\n");
        return EXIT_FAILURE;
    }
    const char *file = argv[argc - 2];
    int listener = listen_at(argv[argc - 1]);

    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1)
            fail("accept");

        /* A client is here, and will send a byte for every copy that it wants.
         *
         * 1. Receive its requests. Open the file, and send what is in it, piece by piece.
         * 2. When the client has no more requests: print the line, close the connection.
         * 3. Do that for many clients at once. Which of these calls may not wait then? */

        fprintf(stderr, "next step: send %s to the client\n", file);
        close(client);
    }
}
