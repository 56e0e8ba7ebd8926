/* Exercise 12, reference solution in C: requests and replies in datagrams.
 *
 *     serve SOCKET
 *     ask SOCKET NAME SECONDS TEXT...
 *
 * A datagram server has one socket and no connections. Whom a reply goes to is the name that came with
 * the request; whether it gets there is no concern of the next client. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    LONGEST = 8192,    /* bytes of a message */
    MOST_DIGITS = 9,   /* of an id */
    BETWEEN_TRIES = 20 /* milliseconds */
};

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
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

static int datagram_socket(void)
{
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made == -1)
        fail("socket");
    return made;
}

/* ---- serve ------------------------------------------------------------------------------------- */

/* Whether the name is left over: a socket's file that no socket has any more. */
static bool is_stale(const struct sockaddr_un *address)
{
    /* connect() says ECONNREFUSED of any file that is no socket, too. */
    struct stat found;
    if (lstat(address->sun_path, &found) == -1 || !S_ISSOCK(found.st_mode))
        return false;
    int probe = datagram_socket();
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) == -1
        && errno == ECONNREFUSED;
    close(probe);
    return refused;
}

static void take_name(int inbox, const char *path)
{
    struct sockaddr_un address = address_of(path);
    const struct sockaddr *name = (const struct sockaddr *)&address;
    if (bind(inbox, name, sizeof address) == 0)
        return;
    if (errno != EADDRINUSE)
        fail(path);
    if (!is_stale(&address)) {
        errno = EADDRINUSE;
        fail(path);
    }
    unlink(path);
    if (bind(inbox, name, sizeof address) == -1)
        fail(path);
}

/* Where the word that begins at `at` ends: at a blank, or with the message. */
static size_t word_end(const char *message, size_t at, size_t size)
{
    while (at < size && message[at] != ' ')
        at++;
    return at;
}

static bool is_id(const char *text, size_t length)
{
    return length >= 1 && length <= MOST_DIGITS && strspn(text, "0123456789") >= length;
}

static bool is_word(const char *word, const char *text, size_t length)
{
    return length == strlen(word) && memcmp(word, text, length) == 0;
}

/* Writes the reply and returns its length; 0: the message has no id, so there is none. Behind the
 * request is a NUL. The reply may have MOST_DIGITS + 4 bytes more than the request. */
static size_t answer(const char *request, size_t size, char *reply)
{
    size_t id = word_end(request, 0, size);
    if (!is_id(request, id))
        return 0;
    size_t begin = id < size ? id + 1 : size;
    size_t end = word_end(request, begin, size);
    size_t text = end < size ? end + 1 : size;

    memcpy(reply, request, id);
    char *result = reply + id;
    if (is_word("UPPER", request + begin, end - begin)) {
        result = stpcpy(result, " ok ");
        for (size_t i = text; i < size; i++) {
            char byte = request[i];
            *result++ = byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
        }
    } else if (is_word("LENGTH", request + begin, end - begin)) {
        result += sprintf(result, " ok %zu", size - text);
    } else {
        result = stpcpy(result, " no");
    }
    return (size_t)(result - reply);
}

static _Noreturn void serve(const char *path)
{
    int inbox = datagram_socket();
    take_name(inbox, path);
    for (;;) {
        char request[LONGEST + 1], reply[LONGEST + MOST_DIGITS + 32];
        struct sockaddr_un client;
        socklen_t length = sizeof client; /* in: the room; out: how long the name is */
        ssize_t size = recvfrom(inbox, request, LONGEST, 0, (struct sockaddr *)&client, &length);
        if (size == -1 && errno == EINTR)
            continue;
        if (size == -1)
            fail("recvfrom");
        if (length <= offsetof(struct sockaddr_un, sun_path))
            continue; /* who has no name cannot be answered */
        request[size] = '\0';
        size_t reply_size = answer(request, (size_t)size, reply);
        /* A client that is gone (ECONNREFUSED, ENOENT) or does not read (EAGAIN) gets no reply. That
         * is its affair, and nothing here may wait for it. */
        if (reply_size > 0)
            sendto(inbox, reply, reply_size, MSG_DONTWAIT, (struct sockaddr *)&client, length);
    }
}

/* ---- ask --------------------------------------------------------------------------------------- */

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int left_ms(long long until)
{
    long long left = until - now_ms();
    return left > 0 ? (int)left : 0;
}

/* Sends a request, again and again while nobody is there or there is no room; false: it did not go. */
static bool send_request(int outbox, const struct sockaddr_un *server, const char *request,
                         size_t size, long long until)
{
    for (;;) {
        /* The name is looked up for each try. A socket that was connected would go on meaning the
         * server that is gone. */
        ssize_t sent = sendto(outbox, request, size, MSG_DONTWAIT,
                              (const struct sockaddr *)server, sizeof *server);
        if (sent != -1)
            return true;
        bool may_pass = errno == ECONNREFUSED || errno == ENOENT || errno == EAGAIN;
        if (!may_pass && errno != EINTR) {
            perror(server->sun_path);
            return false;
        }
        int left = left_ms(until);
        if (left == 0)
            return false;
        /* poll() cannot wait for room: it does not know where the next message will go. */
        poll(NULL, 0, left < BETWEEN_TRIES ? left : BETWEEN_TRIES);
    }
}

/* Waits for the server's next message and returns its length, or -1 when the time is up. */
static ssize_t next_message(int inbox, const struct sockaddr_un *server, char *data, size_t room,
                            long long until)
{
    for (;;) {
        struct pollfd readable = { .fd = inbox, .events = POLLIN };
        int ready = poll(&readable, 1, left_ms(until));
        if (ready == 0)
            return -1;
        struct sockaddr_un from = { 0 };
        socklen_t length = sizeof from;
        ssize_t size = recvfrom(inbox, data, room, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
        /* Anybody may send to our name. */
        if (size != -1 && strncmp(from.sun_path, server->sun_path, sizeof from.sun_path) == 0)
            return size;
        if (left_ms(until) == 0)
            return -1;
    }
}

static bool print_result(const char *data, size_t size)
{
    fwrite(data, 1, size, stdout);
    putchar('\n');
    if (fflush(stdout) == 0)
        return true;
    perror("standard output");
    return false;
}

/* Waits for the reply that has this id; false: there is no result. */
static bool take_reply(int inbox, const struct sockaddr_un *server, int id, long long until)
{
    char ok[32], no[32], reply[LONGEST + MOST_DIGITS + 32];
    size_t ok_size = (size_t)sprintf(ok, "%d ok ", id), no_size = (size_t)sprintf(no, "%d no", id);
    ssize_t size;
    while ((size = next_message(inbox, server, reply, sizeof reply, until)) != -1) {
        if ((size_t)size >= ok_size && memcmp(reply, ok, ok_size) == 0)
            return print_result(reply + ok_size, (size_t)size - ok_size);
        if ((size_t)size == no_size && memcmp(reply, no, no_size) == 0) {
            fprintf(stderr, "%d: refused\n", id);
            return false;
        }
        /* To another request, perhaps one that we no longer wait for. */
    }
    fprintf(stderr, "%d: no answer\n", id);
    return false;
}

static bool ask_one(int mine, const struct sockaddr_un *server, int id, const char *text,
                    int seconds)
{
    long long until = now_ms() + seconds * 1000LL;
    char *request;
    int size = asprintf(&request, "%d UPPER %s", id, text);
    if (size == -1)
        fail("asprintf");
    bool sent = send_request(mine, server, request, (size_t)size, until);
    free(request);
    if (!sent)
        fprintf(stderr, "%d: no answer: it could not be sent\n", id);
    return sent && take_reply(mine, server, id, until);
}

static int ask(const char *path, const char *name, int seconds, char **texts)
{
    struct sockaddr_un server = address_of(path);
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    socklen_t length = sizeof own.sun_family; /* the family alone: the kernel chooses a name */
    bool has_file = strcmp(name, "-") != 0;
    if (has_file) {
        own = address_of(name);
        length = sizeof own;
    }
    int mine = datagram_socket();
    if (bind(mine, (const struct sockaddr *)&own, length) == -1)
        fail(name); /* the name is somebody else's: it stays */

    int status = 0;
    for (int i = 0; texts[i]; i++)
        if (!ask_one(mine, &server, i + 1, texts[i], seconds))
            status = 1;
    if (has_file)
        unlink(name);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve(argv[2]);
    if (argc >= 6 && strcmp(argv[1], "ask") == 0)
        return ask(argv[2], argv[3], atoi(argv[4]), argv + 5);
    fprintf(stderr, "usage: serve SOCKET\n"
                    "       ask SOCKET NAME SECONDS TEXT...\n");
    return 1;
}
