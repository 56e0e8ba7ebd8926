/* Exercise 2, reference solution in C: a client that says when it has said all.
 *
 * One thread and one poll(): it takes what the server says also while the server does not take
 * what we say, so neither of the two can make the other wait for ever. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "half-closing-client: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* Waits while the server's queue of connections is full; any error is final. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] == '\0') { /* the kernel would take it for an abstract name */
        errno = ENOENT;
        fail("the path is empty");
    }
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);

    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server == -1)
        fail("socket");
    if (connect(server, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    return server;
}

static ssize_t read_input(char *data, size_t size)
{
    ssize_t count;
    do
        count = read(STDIN_FILENO, data, size);
    while (count == -1 && errno == EINTR);
    if (count == -1)
        fail("cannot read standard input");
    return count;
}

/* write() may accept only a part; the rest is for the next call. */
static void write_output(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, data, size);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            fail("cannot write to standard output");
        data += written;
        size -= (size_t)written;
    }
}

/* Whether a call has only to be made again: nothing moved, and nothing is wrong. */
static bool again(ssize_t count)
{
    return count == -1 && (errno == EAGAIN || errno == EINTR);
}

/* Sends standard input and writes the reply, both at once. Returns whether all went well. */
static bool converse(int server)
{
    char request[65536], reply[65536];
    size_t from = 0, to = 0; /* what of the request is still to be sent */
    bool sending = true, receiving = true, well = true;

    while (sending || receiving) {
        bool hungry = sending && from == to;
        short events = (short)((from < to ? POLLOUT : 0) | (receiving ? POLLIN : 0));
        struct pollfd wait[] = {
            /* poll() leaves out negative descriptors. Without it, a server that is gone would be
             * reported (POLLHUP) again and again while we only wait for input. */
            { .fd = hungry ? STDIN_FILENO : -1, .events = POLLIN },
            { .fd = events ? server : -1, .events = events },
        };
        if (poll(wait, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            fail("poll");
        }

        if (wait[0].revents != 0) {
            from = 0;
            to = (size_t)read_input(request, sizeof request);
            if (to == 0) {
                shutdown(server, SHUT_WR); /* no more from us; the reply may still come */
                sending = false;
            }
        }

        /* MSG_DONTWAIT: the socket has some room now, but perhaps not for all, and a send() that
         * waits is one that does not read. MSG_NOSIGNAL: a server that takes no more is an error
         * to report, not a SIGPIPE to die of. */
        if (wait[1].revents != 0 && from < to) {
            ssize_t sent = send(server, request + from, to - from, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent >= 0) {
                from += (size_t)sent;
            } else if (!again(sent)) {
                /* It may have told us why before it hung up, so go on listening. */
                fprintf(stderr, "half-closing-client: send: %s\n", strerror(errno));
                from = to = 0;
                sending = well = false;
            }
        }

        if (wait[1].revents != 0 && receiving) {
            ssize_t count = recv(server, reply, sizeof reply, MSG_DONTWAIT);
            if (count > 0) {
                write_output(reply, (size_t)count);
            } else if (count == 0) {
                receiving = false; /* the server has said its last */
            } else if (!again(count)) {
                fprintf(stderr, "half-closing-client: recv: %s\n", strerror(errno));
                receiving = well = false;
            }
        }
    }
    return well;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: half-closing-client PATH\n");
        return EXIT_FAILURE;
    }
    int server = connect_to(argv[argc - 1]);
    return converse(server) ? EXIT_SUCCESS : EXIT_FAILURE;
}
