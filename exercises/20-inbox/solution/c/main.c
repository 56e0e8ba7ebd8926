/* Exercise 20, reference solution in C: the inbox, a server that keeps going whatever its clients do.
 *
 * One loop serves all clients, and no call in it waits for one of them but epoll_wait(). For each
 * client there is at most one frame that has not come to its end and one reply that has not gone. */

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
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LARGEST = 65536, SHOWN = 200, MOST_GROUPS = 65536 };

enum status { DONE, UNKNOWN, NOT_ALLOWED, TOO_LARGE, NOT_WRITTEN };

struct client {
    int fd;
    struct ucred who; /* as the kernel wrote it down at connect() */
    bool member;      /* of the group */
    bool leaving;     /* its frame was too large: what still comes is thrown away */
    uint32_t events;  /* what the loop waits for */
    unsigned char header[HEADER];
    unsigned char *payload;
    size_t have; /* bytes of the frame, its header counted */
    unsigned char reply[8];
    size_t unsent; /* bytes at the end of the reply */
};

static int loop, listener;
static bool listening = true;  /* whether the loop looks at the listener */
static const char *own_path;   /* the name to be removed at the end */
static gid_t own_group;

static void fail(const char *what)
{
    fprintf(stderr, "inbox: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void leave(void)
{
    if (own_path != NULL)
        unlink(own_path);
    exit(EXIT_SUCCESS);
}

/* ---- the address ------------------------------------------------------------------------------ */

/* Removes what a dead server left at the path, and nothing else. The lock lasts as long as its
 * process, however that ends; its file stays, or two of us could hold one. */
static void make_way(const struct sockaddr_un *address)
{
    char lock_path[sizeof address->sun_path + sizeof ".lock"];
    snprintf(lock_path, sizeof lock_path, "%s.lock", address->sun_path);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock == -1)
        fail("cannot open the lock file");
    if (flock(lock, LOCK_EX | LOCK_NB) == -1)
        fail("another server holds the lock");
    /* One that knows nothing of our lock? connect() is refused when nobody listens. */
    struct stat found;
    if (lstat(address->sun_path, &found) == -1 || !S_ISSOCK(found.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe == -1)
        fail("socket");
    if (connect(probe, (const struct sockaddr *)address, sizeof *address) == -1
        && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(probe);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path) {
        errno = path[0] == '\0' ? ENOENT : ENAMETOOLONG;
        fail("the path cannot be a socket's name");
    }
    strcpy(address.sun_path, path);
    make_way(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        fail("socket");
    /* bind() makes the name with mode 0777 less the umask: 0666 from its first moment. */
    mode_t before = umask(0111);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    umask(before);
    own_path = path;
    if (listen(fd, SOMAXCONN) == -1)
        fail("listen");
    return fd;
}

/* The socket that a service manager listens at for us, or -1. Its name is not ours to remove. */
static int given_listener(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != getpid() || strcmp(count, "1") != 0)
        return -1;
    fcntl(3, F_SETFD, FD_CLOEXEC);
    fcntl(3, F_SETFL, O_NONBLOCK);
    return 3;
}

/* ---- who is it, and what may it do? ----------------------------------------------------------- */

static bool is_member(int fd, const struct ucred *who)
{
    static gid_t groups[MOST_GROUPS]; /* a process cannot have more */
    socklen_t bytes = sizeof groups;
    if (who->gid == own_group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == -1)
        return false;
    for (size_t i = 0; i < bytes / sizeof(gid_t); i++)
        if (groups[i] == own_group)
            return true;
    return false;
}

static bool may_shut_down(const struct client *client)
{
    return client->who.uid == geteuid() || client->who.uid == 0;
}

static bool may_send(const struct client *client)
{
    return client->member || may_shut_down(client);
}

/* ---- replies ---------------------------------------------------------------------------------- */

/* Sends what is left of a reply. What does not go now waits for EPOLLOUT, and until then nothing
 * more is read from this client: a client that does not read is made to wait, and nobody else. */
static bool send_rest(struct client *client)
{
    const unsigned char *rest = client->reply + sizeof client->reply - client->unsent;
    ssize_t sent = send(client->fd, rest, client->unsent, MSG_DONTWAIT);
    if (sent == -1)
        return errno == EAGAIN || errno == EINTR;
    client->unsent -= (size_t)sent;
    return true;
}

static bool reply(struct client *client, const void *bytes, size_t length)
{
    client->unsent = length;
    memcpy(client->reply + sizeof client->reply - length, bytes, length);
    return send_rest(client);
}

static bool tell(struct client *client, enum status status)
{
    return reply(client, (const unsigned char[]){ 0, 0, 0, (unsigned char)status }, 4);
}

/* ---- commands --------------------------------------------------------------------------------- */

/* Writes the line about a message; false when it could not be written. Nothing of a message gets
 * into it but printable ASCII, and of that no backslash: no text can end the line or look like
 * something else. */
static bool write_line(const struct client *client, const unsigned char *text, size_t length)
{
    char line[100 + 4 * SHOWN];
    int end = sprintf(line, "message uid=%u pid=%d bytes=%zu ", client->who.uid, client->who.pid, length);
    for (size_t i = 0; i < length && i < SHOWN; i++)
        if (text[i] >= ' ' && text[i] <= '~' && text[i] != '\\')
            line[end++] = (char)text[i];
        else
            end += sprintf(line + end, "\\x%02x", text[i]);
    line[end++] = '\n';
    for (int done = 0; done < end;) {
        ssize_t count = write(STDOUT_FILENO, line + done, (size_t)(end - done));
        if (count == -1 && errno != EINTR)
            return false;
        if (count > 0)
            done += (int)count;
    }
    return true;
}

static bool begins_with(const unsigned char *payload, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(payload, word, strlen(word)) == 0;
}

static bool is(const unsigned char *payload, size_t length, const char *word)
{
    return length == strlen(word) && begins_with(payload, length, word);
}

static bool carry_out(struct client *client, const unsigned char *payload, size_t length)
{
    if (is(payload, length, "PING"))
        return reply(client, "\0\0\0\4PONG", 8);
    if (is(payload, length, "SHUTDOWN")) {
        if (!may_shut_down(client))
            return tell(client, NOT_ALLOWED);
        tell(client, DONE); /* also when nobody hears it: it was allowed */
        leave();
    }
    if (begins_with(payload, length, "SEND ")) {
        if (!may_send(client))
            return tell(client, NOT_ALLOWED);
        /* First the line, then the word for it: who is told 0 can rely on the line. */
        return tell(client, write_line(client, payload + 5, length - 5) ? DONE : NOT_WRITTEN);
    }
    return tell(client, UNKNOWN);
}

/* ---- frames ----------------------------------------------------------------------------------- */

static uint32_t frame_length(const struct client *client)
{
    const unsigned char *header = client->header;
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
}

/* Takes what came, at most to the end of a frame: so nothing is read ahead, and what a client has
 * announced but not sent takes no memory worth speaking of. False when the conversation is over. */
static bool receive(struct client *client)
{
    size_t end = HEADER + (client->have < HEADER ? 0 : frame_length(client));
    unsigned char *to = client->have < HEADER ? client->header + client->have
                                              : client->payload + client->have - HEADER;
    ssize_t count = recv(client->fd, to, end - client->have, MSG_DONTWAIT);
    if (count <= 0)
        return count == -1 && (errno == EAGAIN || errno == EINTR);
    client->have += (size_t)count;
    if (client->have < HEADER)
        return true;
    uint32_t length = frame_length(client);
    if (length > LARGEST) { /* before anything is made of this number */
        client->leaving = true;
        return tell(client, TOO_LARGE);
    }
    if (client->have == HEADER && length > 0) {
        client->payload = malloc(length);
        return client->payload != NULL;
    }
    if (client->have < HEADER + length)
        return true;
    client->have = 0;
    bool on = carry_out(client, client->payload, length);
    free(client->payload);
    client->payload = NULL;
    return on;
}

/* Throws away what comes. After close() the client's send() would fail, and who gets EPIPE there
 * may never come to read the status. */
static bool drain(const struct client *client)
{
    char rest[65536];
    ssize_t count = recv(client->fd, rest, sizeof rest, MSG_DONTWAIT);
    return count > 0 || (count == -1 && (errno == EAGAIN || errno == EINTR));
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void watch(int operation, int fd, uint32_t events, void *what)
{
    struct epoll_event event = { .events = events, .data.ptr = what };
    if (epoll_ctl(loop, operation, fd, &event) == -1)
        fail("epoll_ctl");
}

/* When there is no descriptor for a new connection, the loop would be told of it without end. So it
 * looks away until a client has gone, or some time has passed: the want may be somebody else's. */
static void look_at_listener(bool look)
{
    if (look != listening)
        watch(EPOLL_CTL_MOD, listener, look ? EPOLLIN : 0, &listener);
    listening = look;
}

static void release(struct client *client)
{
    close(client->fd);
    free(client->payload);
    free(client);
    look_at_listener(true);
}

static void admit(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        look_at_listener(false);
    else if (fd == -1 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        fail("accept");
    if (fd == -1)
        return;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        fail("calloc");
    client->fd = fd;
    client->events = EPOLLIN;
    socklen_t bytes = sizeof client->who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->who, &bytes) == -1)
        fail("getsockopt");
    client->member = is_member(fd, &client->who);
    watch(EPOLL_CTL_ADD, fd, client->events, client);
}

static void serve(struct client *client)
{
    bool on = client->unsent > 0 ? send_rest(client) : client->leaving ? drain(client) : receive(client);
    if (!on) {
        release(client);
        return;
    }
    uint32_t events = client->unsent > 0 ? EPOLLOUT : EPOLLIN;
    if (events != client->events)
        watch(EPOLL_CTL_MOD, client->fd, events, client);
    client->events = events;
}

/* A signal becomes something to read, and has its place in the loop like all else. */
static int signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: inbox GROUP PATH\n");
        return EXIT_FAILURE;
    }
    char *end;
    unsigned long group = strtoul(argv[1], &end, 10);
    if (argv[1][0] < '0' || argv[1][0] > '9' || *end != '\0' || group >= (gid_t)-1) {
        fprintf(stderr, "inbox: not the number of a group: %s\n", argv[1]);
        return EXIT_FAILURE;
    }
    own_group = (gid_t)group;
    signal(SIGPIPE, SIG_IGN); /* EPIPE says the same, where it can be dealt with */
    struct rlimit files;      /* as many clients as the administrator lets us have */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int ending = signals();
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (ending == -1 || loop == -1)
        fail("cannot make the loop");
    listener = given_listener();
    if (listener == -1)
        listener = listen_at(argv[2]);
    watch(EPOLL_CTL_ADD, ending, EPOLLIN, NULL);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    for (;;) {
        struct epoll_event event; /* one at a time: none can be about a client that has gone since */
        int count = epoll_wait(loop, &event, 1, listening ? -1 : 500);
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        if (count == 0)
            look_at_listener(true);
        if (count != 1)
            continue;
        if (event.data.ptr == NULL)
            leave();
        else if (event.data.ptr == &listener)
            admit();
        else
            serve(event.data.ptr);
    }
}
