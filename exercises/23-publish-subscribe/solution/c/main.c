/* Exercise 23, reference solution in C: a broker that hands on what is published, and waits for
 * nobody.
 *
 * A single loop serves all clients, and no call in it waits for a client but epoll_wait(). Each
 * client has a queue of its own, with room for so many bytes: what the kernel does not take stays
 * there, and when there is no more room, the client is told and let go. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LONGEST = 65536, LONGEST_TOPIC = 100, LAST_WORD = HEADER + 3 };

struct topic {
    struct topic *next;
    size_t length;
    unsigned char name[LONGEST_TOPIC];
};

struct client {
    struct client *next;
    int fd;
    uint32_t events; /* what epoll looks for */
    bool ended;      /* it has said its last: nothing more will come from it */
    bool deaf;       /* it has closed: nothing more can be sent to it */
    bool leaving;    /* its last word is in the queue: ERR or LAG */
    struct topic *topics;
    unsigned char in[HEADER + LONGEST];
    size_t have; /* bytes of `in` */
    unsigned char *waiting;
    size_t queued; /* bytes of `waiting`: frames that the kernel has not taken */
};

static struct client *clients;
static size_t limit;

static void fail(const char *what)
{
    fprintf(stderr, "publish-subscribe: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL)
        fail("calloc");
    return memory;
}

/* --- topics --------------------------------------------------------------------------------- */

/* Where this topic is in the client's list, or the list's end. A topic is bytes, not a string. */
static struct topic **find(struct client *client, const unsigned char *name, size_t length)
{
    struct topic **place = &client->topics;
    while (*place != NULL && !((*place)->length == length && memcmp((*place)->name, name, length) == 0))
        place = &(*place)->next;
    return place;
}

static void subscribe(struct client *client, const unsigned char *name, size_t length)
{
    struct topic **place = find(client, name, length);
    if (*place != NULL)
        return;
    *place = allocate(sizeof **place);
    (*place)->length = length;
    memcpy((*place)->name, name, length);
}

static void remove_topic(struct topic **place)
{
    struct topic *topic = *place;
    if (topic == NULL)
        return;
    *place = topic->next;
    free(topic);
}

static void forget_topics(struct client *client)
{
    while (client->topics != NULL)
        remove_topic(&client->topics);
}

/* --- what goes out -------------------------------------------------------------------------- */

/* Hands the kernel what it takes. The rest stays, be it in the middle of a frame. */
static void flush(struct client *client)
{
    size_t sent = 0;
    while (sent < client->queued) {
        ssize_t count = send(client->fd, client->waiting + sent, client->queued - sent,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count == -1) {
            client->deaf = errno != EAGAIN;
            break;
        }
        sent += (size_t)count;
    }
    client->queued = client->deaf ? 0 : client->queued - sent;
    memmove(client->waiting, client->waiting + sent, client->queued);
}

static void append(struct client *client, const unsigned char *frame, size_t bytes)
{
    memcpy(client->waiting + client->queued, frame, bytes);
    client->queued += bytes;
    flush(client);
}

/* The last word goes behind what waits already, and there is always room for it. From now on the
 * client gets nothing more and has no topics; it is released when all has been sent. */
static void say_last(struct client *client, const char *word)
{
    unsigned char frame[LAST_WORD] = { 0, 0, 0, 3 };
    memcpy(frame + HEADER, word, 3);
    client->leaving = true;
    forget_topics(client);
    append(client, frame, sizeof frame);
}

/* Queues a whole frame, or says LAG. Nobody is released here: somebody may be going through the
 * list of clients. */
static void put(struct client *client, const unsigned char *frame, size_t bytes)
{
    if (client->leaving || client->deaf)
        return;
    if (client->queued + bytes > limit)
        say_last(client, "LAG");
    else
        append(client, frame, bytes);
}

/* --- what comes in -------------------------------------------------------------------------- */

/* Of PUB and MSG the lengths are the same, and so is the rest: the frame goes on as it came, but for
 * three letters. Each queue gets a copy, so that `in` may be used again at once. */
static void publish(struct client *publisher, unsigned char *frame, size_t bytes,
                    const unsigned char *topic, size_t topic_length)
{
    memcpy(frame + HEADER, "MSG", 3);
    for (struct client *client = clients; client != NULL; client = client->next)
        if (client != publisher && *find(client, topic, topic_length) != NULL)
            put(client, frame, bytes);
}

static void carry_out(struct client *client, unsigned char *frame, size_t length)
{
    enum { SUB, UNSUB, PUB, NONE };
    static const char *const verbs[] = { "SUB ", "UNSUB ", "PUB " };
    unsigned char *words = frame + HEADER;
    size_t verb = 0;
    int command = SUB;
    for (; command != NONE; command++) {
        verb = strlen(verbs[command]);
        if (length >= verb && memcmp(words, verbs[command], verb) == 0)
            break;
    }
    if (command == NONE) {
        say_last(client, "ERR");
        return;
    }
    const unsigned char *topic = words + verb, *end = words + length;
    const unsigned char *blank = memchr(topic, ' ', (size_t)(end - topic));
    size_t topic_length = (size_t)((blank != NULL ? blank : end) - topic);
    /* A PUB has a blank behind its topic, also when the data is empty; the others have none. */
    if ((blank != NULL) != (command == PUB) || topic_length == 0 || topic_length > LONGEST_TOPIC) {
        say_last(client, "ERR");
        return;
    }
    if (command == SUB)
        subscribe(client, topic, topic_length);
    else if (command == UNSUB)
        remove_topic(find(client, topic, topic_length));
    else
        publish(client, frame, HEADER + length, topic, topic_length);
    put(client, (const unsigned char *)"\0\0\0\2OK", HEADER + 2);
}

static uint32_t frame_length(const unsigned char *header)
{
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
}

/* Takes what came, and carries out the frames that are whole. A client that has closed is heard to
 * the end: what it sent before counts. */
static void take(struct client *client)
{
    ssize_t count = recv(client->fd, client->in + client->have, sizeof client->in - client->have,
                         MSG_DONTWAIT);
    if (count == -1 && errno == EAGAIN)
        return;
    if (count <= 0) {
        client->ended = true;
        client->deaf = client->deaf || count == -1;
        return;
    }
    client->have += (size_t)count;
    size_t at = 0;
    while (!client->leaving && client->have - at >= HEADER) {
        uint32_t length = frame_length(client->in + at);
        if (length > LONGEST) {
            say_last(client, "ERR");
            break;
        }
        if (client->have - at < HEADER + length)
            break;
        carry_out(client, client->in + at, length);
        at += HEADER + length;
    }
    client->have -= at;
    memmove(client->in, client->in + at, client->have);
}

/* --- clients -------------------------------------------------------------------------------- */

static void watch(int loop, int operation, struct client *client, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = client };
    if (epoll_ctl(loop, operation, client->fd, &event) == -1)
        fail("epoll_ctl");
    client->events = events;
}

static void admit(int loop, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1 && (errno == EAGAIN || errno == ECONNABORTED))
        return;
    if (fd == -1)
        fail("accept");
    struct client *client = allocate(sizeof *client);
    client->fd = fd;
    client->waiting = malloc(limit + LAST_WORD); /* pages that are never touched cost nothing */
    if (client->waiting == NULL)
        fail("malloc");
    client->next = clients;
    clients = client;
    watch(loop, EPOLL_CTL_ADD, client, EPOLLIN);
}

/* Whether nothing more is to be done for a client. One that has said its last is still here to
 * listen, as long as it has a topic. */
static bool is_over(const struct client *client)
{
    if (client->queued > 0)
        return false;
    return client->leaving || (client->ended && (client->deaf || client->topics == NULL));
}

/* Releases who is through, and tells epoll what to look for now: bytes until the client has said its
 * last, room while something waits. The only place where a client leaves the list. */
static void tidy_up(int loop)
{
    struct client **place = &clients;
    while (*place != NULL) {
        struct client *client = *place;
        if (is_over(client)) {
            *place = client->next;
            forget_topics(client);
            close(client->fd);
            free(client->waiting);
            free(client);
            continue;
        }
        uint32_t in = client->ended || client->leaving ? 0 : EPOLLIN;
        uint32_t events = in | (client->queued > 0 ? EPOLLOUT : 0);
        if (events != client->events)
            watch(loop, EPOLL_CTL_MOD, client, events);
        place = &client->next;
    }
}

static void serve(struct client *client, uint32_t events)
{
    if (events & EPOLLOUT)
        flush(client);
    if (events & EPOLLIN) {
        take(client);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        /* There is nothing left to be heard from it, and it has closed. */
        client->ended = client->deaf = true;
        client->queued = 0;
    }
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

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: publish-subscribe BYTES PATH\n");
        return EXIT_FAILURE;
    }
    limit = strtoul(argv[1], NULL, 10);
    int listener = listen_at(argv[2]);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop == -1 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll");
    for (;;) {
        int count = epoll_wait(loop, &event, 1, -1);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            fail("epoll_wait");
        if (event.data.ptr == NULL)
            admit(loop, listener);
        else
            serve(event.data.ptr, event.events);
        tidy_up(loop);
    }
}
