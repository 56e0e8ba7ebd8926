/* Exercise 14, reference solution in C: a command server on a Unix SEQPACKET socket.
 *
 * One packet is one command, so nothing here looks for the end of one. A single loop serves all
 * clients; no call in it waits but epoll_wait(). */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LONGEST = 512, LONGEST_KEY = 32, MOST_KEYS = 64 };

struct entry {
    char key[LONGEST_KEY], value[LONGEST];
    size_t key_length, value_length;
};

static struct entry store[MOST_KEYS];
static size_t stored;

struct client {
    int fd;
    bool leaving; /* has said QUIT */
    char reply[16 + LONGEST];
    size_t length; /* of a reply that has not gone yet; 0: there is none */
};

static void fail(const char *what)
{
    fprintf(stderr, "seqpacket-commands: %s: %s\n", what, strerror(errno));
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
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Keys and values are bytes with a length, not strings: a NUL is a byte like others. */
static struct entry *find(const char *key, size_t length)
{
    for (struct entry *entry = store; entry < store + stored; entry++)
        if (entry->key_length == length && memcmp(entry->key, key, length) == 0)
            return entry;
    return NULL;
}

static void say(struct client *client, const char *words, const char *value, size_t length)
{
    client->length = strlen(words);
    memcpy(client->reply, words, client->length);
    memcpy(client->reply + client->length, value, length);
    client->length += length;
}

static void say_value(struct client *client, const char *key, size_t length)
{
    const struct entry *entry = find(key, length);
    if (entry == NULL)
        say(client, "NONE", "", 0);
    else
        say(client, "VALUE ", entry->value, entry->value_length);
}

static void set_value(struct client *client, const char *key, size_t length, const char *value,
                      size_t value_length)
{
    struct entry *entry = find(key, length);
    if (entry == NULL && stored == MOST_KEYS) {
        say(client, "ERR full", "", 0);
        return;
    }
    if (entry == NULL)
        entry = &store[stored++];
    memcpy(entry->key, key, entry->key_length = length);
    memcpy(entry->value, value, entry->value_length = value_length);
    say(client, "OK", "", 0);
}

/* Carries out one command and leaves its reply in the client. */
static void carry_out(struct client *client, const char *packet, size_t length)
{
    if (length == 4 && memcmp(packet, "QUIT", 4) == 0) {
        client->leaving = true;
        say(client, "BYE", "", 0);
        return;
    }
    bool get = length > 4 && memcmp(packet, "GET ", 4) == 0;
    bool set = length > 4 && memcmp(packet, "SET ", 4) == 0;
    if (get || set) {
        const char *key = packet + 4, *end = packet + length;
        const char *blank = memchr(key, ' ', (size_t)(end - key));
        size_t key_length = (size_t)((blank == NULL ? end : blank) - key);
        bool fits = key_length >= 1 && key_length <= LONGEST_KEY;
        if (fits && get && blank == NULL) {
            say_value(client, key, key_length);
            return;
        }
        if (fits && set && blank != NULL) {
            set_value(client, key, key_length, blank + 1, (size_t)(end - blank) - 1);
            return;
        }
    }
    say(client, "ERR syntax", "", 0);
}

/* One packet, and its reply into the client; false when there is none and will be none. */
static bool receive(struct client *client)
{
    char packet[LONGEST];
    struct iovec room = { .iov_base = packet, .iov_len = sizeof packet };
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1 };
    ssize_t length = recvmsg(client->fd, &message, 0);
    /* ECONNRESET says that the client closed and left replies unread. It is said once, *before*
     * the packets that the client had sent; they are still there for the next calls. */
    if (length == -1)
        return errno == EAGAIN || errno == ECONNRESET;
    if (length == 0) /* the end, or a packet of no bytes: nobody can tell, so they mean the same */
        return false;
    if (message.msg_flags & MSG_TRUNC) /* the rest of the packet is gone */
        say(client, "ERR too long", "", 0);
    else
        carry_out(client, packet, (size_t)length);
    return true;
}

/* Sends the reply, whole or not at all; false when there is no room for it now. */
static bool reply(struct client *client)
{
    /* No MSG_NOSIGNAL: only stream sockets raise SIGPIPE. */
    if (send(client->fd, client->reply, client->length, 0) == -1 && errno == EAGAIN)
        return false;
    /* EPIPE or ECONNRESET: nobody will read it. What the client sent before it went is still to be
     * carried out, and its end comes behind that. */
    client->length = 0;
    return true;
}

static void watch(int loop, int operation, struct client *client, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = client };
    if (epoll_ctl(loop, operation, client->fd, &event) == -1)
        fail("epoll_ctl");
}

/* One turn of a client: a command and its reply, or the reply that had to wait. Who does not read
 * is not read from either. False when the conversation is over. */
static bool serve(int loop, struct client *client)
{
    bool waited = client->length > 0;
    if (!waited && !receive(client))
        return false;
    if (client->length == 0)
        return true;
    bool gone = reply(client);
    if (gone == waited)
        watch(loop, EPOLL_CTL_MOD, client, gone ? EPOLLIN : EPOLLOUT);
    return !(gone && client->leaving);
}

static void admit(int loop, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd == -1 && (errno == EAGAIN || errno == ECONNABORTED))
        return;
    if (fd == -1)
        fail("accept");
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        fail("calloc");
    client->fd = fd;
    watch(loop, EPOLL_CTL_ADD, client, EPOLLIN);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: seqpacket-commands PATH\n");
        return EXIT_FAILURE;
    }
    int listener = listen_at(argv[argc - 1]);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop == -1 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll");
    for (;;) {
        int count = epoll_wait(loop, &event, 1, -1);
        if (count == -1 && errno == EINTR) /* also after SIGSTOP and SIGCONT, without any handler */
            continue;
        if (count == -1)
            fail("epoll_wait");
        struct client *client = event.data.ptr;
        if (client == NULL) {
            admit(loop, listener);
        } else if (!serve(loop, client)) {
            close(client->fd);
            free(client);
        }
    }
}
