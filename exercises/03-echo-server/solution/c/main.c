/* Exercise 3, reference solution in C: an echo server on a Unix stream socket.
 *
 * One client at a time: accept, say who it is, echo until its end, close, next. What a client
 * does wrong ends its own connection and nothing else. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel attaches no more descriptors to one message (SCM_MAX_FD). */
enum { MOST_DESCRIPTORS = 253 };

static void fail(const char *what)
{
    fprintf(stderr, "echo-server: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* The address for a path. One byte of sun_path is kept for the NUL, so 107 bytes fit. */
static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] == '\0') { /* the kernel would take it for an abstract name */
        errno = ENOENT;
        fail("the path is empty");
    }
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);
    return address;
}

/* Removes what a dead server left at the path, and nothing else.
 *
 * bind() never replaces a file, so a leftover must go first. But it may be the name of a living
 * server, and removing that would cut it off from its clients. Two questions keep us from it. */
static void make_way(const struct sockaddr_un *address)
{
    /* Is another of us here? The lock lasts exactly as long as its process, however that ends.
     * It is never given back, and its file never removed: that would let two of us hold one. */
    char lock_path[sizeof address->sun_path + sizeof ".lock"];
    snprintf(lock_path, sizeof lock_path, "%s.lock", address->sun_path);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock == -1)
        fail("cannot open the lock file");
    if (flock(lock, LOCK_EX | LOCK_NB) == -1)
        fail("another server holds the lock");

    /* Is any other server here? connect() is refused when nobody listens. It is also refused for
     * a file that is no socket, which is not ours to remove. */
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
    struct sockaddr_un address = address_of(path);
    make_way(&address);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Says who connected. The kernel noted it at connect(); the client cannot forge it. */
static void report_peer(int client)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1)
        fail("getsockopt");
    printf("peer pid=%d uid=%u gid=%u\n", peer.pid, peer.uid, peer.gid);
    fflush(stdout); /* into a pipe, stdio would keep the line until 4096 bytes have gathered */
}

/* Sends all of it. send() may accept only a part; the rest is for the next call. MSG_NOSIGNAL: a
 * client that is gone is an error of this connection, not a SIGPIPE that ends the server. */
static bool send_all(int client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(client, data, size, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Receives bytes, and the first descriptor that comes with them in *passed (-1: none came). */
static ssize_t receive(int client, char *data, size_t size, int *passed)
{
    union {
        char space[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec bytes = { .iov_base = data, .iov_len = size };
    struct msghdr message = {
        .msg_iov = &bytes,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t count;
    do
        count = recvmsg(client, &message, MSG_CMSG_CLOEXEC);
    while (count == -1 && errno == EINTR);
    *passed = -1;
    if (count == -1)
        return count;

    /* Most messages carry nothing: then there is no first header. Every descriptor that did come
     * is open here now, wanted or not, so those we do not use must be closed. */
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    for (; header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < descriptors; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (*passed == -1)
                *passed = descriptor;
            else
                close(descriptor);
        }
    }
    return count;
}

/* Sends what can be read from a file, to its end. */
static bool send_content(int client, int file)
{
    char data[65536];
    for (;;) {
        ssize_t count = read(file, data, sizeof data);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            fprintf(stderr, "echo-server: read of a passed file: %s\n", strerror(errno));
        if (count <= 0)
            return true;
        if (!send_all(client, data, (size_t)count))
            return false;
    }
}

static void serve(int client)
{
    char data[65536];
    for (;;) {
        int passed;
        ssize_t count = receive(client, data, sizeof data, &passed);
        if (count == -1)
            fprintf(stderr, "echo-server: recvmsg: %s\n", strerror(errno));
        if (count <= 0)
            return; /* 0: the client has said its last; -1: it is gone */
        bool sent = send_all(client, data, (size_t)count)
            && (passed == -1 || send_content(client, passed));
        if (passed != -1)
            close(passed);
        if (!sent)
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: echo-server PATH\n");
        return EXIT_FAILURE;
    }
    int listener = listen_at(argv[argc - 1]);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (client == -1)
            fail("accept");
        report_peer(client);
        serve(client);
        close(client);
    }
}
