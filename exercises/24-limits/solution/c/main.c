/* Exercise 24, reference solution in C: a server with limits for each user.
 *
 * A single loop serves all clients, and no call in it waits for a client but epoll_wait(). A limit
 * is a number that is compared; nobody is made to wait by a loop that sleeps. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 4, LONGEST = 65536, HIGHEST = 1000000 };

/* Everybody with the same uid. */
struct user {
    struct user *next;
    uid_t uid;
    int64_t connections;
    int64_t credit; /* the bucket, in milliseconds: a token is worth refill_ms of them */
    int64_t since;  /* when that was so */
};

struct client {
    struct client *next;
    int fd;
    struct user *user;
    unsigned char header[HEADER];
    size_t have;      /* bytes of the frame; 0 between two frames */
    int64_t deadline; /* of the frame, once it has begun */
};

static int64_t burst, refill_ms, most_connections, frame_ms;
static struct user *users;
static struct client *clients;

static void fail(const char *what)
{
    fprintf(stderr, "limits: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* What is no number must not become one: atoi() would make a limit of 0 out of a word. */
static int64_t limit_from(const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > HIGHEST) {
        fprintf(stderr, "limits: not a number from 1 to %d: %s\n", HIGHEST, text);
        exit(EXIT_FAILURE);
    }
    return (int64_t)number;
}

/* A clock that nobody sets. time() and CLOCK_REALTIME jump when the date is corrected. */
static int64_t now_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
        fail("clock_gettime");
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Counts what has come into the bucket since it was last looked at. It is kept in milliseconds, so
 * that half a token is not lost, however often somebody asks. */
static void refill(struct user *user)
{
    int64_t now = now_ms(), full = burst * refill_ms;
    user->credit += now - user->since;
    user->since = now;
    if (user->credit > full)
        user->credit = full;
}

/* Takes a token if there is one. A refusal takes nothing. */
static bool take_token(struct user *user)
{
    refill(user);
    if (user->credit < refill_ms)
        return false;
    user->credit -= refill_ms;
    return true;
}

/* Finds a user or makes one. On the way it drops whoever has no connection and a full bucket: that
 * is how they would be made anew, so nothing is forgotten. The list is as long as users are active. */
static struct user *find_user(uid_t uid)
{
    struct user **link = &users, *found = NULL;
    while (*link != NULL) {
        struct user *user = *link;
        refill(user);
        if (user->uid == uid) {
            found = user;
        } else if (user->connections == 0 && user->credit == burst * refill_ms) {
            *link = user->next;
            free(user);
            continue;
        }
        link = &user->next;
    }
    if (found != NULL)
        return found;
    struct user *user = malloc(sizeof *user);
    if (user == NULL)
        fail("malloc");
    *user = (struct user){ .next = users, .uid = uid, .credit = burst * refill_ms, .since = now_ms() };
    users = user;
    return user;
}

/* Sends one frame. Who leaves so many replies unread that this one has no room is let go, like
 * one that is gone. */
static bool tell(int fd, const char *words)
{
    unsigned char frame[HEADER + 8] = { 0, 0, 0, (unsigned char)strlen(words) };
    size_t length = HEADER + strlen(words);
    memcpy(frame + HEADER, words, strlen(words));
    return send(fd, frame, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

static uint32_t frame_length(const unsigned char *header)
{
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
}

/* Takes what has come, at most to the end of a frame. False when the conversation is over. */
static bool serve(struct client *client)
{
    static unsigned char payload[LONGEST]; /* nobody reads it: here a request only counts */
    ssize_t count;
    if (client->have < HEADER) {
        size_t room = HEADER - client->have;
        count = recv(client->fd, client->header + client->have, room, MSG_DONTWAIT);
    } else {
        size_t room = HEADER + frame_length(client->header) - client->have;
        count = recv(client->fd, payload, room, MSG_DONTWAIT);
    }
    if (count <= 0)
        return count == -1 && errno == EAGAIN;
    if (client->have == 0) /* the first byte, and only that one, starts the clock */
        client->deadline = now_ms() + frame_ms;
    client->have += (size_t)count;
    if (client->have < HEADER)
        return true;
    uint32_t length = frame_length(client->header);
    if (length > LONGEST) {
        tell(client->fd, "SIZE");
        return false;
    }
    if (client->have < HEADER + length)
        return true;
    client->have = 0;
    return tell(client->fd, take_token(client->user) ? "OK" : "SLOW");
}

/* The one way out, for whatever reason: what admit() has counted is given back here. */
static void release(struct client *client)
{
    struct client **link = &clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    client->user->connections--;
    close(client->fd);
    free(client);
}

static void admit(int loop, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1 && (errno == EAGAIN || errno == ECONNABORTED))
        return;
    if (fd == -1)
        fail("accept");
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == -1)
        fail("getsockopt");
    struct user *user = find_user(peer.uid);
    if (user->connections >= most_connections) { /* never counted, so nothing to give back */
        tell(fd, "BUSY");
        close(fd);
        return;
    }
    struct client *client = malloc(sizeof *client);
    if (client == NULL)
        fail("malloc");
    *client = (struct client){ .next = clients, .fd = fd, .user = user };
    clients = client;
    user->connections++;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == -1)
        fail("epoll_ctl");
}

/* Lets those go whose frame is late. Returns the milliseconds to the next deadline; -1 if there is
 * none. */
static int expire(void)
{
    int64_t now = now_ms(), next = -1;
    for (struct client *client = clients, *after; client != NULL; client = after) {
        after = client->next;
        if (client->have == 0)
            continue;
        int64_t left = client->deadline - now;
        if (left <= 0) {
            tell(client->fd, "LATE");
            release(client);
        } else if (next == -1 || left < next) {
            next = left;
        }
    }
    return (int)next;
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
    /* bind() makes the name with mode 0777 less the umask: 0666, so that everybody may connect. */
    mode_t before = umask(0111);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: limits BURST REFILL-MS CONNECTIONS FRAME-MS PATH\n");
        return EXIT_FAILURE;
    }
    burst = limit_from(argv[1]);
    refill_ms = limit_from(argv[2]);
    most_connections = limit_from(argv[3]);
    frame_ms = limit_from(argv[4]);
    int listener = listen_at(argv[5]);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop == -1 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll");
    for (;;) {
        int count = epoll_wait(loop, &event, 1, expire());
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        if (count != 1)
            continue;
        struct client *client = event.data.ptr;
        if (client == NULL)
            admit(loop, listener);
        else if (!serve(client))
            release(client);
    }
}
