/* Exercise 33, reference solution in C: a clipboard whose payload never passes its socket.
 *
 *     mini-clip copy TYPE PATH < payload      owns the clipboard until it is ended
 *     mini-clip paste TYPE PATH > payload
 *
 * Over the socket go four short lines and one descriptor: the end of a pipe that paste made. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE = 100 }; /* the longest line, its line feed included */

static void fail(const char *what)
{
    fprintf(stderr, "mini-clip: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void give_up(const char *why)
{
    fprintf(stderr, "mini-clip: %s\n", why);
    exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        give_up("the path does not fit into a socket address");
    strcpy(address.sun_path, path);
    return address;
}

/* Writes all of it, to whatever it is; false: somebody is gone, or it cannot be written to. */
static bool write_all(int to, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(to, data, size);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* ---- paste ------------------------------------------------------------------------------------- */

/* Sends a line, with a descriptor attached to its first byte. */
static void ask(int owner, const char *type, int descriptor)
{
    char line[LINE + 1];
    int size = snprintf(line, sizeof line, "%s\n", type);
    if (size > LINE)
        give_up("the type is too long");
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(sizeof descriptor)];
    } control = { 0 };
    struct iovec data = { .iov_base = line, .iov_len = (size_t)size };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    ssize_t sent;
    do
        sent = sendmsg(owner, &message, MSG_NOSIGNAL);
    while (sent == -1 && errno == EINTR);
    if (sent == -1)
        fail("sendmsg");
    /* What was not accepted goes without the descriptor, which went with the first byte. */
    if (!write_all(owner, line + sent, (size_t)(size - sent)))
        fail("the owner of the clipboard");
}

/* Reads a line, byte by byte: there are few, and what follows the line feed is the next one's. */
static void read_line(int owner, char line[LINE])
{
    for (size_t size = 0; size < LINE; size++) {
        ssize_t got;
        do
            got = recv(owner, line + size, 1, 0);
        while (got == -1 && errno == EINTR);
        if (got == -1)
            fail("the owner of the clipboard");
        if (got == 0)
            give_up("the owner of the clipboard is gone");
        if (line[size] == '\n') {
            line[size] = '\0';
            return;
        }
    }
    give_up("the owner of the clipboard talks too much");
}

/* Hands on every byte until nobody can write any more. */
static unsigned long long drain(int pipe)
{
    char data[65536];
    unsigned long long count = 0;
    for (;;) {
        ssize_t got = read(pipe, data, sizeof data);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("the pipe");
        if (got == 0)
            return count;
        if (!write_all(STDOUT_FILENO, data, (size_t)got))
            fail("standard output");
        count += (unsigned long long)got;
    }
}

static int paste(const char *type, const char *path)
{
    struct sockaddr_un address = address_of(path);
    int owner = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (owner == -1)
        fail("socket");
    if (connect(owner, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1)
        fail("pipe2");
    ask(owner, type, ends[1]);
    /* As long as we could write ourselves, the pipe would not end for us. */
    close(ends[1]);

    char line[LINE];
    read_line(owner, line);
    if (strcmp(line, type) != 0)
        give_up("that is no answer to what was asked");
    read_line(owner, line);
    if (strcmp(line, "none") == 0) {
        fprintf(stderr, "mini-clip: the clipboard has no %s\n", type);
        return 2;
    }
    if (strcmp(line, "ok") != 0)
        give_up("that is no answer");
    unsigned long long count = drain(ends[0]);

    /* The pipe also ends when its writer is killed. Only this line says that it was all. */
    char wanted[LINE];
    snprintf(wanted, sizeof wanted, "done %llu", count);
    read_line(owner, line);
    if (strcmp(line, wanted) != 0)
        give_up("the payload is not complete");
    return 0;
}

/* ---- copy -------------------------------------------------------------------------------------- */

static char *payload;
static size_t payload_size;

static void read_payload(void)
{
    for (;;) {
        payload = realloc(payload, payload_size + 65536);
        if (payload == NULL)
            fail("memory");
        ssize_t got = read(STDIN_FILENO, payload + payload_size, 65536);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("standard input");
        if (got == 0)
            return;
        payload_size += (size_t)got;
    }
}

/* Keeps the first descriptor that ever came, and closes all others. */
static void take_descriptors(struct msghdr *message, int *kept)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(each) + i * sizeof descriptor, sizeof descriptor);
            if (*kept == -1)
                *kept = descriptor;
            else
                close(descriptor);
        }
    }
}

/* Reads a line and the descriptor that comes with one of its pieces, whichever that is. */
static bool read_request(int client, char line[LINE], int *descriptor)
{
    size_t size = 0;
    while (size < LINE) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(16 * sizeof(int))];
        } control;
        struct iovec data = { .iov_base = line + size, .iov_len = LINE - size };
        struct msghdr message = {
            .msg_iov = &data,
            .msg_iovlen = 1,
            .msg_control = control.space,
            .msg_controllen = sizeof control.space,
        };
        ssize_t got = recvmsg(client, &message, MSG_CMSG_CLOEXEC);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return false;
        take_descriptors(&message, descriptor);
        if (got == 0)
            return false;
        char *end = memchr(line + size, '\n', (size_t)got);
        size += (size_t)got;
        if (end != NULL) {
            *end = '\0';
            return *descriptor != -1;
        }
    }
    return false;
}

/* Writes the payload to where the client wants it, and says so if it went well. */
static void deliver(int client, int *descriptor)
{
    bool complete = write_all(*descriptor, payload, payload_size);
    close(*descriptor); /* the reader waits for this */
    *descriptor = -1;
    char done[LINE];
    int size = snprintf(done, sizeof done, "done %zu\n", payload_size);
    if (complete)
        write_all(client, done, (size_t)size);
}

static void serve(int client, const char *type)
{
    char line[LINE];
    int descriptor = -1;
    if (read_request(client, line, &descriptor)) {
        bool known = strcmp(line, type) == 0;
        char answer[LINE + 8];
        int length = snprintf(answer, sizeof answer, "%s\n%s\n", line, known ? "ok" : "none");
        /* Answer first: until then nobody reads the pipe, and it may be too small for all. */
        if (write_all(client, answer, (size_t)length) && known)
            deliver(client, &descriptor);
    }
    if (descriptor != -1)
        close(descriptor);
}

static _Noreturn void copy(const char *type, const char *path)
{
    read_payload();
    /* Readers and clients go when they like: that is an error of one write, no end of ours. */
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    unlink(path); /* the newest owner has the clipboard */
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    if (listen(listener, 16) == -1)
        fail("listen");
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (client == -1)
            fail("accept");
        serve(client, type);
        close(client);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "copy") == 0)
        copy(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "paste") == 0)
        return paste(argv[2], argv[3]);
    fprintf(stderr, "usage: mini-clip copy TYPE PATH < payload\n"
                    "       mini-clip paste TYPE PATH > payload\n");
    return 1;
}
