/* Exercise 5, reference solution in C: a file server for slow readers.
 *
 * One thread, non-blocking sockets, edge-triggered epoll. There is no buffer for any client: what
 * the kernel did not take is still in the file, and the offset says where it begins. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A turn of one client: short enough that a fast reader does not keep the others waiting. */
enum { PIECE = 65536, EVENTS = 64 };

struct client {
    int socket;
    int file;                /* the file that is being sent, or -1 */
    off_t at;                /* how much of it the kernel has taken */
    size_t requests;         /* copies that are due, the one that has begun included */
    uintmax_t sent;          /* what the kernel has taken in all */
    bool readable, writable; /* true until a call says EAGAIN; epoll tells when that changes */
    bool waits_for_turn;     /* it is in the list of those that can go on at once */
    struct client *next;     /* in that list */
};

static const char *path_of_file;
static struct client *first, **last = &first; /* the list */
static bool may_accept = true; /* like readable: false from EAGAIN, or the last descriptor, on */

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
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Reads requests. Returns false when the connection is over: no more can come, or it failed. */
static bool receive(struct client *client)
{
    char requests[4096];
    ssize_t count = recv(client->socket, requests, sizeof requests, 0);
    if (count == -1 && errno == EINTR)
        return true;
    if (count == -1 && errno == EAGAIN) {
        client->readable = false;
        return true;
    }
    if (count == -1)
        fprintf(stderr, "file-server: recv: %s\n", strerror(errno));
    if (count <= 0)
        return false;
    client->requests = (size_t)count; /* a byte is a request, so a call may bring many */
    return true;
}

/* Sends one piece. Returns false when the connection is over. */
static bool send_piece(struct client *client)
{
    static char piece[PIECE];
    if (client->file == -1) {
        client->file = open(path_of_file, O_RDONLY | O_CLOEXEC);
        client->at = 0;
    }
    ssize_t size = client->file == -1 ? -1 : pread(client->file, piece, sizeof piece, client->at);
    if (size == -1) {
        fprintf(stderr, "file-server: %s: %s\n", path_of_file, strerror(errno));
        return false;
    }
    if (size == 0) { /* the end of the file, and of this copy */
        close(client->file);
        client->file = -1;
        client->requests--;
        return true;
    }

    /* MSG_NOSIGNAL: a reader that is gone is EPIPE here, not a SIGPIPE that ends the server. */
    ssize_t taken = send(client->socket, piece, (size_t)size, MSG_NOSIGNAL);
    if (taken == -1 && errno == EINTR)
        return true;
    if (taken == -1 && errno == EAGAIN) { /* the queue is full: not an error, a reason to wait */
        client->writable = false;
        return true;
    }
    if (taken == -1) {
        fprintf(stderr, "file-server: send: %s\n", strerror(errno));
        return false;
    }
    client->at += taken; /* perhaps less than a piece: the rest is read from the file again */
    client->sent += (uintmax_t)taken;
    return true;
}

/* Whether it can go on without waiting. A client whose requests are not yet served is not read
 * from: more requests wait in the socket, and if they fill it, their sender waits. */
static bool can_go_on(const struct client *client)
{
    return client->requests > 0 ? client->writable : client->readable;
}

static bool take_turn(struct client *client)
{
    return client->requests > 0 ? send_piece(client) : receive(client);
}

static void append(struct client *client)
{
    client->waits_for_turn = true;
    client->next = NULL;
    *last = client;
    last = &client->next;
}

static void end(struct client *client)
{
    printf("sent %ju\n", client->sent);
    fflush(stdout); /* into a pipe, stdio would keep the line until 4096 bytes have gathered */
    if (client->file != -1)
        close(client->file);
    close(client->socket); /* this was the only descriptor of it, so epoll forgets it too */
    free(client);
    may_accept = true; /* there is a descriptor to spare now */
}

static void accept_clients(int listener, int epoll)
{
    while (may_accept) {
        /* The listener's O_NONBLOCK is not handed on: it must be asked for here. */
        int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (socket == -1 && (errno == EAGAIN || errno == EMFILE || errno == ENFILE)) {
            may_accept = false; /* who comes now waits in the backlog */
            return;
        }
        if (socket == -1)
            fail("accept");
        struct client *client = malloc(sizeof *client);
        if (client == NULL)
            fail("malloc");
        *client = (struct client){ .socket = socket, .file = -1 };
        /* Both directions, once and for all: an edge is reported when something changes, so a
         * socket that stays writable wakes nobody. The price: go on until EAGAIN. */
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == -1)
            fail("epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: file-server FILE SOCKET\n");
        return EXIT_FAILURE;
    }
    path_of_file = argv[argc - 2];
    int listener = listen_at(argv[argc - 1]);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1)
        fail("epoll_create1");
    struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll_ctl");

    for (;;) {
        /* Sleep only when nobody can go on. */
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, first == NULL ? -1 : 0);
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL) {
                may_accept = true;
                continue;
            }
            /* EPOLLERR and EPOLLHUP need no case of their own: the next call tells what it is. */
            client->readable |= (events[i].events & ~(uint32_t)EPOLLOUT) != 0;
            client->writable |= (events[i].events & ~(uint32_t)EPOLLIN) != 0;
            if (can_go_on(client) && !client->waits_for_turn)
                append(client);
        }

        /* One turn for each of those that can go on; who still can comes into the next round. */
        struct client *round = first;
        first = NULL;
        last = &first;
        while (round != NULL) {
            struct client *client = round;
            round = client->next;
            client->waits_for_turn = false;
            if (!take_turn(client))
                end(client);
            else if (can_go_on(client))
                append(client);
        }
        accept_clients(listener, epoll);
    }
}
