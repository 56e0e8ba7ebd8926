/* An echo server for many clients at once: one thread, epoll(7), no buffer of its own beyond one
 * read. Good enough to measure a checker with: it is never what the checker waits for. A client that
 * does not read what it is sent back is dropped. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(int epoll, int descriptor)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == -1)
        fail("epoll_ctl");
}

/* Takes every client that waits. */
static void take(int epoll, int listener)
{
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (client == -1 && errno == EAGAIN)
            return;
        if (client == -1)
            fail("accept4");
        watch(epoll, client);
    }
}

static void serve(int client)
{
    char data[65536];
    ssize_t count = read(client, data, sizeof data);
    if (count == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0 || send(client, data, (size_t)count, MSG_NOSIGNAL) != count)
        close(client);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (argc < 2 || strlen(argv[argc - 1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: server PATH\n");
        return EXIT_FAILURE;
    }
    strcpy(address.sun_path, argv[argc - 1]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener == -1 || bind(listener, (struct sockaddr *)&address, sizeof address) == -1
        || listen(listener, 4096) == -1)
        fail(address.sun_path);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1)
        fail("epoll_create1");
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                take(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
