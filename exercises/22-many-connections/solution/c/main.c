/* Exercise 22, reference solution in C: one loop for all clients.
 *
 *     program [WORKERS] SOCKET
 *
 * The loop never waits for one client: every socket is non-blocking, and epoll_wait() is the only
 * place where the program sleeps. What one client has sent and not yet got back lies in a buffer of
 * its own, as long as the largest frame. While that is full nothing more is read from this client:
 * so its answers cannot pile up here, and they wait where they belong, with whoever does not read. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LONGEST = 65536, ROOM = HEADER + LONGEST, EVENTS = 64, QUEUE = 4096 };

static const uint32_t ENDLESS = UINT32_MAX;

struct client {
    int fd;
    bool endless;     /* all that comes goes back as it comes */
    bool ended;       /* nothing more is read: it has said its last, or what is no frame */
    uint32_t watched; /* the events that epoll reports */
    size_t have;      /* bytes in the buffer */
    size_t ready;     /* so many of them, at the front, go back: whole frames */
    unsigned char bytes[ROOM];
};

/* One process: it has its clients to itself, and the listener in common with the others. */
static int epoll = -1;
static int listener = -1;
static int reserve = -1; /* keeps a descriptor free for the last client; -1 while all are in use */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* EPOLLEXCLUSIVE: a connection wakes one worker that sleeps, not all. */
static void watch_listener(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll_ctl");
}

/* Takes one connection from the queue. If there are more, epoll says so again. */
static void take_client(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1 && (errno == EMFILE || errno == ENFILE)) {
        /* No descriptor is left. The connection stays in the queue, and epoll would report it for
         * ever: do not look there until a client leaves. This last one gets the reserve's number,
         * for it may be that no other worker has been woken for it. */
        epoll_ctl(epoll, EPOLL_CTL_DEL, listener, NULL);
        close(reserve);
        reserve = -1;
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    if (fd == -1)
        return; /* EAGAIN: another worker was faster */
    /* From the system, page by page as it is used: many clients send little. */
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        close(fd);
        return;
    }
    client->fd = fd;
    client->watched = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        fail("epoll_ctl");
}

static void close_client(struct client *client)
{
    close(client->fd); /* there is no duplicate, so this takes it out of the epoll set, too */
    free(client);
    if (reserve == -1) {
        reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (reserve != -1)
            watch_listener();
    }
}

/* Counts the whole frames at the front of the buffer. */
static void find_frames(struct client *client)
{
    while (!client->endless && client->have - client->ready >= HEADER) {
        const unsigned char *at = client->bytes + client->ready;
        uint32_t length = (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
        if (length == ENDLESS) {
            client->endless = true;
        } else if (length > LONGEST) {
            client->ended = true;
            return;
        } else if (client->have - client->ready < HEADER + length) {
            return;
        } else {
            client->ready += HEADER + length;
        }
    }
    if (client->endless)
        client->ready = client->have;
}

/* Does for one client what can be done at once; false: the conversation is over.
 * One read and one write, however much there is: then it is the others' turn. */
static bool serve(struct client *client)
{
    if (!client->ended && client->have < ROOM) {
        ssize_t count = recv(client->fd, client->bytes + client->have, ROOM - client->have, 0);
        if (count == -1 && errno != EAGAIN && errno != EINTR)
            return false;
        if (count == 0)
            client->ended = true;
        if (count > 0)
            client->have += (size_t)count;
        find_frames(client);
    }
    if (client->ready > 0) {
        ssize_t count = send(client->fd, client->bytes, client->ready, MSG_NOSIGNAL);
        if (count == -1 && errno != EAGAIN && errno != EINTR)
            return false;
        if (count > 0) {
            client->have -= (size_t)count;
            client->ready -= (size_t)count;
            memmove(client->bytes, client->bytes + count, client->have);
        }
    }
    return !(client->ended && client->ready == 0);
}

/* Watches for what this client can do next, and for nothing else: a socket that nobody wants to
 * write to is writable all the time, and one that has ended is readable all the time. */
static void watch(struct client *client)
{
    uint32_t wanted = 0;
    if (!client->ended && client->have < ROOM)
        wanted |= EPOLLIN;
    if (client->ready > 0)
        wanted |= EPOLLOUT;
    if (wanted == client->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = client};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event) == -1)
        fail("epoll_ctl");
    client->watched = wanted;
}

static void work(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (epoll == -1 || reserve == -1)
        fail("epoll_create1");
    watch_listener();
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            /* An event of a client never closes another one, so none of the events that follow
             * is about memory that has been freed. */
            if (client == NULL)
                take_client();
            else if (serve(client))
                watch(client);
            else
                close_client(client);
        }
    }
}

static void listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "the path is too long\n");
        exit(EXIT_FAILURE);
    }
    strcpy(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    /* The kernel cuts this to net.core.somaxconn. */
    if (listen(listener, QUEUE) == -1)
        fail("listen");
}

/* Most programs are started with a soft limit of 1024 descriptors, for the sake of those that use
 * select(). Whoever can count further may have as many as the hard limit says. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        fail("setrlimit");
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: program [WORKERS] SOCKET\n");
        return EXIT_FAILURE;
    }
    int workers = argc == 3 ? atoi(argv[1]) : 1;
    raise_limit();
    listen_at(argv[argc - 1]);
    /* Each worker is a process, and this one is the first. */
    pid_t parent = getpid();
    for (int i = 1; i < workers; i++) {
        pid_t child = fork();
        if (child == -1)
            fail("fork");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                return EXIT_FAILURE;
            break;
        }
    }
    work();
}
