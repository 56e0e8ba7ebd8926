/* Exercise 6, reference solution in C: a relay between a client and an upstream server.
 *
 * One thread and poll(). Each direction has a buffer of its own and a state of its own; nothing
 * that happens to one of them stops the other, unless nobody is left to carry for. */

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

/* One direction: what comes from one socket goes to the other. */
struct direction {
    int from, to;
    size_t start, end; /* data[start..end] has been received and not yet sent */
    bool over;         /* nothing is carried any more */
    bool cut;          /* it is over because of an error: bytes were lost */
    char data[65536];
};

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

/* Waits at the path for the one client that this run is for. */
static int client_at(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = stream_socket();
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, 1) == -1)
        fail("listen");
    int client;
    do
        client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (client == -1 && errno == EINTR);
    if (client == -1)
        fail("accept");
    /* Nobody else is served, so nobody else shall find us. */
    unlink(path);
    close(listener);
    return client;
}

static int connection_to(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int upstream = stream_socket();
    if (connect(upstream, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("connect to the upstream");
    return upstream;
}

/* The direction ends in order: everything from its source has been sent. */
static void finish(struct direction *way)
{
    shutdown(way->to, SHUT_WR); /* close() would take the other direction with it */
    way->over = true;
}

/* The direction ends by an error. Whoever still sends is refused (EPIPE) instead of waiting for
 * ever, and whoever still reads finds an end. */
static void cut(struct direction *way, const char *call)
{
    fprintf(stderr, "relay: %s: %s\n", call, strerror(errno));
    shutdown(way->from, SHUT_RD);
    shutdown(way->to, SHUT_WR);
    way->over = true;
    way->cut = true;
}

/* Carries one buffer full, as far as it goes without waiting; a faster source would keep the other
 * direction waiting. What poll() reported is not looked at: the calls themselves say how things
 * are, and bytes that came before a hang-up or a reset are received before it is. */
static void carry(struct direction *way)
{
    if (!way->over && way->start == way->end) {
        ssize_t count = recv(way->from, way->data, sizeof way->data, MSG_DONTWAIT);
        if (count > 0) {
            way->start = 0;
            way->end = (size_t)count;
        } else if (count == 0) {
            finish(way);
        } else if (errno != EAGAIN && errno != EINTR) {
            cut(way, "recv");
        }
    }
    if (!way->over && way->start < way->end) {
        ssize_t count = send(way->to, way->data + way->start, way->end - way->start,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) {
            way->start += (size_t)count; /* maybe only a part: the rest is for the next round */
        } else if (errno != EAGAIN && errno != EINTR) {
            cut(way, "send");
        }
    }
}

/* Adds what the direction waits for: bytes to receive, or room for those it holds. Never both:
 * what is not taken from the source waits there, and in the end its sender waits too. */
static void await(const struct direction *way, struct pollfd *from, struct pollfd *to)
{
    if (way->over)
        return;
    if (way->start == way->end)
        from->events |= POLLIN;
    else
        to->events |= POLLOUT;
}

/* Carries both ways until both have ended. Tells whether everything arrived. */
static bool relay(int client, int upstream)
{
    static struct direction request, answer;
    request.from = answer.to = client;
    request.to = answer.from = upstream;
    while (!request.over || !answer.over) {
        struct pollfd fds[2] = { { .fd = client }, { .fd = upstream } };
        await(&request, &fds[0], &fds[1]);
        await(&answer, &fds[1], &fds[0]);
        for (int i = 0; i < 2; i++) {
            if (fds[i].events == 0)
                fds[i].fd = -1; /* POLLHUP is reported unasked, again and again */
        }
        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            fail("poll");
        carry(&request);
        carry(&answer);
    }
    return !request.cut && !answer.cut;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: relay UPSTREAM PATH\n");
        return EXIT_FAILURE;
    }
    int client = client_at(argv[2]);
    int upstream = connection_to(argv[1]);
    return relay(client, upstream) ? EXIT_SUCCESS : EXIT_FAILURE;
}
