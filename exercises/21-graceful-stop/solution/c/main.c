/* Exercise 21, reference solution in C: a server that stops when it is told to.
 *
 * A frame comes in; a frame with the same payload, the last byte first, goes out. SIGTERM and SIGINT
 * are blocked and come through a descriptor, so that one poll() waits for them and for everything
 * else: there is no moment in which one could get lost. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 4, LARGEST = 1 << 20, MOST_CLIENTS = 500 };

struct client {
    int fd;
    bool replying;        /* the frame is a reply that is being sent */
    size_t done;          /* so many bytes of it have been read, or sent */
    unsigned char *frame; /* there is room for the largest */
};

static struct client clients[MOST_CLIENTS];
static size_t count;
static bool stopping;

static void fail(const char *what)
{
    fprintf(stderr, "graceful-stop: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Both signals, as bytes to read. Whoever blocks them before the name can be seen is never caught
 * unprepared: one that comes too early waits in the kernel. */
static int watch_signals(void)
{
    sigset_t told;
    sigemptyset(&told);
    sigaddset(&told, SIGTERM);
    sigaddset(&told, SIGINT);
    if (sigprocmask(SIG_BLOCK, &told, NULL) == -1)
        fail("sigprocmask");
    signal(SIGHUP, SIG_IGN); /* there is no terminal to lose, and nothing to read anew */
    int signals = signalfd(-1, &told, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals == -1)
        fail("signalfd");
    return signals;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Takes one connection; false: nobody waits. */
static bool admit(int listener)
{
    if (count == MOST_CLIENTS)
        return false;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd == -1 && errno == EAGAIN)
        return false;
    if (fd == -1)
        fail("accept");
    unsigned char *frame = malloc(HEADER + LARGEST);
    if (frame == NULL)
        fail("malloc");
    clients[count++] = (struct client){ .fd = fd, .frame = frame };
    return true;
}

static void release(size_t index)
{
    close(clients[index].fd);
    free(clients[index].frame);
    clients[index] = clients[--count];
}

static size_t payload_length(const unsigned char *frame)
{
    return (size_t)frame[0] << 24 | (size_t)frame[1] << 16 | (size_t)frame[2] << 8 | frame[3];
}

static void reverse(unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length / 2; i++) {
        unsigned char byte = bytes[i];
        bytes[i] = bytes[length - 1 - i];
        bytes[length - 1 - i] = byte;
    }
}

/* Sends more of a reply, as much as there is room for. */
static bool send_more(struct client *client)
{
    size_t size = HEADER + payload_length(client->frame);
    ssize_t sent = send(client->fd, client->frame + client->done, size - client->done, MSG_NOSIGNAL);
    if (sent == -1)
        return errno == EAGAIN;
    client->done += (size_t)sent;
    if (client->done == size) {
        client->replying = false;
        client->done = 0;
    }
    return true;
}

/* Reads more of a request, as much as is there. A client that owes no byte of one when the server
 * stops has nothing to wait for, and neither has the server. */
static bool read_more(struct client *client)
{
    size_t end = HEADER;
    if (client->done >= HEADER)
        end += payload_length(client->frame);
    ssize_t got = recv(client->fd, client->frame + client->done, end - client->done, 0);
    if (got == -1 && errno == EAGAIN)
        return !(stopping && client->done == 0);
    if (got <= 0)
        return false;
    client->done += (size_t)got;
    if (client->done < HEADER)
        return true;
    size_t length = payload_length(client->frame);
    if (length > LARGEST)
        return false;
    if (client->done == HEADER + length) {
        reverse(client->frame + HEADER, length);
        client->replying = true;
        client->done = 0;
    }
    return true;
}

/* Goes a step on with a client, without waiting; false: this was the last one. */
static bool serve(struct client *client)
{
    if (client->replying && !send_more(client))
        return false;
    return client->replying || read_more(client);
}

/* From now on nobody comes. The name goes first: then nobody new can find us, a successor can take
 * the name, and accept() gets to the end of those who had been let into the queue. Closed with them
 * in it, the socket would reset their connections. */
static void stop_listening(int listener, const char *path)
{
    unlink(path);
    while (admit(listener)) {
    }
    close(listener);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: graceful-stop GRACE PATH\n");
        return EXIT_FAILURE;
    }
    int64_t grace_ms = strtoll(argv[1], NULL, 10), deadline = 0;
    const char *path = argv[2];
    int signals = watch_signals();
    int listener = listen_at(path);

    while (!stopping || count > 0) {
        /* poll() passes over descriptors below 0. */
        struct pollfd fds[2 + MOST_CLIENTS] = {
            { .fd = stopping ? -1 : signals, .events = POLLIN },
            { .fd = stopping || count == MOST_CLIENTS ? -1 : listener, .events = POLLIN },
        };
        size_t polled = count;
        for (size_t i = 0; i < polled; i++)
            fds[2 + i] = (struct pollfd){
                .fd = clients[i].fd,
                .events = clients[i].replying ? POLLOUT : POLLIN,
            };
        int64_t left = stopping ? deadline - now_ms() : -1;
        if (stopping && left <= 0)
            break; /* the grace is over; what is not finished now ends with us */
        if (poll(fds, 2 + polled, left > 60000 ? 60000 : (int)left) == -1 && errno != EINTR)
            fail("poll");
        bool told = fds[0].revents != 0;
        if (told) {
            deadline = now_ms() + grace_ms;
            stop_listening(listener, path);
            stopping = true;
            polled = count;
        } else if (fds[1].revents != 0) {
            admit(listener);
        }
        /* What came before the signal may have come after poll() looked: once, all are tried. */
        for (size_t i = polled; i-- > 0;)
            if ((told || fds[2 + i].revents != 0) && !serve(&clients[i]))
                release(i);
    }
    return EXIT_SUCCESS;
}
