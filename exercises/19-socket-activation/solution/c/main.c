/* Exercise 19, reference solution in C: an echo server that is started with its sockets in hand.
 *
 * First it reads its letter: LISTEN_PID says to whom it is addressed, LISTEN_FDS how many descriptors
 * came along, from 3 on, and LISTEN_FDNAMES what they are called. It believes none of it before it
 * has looked. Then one poll() waits for all sockets, and one client is served at a time. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 3 }; /* behind the standard three */

enum kind { NEITHER, LISTENING, CONNECTED };

/* The name this program made, to be removed at the end. The name of a socket that was given is the
 * manager's, which goes on listening. */
static const char *own_name;

static void fail(const char *what)
{
    fprintf(stderr, "socket-activation: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* SIGTERM: both calls are allowed in a signal handler (signal-safety(7)). */
static void end(int number)
{
    (void)number;
    if (own_name != NULL)
        unlink(own_name);
    _exit(EXIT_SUCCESS);
}

/* A decimal number of digits alone, at most `most`; or -1. atoi() would take "3x" for 3, and does what
 * it likes with a number that is too large. */
static long number(const char *text, long most)
{
    long value = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
        if (value > most)
            return -1;
    }
    return value;
}

/* How many descriptors were given to this process. The variables may be left from another one: whoever
 * is not named by LISTEN_PID was given nothing. */
static int sockets_given(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || number(pid, INT_MAX) != getpid())
        return 0;
    long given = number(count, INT_MAX - FIRST);
    if (given == -1) {
        fprintf(stderr, "socket-activation: LISTEN_FDS is not a count: '%s'\n", count);
        exit(EXIT_FAILURE);
    }
    return (int)given;
}

/* What a descriptor is. The sender may have been configured for another program. */
static enum kind kind_of(int fd)
{
    int type, listens;
    socklen_t type_bytes = sizeof type, listens_bytes = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_bytes) == -1 || type != SOCK_STREAM)
        return NEITHER; /* EBADF and ENOTSOCK are found here, too */
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_bytes) == -1)
        return NEITHER;
    if (listens)
        return LISTENING;
    struct sockaddr_un peer;
    socklen_t bytes = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &bytes) == 0 ? CONNECTED : NEITHER;
}

/* Looks at each descriptor before one is used, and keeps it from programs that this one starts. */
static enum kind look_at(int count)
{
    enum kind kind = NEITHER;
    for (int fd = FIRST; fd < FIRST + count; fd++) {
        kind = kind_of(fd);
        /* A connection is handed over alone: the manager starts a program for each. */
        if (kind == NEITHER || (kind == CONNECTED && count != 1)) {
            fprintf(stderr, "socket-activation: descriptor %d is not a socket to listen at\n", fd);
            exit(EXIT_FAILURE);
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
            fail("F_SETFD");
    }
    return kind;
}

/* Which of the sockets are called `upper`: the first name is descriptor 3's. strtok() would not do: a
 * name may be empty, and still counts. */
static void read_names(bool *upper, int count)
{
    const char *variable = getenv("LISTEN_FDNAMES");
    if (variable == NULL)
        return;
    char *names = strdup(variable), *rest = names, *name;
    if (names == NULL)
        fail("strdup");
    int found = 0;
    for (; (name = strsep(&rest, ":")) != NULL; found++)
        if (found < count)
            upper[found] = strcmp(name, "upper") == 0;
    free(names);
    if (found != count) {
        fprintf(stderr, "socket-activation: LISTEN_FDNAMES has %d names for %d sockets\n", found,
                count);
        exit(EXIT_FAILURE);
    }
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path);
    }
    strcpy(address.sun_path, path);
    return address;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    own_name = path;
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* O_NONBLOCK belongs to the open file, which is the manager's, too: what it is, nobody can know. */
static void set_nonblocking(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == -1)
        fail("O_NONBLOCK");
}

/* The letter was for this process. Programs that it starts must not take it for theirs. */
static void forget_letter(void)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* One datagram, as in sd_notify(3). Nobody who listens there is no reason not to serve. */
static void tell_manager(const char *path)
{
    struct sockaddr_un address = address_of(path);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name, which ends with its last byte */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        fail("socket");
    if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&address, bytes) == -1)
        perror("socket-activation: NOTIFY_SOCKET");
    close(fd);
}

static bool send_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent == -1)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* Serves one client until it has said its last, or is gone. */
static void converse(int fd, bool upper)
{
    char bytes[16384];
    ssize_t count;
    while ((count = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; upper && i < count; i++)
            if (bytes[i] >= 'a' && bytes[i] <= 'z')
                bytes[i] -= 'a' - 'A';
        if (!send_all(fd, bytes, (size_t)count))
            break;
    }
}

/* poll() waits for all sockets, so accept() must not wait for one: who shares the queue may have taken
 * the client that poll() saw. */
static void serve(struct pollfd *sockets, const bool *upper, int count)
{
    for (;;) {
        if (poll(sockets, (nfds_t)count, -1) == -1 && errno != EINTR)
            fail("poll");
        for (int i = 0; i < count; i++) {
            int client = accept4(sockets[i].fd, NULL, NULL, SOCK_CLOEXEC);
            if (client == -1) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                    fail("accept");
                continue;
            }
            converse(client, upper[i]);
            close(client);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: socket-activation PATH\n");
        return EXIT_FAILURE;
    }
    struct sigaction action = { .sa_handler = end };
    if (sigaction(SIGTERM, &action, NULL) == -1)
        fail("sigaction");

    int count = sockets_given();
    enum kind kind = look_at(count);
    int first = FIRST;
    bool own = count == 0;
    if (own)
        count = 1;
    bool *upper = calloc((size_t)count, sizeof *upper);
    struct pollfd *sockets = calloc((size_t)count, sizeof *sockets);
    if (upper == NULL || sockets == NULL)
        fail("calloc");
    if (own)
        first = listen_at(argv[1]);
    else
        read_names(upper, count);
    for (int i = 0; i < count; i++) {
        sockets[i] = (struct pollfd){ .fd = first + i, .events = POLLIN };
        set_nonblocking(first + i, kind != CONNECTED);
    }
    forget_letter();

    const char *hook = getenv("IPC_HOOK");
    if (hook != NULL && hook[0] != '\0' && system(hook) == -1)
        fail("IPC_HOOK");

    /* The sockets listen: from here on nobody is refused. */
    const char *manager = getenv("NOTIFY_SOCKET");
    if (manager != NULL && manager[0] != '\0')
        tell_manager(manager);

    if (kind == CONNECTED)
        converse(first, upper[0]);
    else
        serve(sockets, upper, count);
    return EXIT_SUCCESS;
}
