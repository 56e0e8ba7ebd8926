/* Exercise 34, reference solution in C: a client of the inbox.
 *
 * No call waits by itself but connect() and poll(), and both are told how much time is left: so one
 * deadline holds for all that a command does, however the inbox deals out its reply. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TEXT = 65536 - 5 /* a frame, less the word SEND and its blank */ };

static long long deadline; /* in milliseconds */

static _Noreturn void fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "inbox-client: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(status);
}

/* A variable's value. Set to nothing is the same as not set. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* CLOCK_MONOTONIC: the time of day may be set while we wait. */
static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int time_left(void)
{
    long long left = deadline - now();
    if (left <= 0)
        fail(EX_TEMPFAIL, "the inbox did not reply in time");
    return (int)left;
}

/* Where the inbox is: what IPC_INBOX says, else the well-known place. Nobody looks whether something
 * is there: connect() does, and says what is wrong. */
static struct sockaddr_un find_inbox(void)
{
    const char *name = "IPC_INBOX", *directory = variable(name), *rest = "";
    if (directory == NULL) {
        name = "XDG_RUNTIME_DIR";
        directory = variable(name);
        rest = "/inbox.sock";
    }
    if (directory == NULL)
        fail(EX_CONFIG, "no inbox: neither IPC_INBOX nor XDG_RUNTIME_DIR says where it is");
    if (directory[0] != '/')
        fail(EX_CONFIG, "%s is not an absolute path: %s", name, directory);

    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = sizeof address.sun_path;
    if ((size_t)snprintf(address.sun_path, size, "%s%s", directory, rest) >= size)
        fail(EX_CONFIG, "%s is too long for a socket's name: %s%s", name, directory, rest);
    return address;
}

static int connect_to(const struct sockaddr_un *address)
{
    int inbox = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inbox == -1)
        fail(EX_OSERR, "socket: %s", strerror(errno));

    int done;
    do {
        /* connect() waits while the inbox's queue is full: for as long as this lets it. */
        int left = time_left();
        struct timeval most = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
        setsockopt(inbox, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
        done = connect(inbox, (const struct sockaddr *)address, sizeof *address);
    } while (done == -1 && errno == EINTR);
    if (done == 0)
        return inbox;

    const char *path = address->sun_path, *why = strerror(errno);
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        fail(EX_OSFILE, "there is no inbox at %s: %s", path, why);
    case ECONNREFUSED:
        fail(EX_UNAVAILABLE, "no inbox listens at %s: %s", path, why);
    case EACCES:
        fail(EX_NOPERM, "%s: %s", path, why);
    case EAGAIN:
        fail(EX_TEMPFAIL, "%s: the inbox has too many callers", path);
    default:
        fail(EX_OSERR, "%s: %s", path, why);
    }
}

/* poll() is called again after a signal; recv() with SO_RCVTIMEO would have to be as well. */
static void wait_for(int inbox, short events)
{
    struct pollfd wait = { .fd = inbox, .events = events };
    int ready;
    do
        ready = poll(&wait, 1, time_left());
    while (ready == 0 || (ready == -1 && errno == EINTR));
    if (ready == -1)
        fail(EX_OSERR, "poll: %s", strerror(errno));
}

static void send_all(int inbox, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        wait_for(inbox, POLLOUT);
        /* MSG_NOSIGNAL: an inbox that is gone is an error to report, not a SIGPIPE to die of. */
        ssize_t sent = send(inbox, next, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            next += sent;
            size -= (size_t)sent;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return; /* it takes no more, but may have said why: that is read next */
        } else if (errno != EAGAIN && errno != EINTR) {
            fail(EX_PROTOCOL, "send: %s", strerror(errno));
        }
    }
}

static void send_frame(int inbox, const char *word, const void *text, size_t size)
{
    uint32_t length = htonl((uint32_t)(strlen(word) + size));
    send_all(inbox, &length, sizeof length);
    send_all(inbox, word, strlen(word));
    send_all(inbox, text, size);
}

/* Exactly so many bytes, in however many pieces they come. */
static void receive(int inbox, void *data, size_t size)
{
    size_t got = 0;
    while (got < size) {
        wait_for(inbox, POLLIN);
        ssize_t count = recv(inbox, (char *)data + got, size - got, MSG_DONTWAIT);
        if (count > 0)
            got += (size_t)count;
        else if (count == 0)
            fail(EX_PROTOCOL, "the inbox hung up, %zu bytes into a part of %zu", got, size);
        else if (errno != EAGAIN && errno != EINTR)
            fail(EX_PROTOCOL, "recv: %s", strerror(errno));
    }
}

static uint32_t receive_number(int inbox)
{
    uint32_t number;
    receive(inbox, &number, sizeof number);
    return ntohl(number);
}

static void ping(int inbox)
{
    send_frame(inbox, "PING", "", 0);
    char pong[4];
    /* Only one length can be right, so nothing is allocated, and no wrong one is waited for. */
    uint32_t length = receive_number(inbox);
    if (length != sizeof pong)
        fail(EX_PROTOCOL, "PONG has 4 bytes, and the inbox announces %u", length);
    receive(inbox, pong, sizeof pong);
    if (memcmp(pong, "PONG", sizeof pong) != 0)
        fail(EX_PROTOCOL, "the inbox replied something else than PONG");
}

static void send_text(int inbox, const char *text, size_t size)
{
    send_frame(inbox, "SEND ", text, size);
    uint32_t status = receive_number(inbox);
    switch (status) {
    case 0:
        return;
    case 1:
        fail(EX_SOFTWARE, "status 1: the inbox does not know this command");
    case 2:
        fail(EX_NOPERM, "status 2: you may not send to this inbox");
    case 3:
        fail(EX_DATAERR, "status 3: the text is too large for this inbox");
    case 4:
        fail(EX_IOERR, "status 4: the inbox could not write the line");
    default:
        fail(EX_PROTOCOL, "status %u: no status has this number", status);
    }
}

/* All of standard input: bytes, with a length, and no string. */
static size_t read_text(char *text, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t count = read(STDIN_FILENO, text + size, room - size);
        if (count == 0)
            return size;
        if (count > 0)
            size += (size_t)count;
        else if (errno != EINTR)
            fail(EX_IOERR, "standard input: %s", strerror(errno));
    }
    fail(EX_DATAERR, "the text has more than %d bytes", MOST_TEXT);
}

int main(int argc, char **argv)
{
    static char text[MOST_TEXT + 1];
    size_t size = 0;
    const char *command = argc == 2 ? argv[1] : "";
    if (strcmp(command, "send") == 0) {
        size = read_text(text, sizeof text);
    } else if (strcmp(command, "hello") == 0) {
        const char *session = variable("XDG_SESSION_ID");
        size = (size_t)snprintf(text, sizeof text, "hello from session %s", session ? session : "unknown");
        if (size > MOST_TEXT)
            fail(EX_DATAERR, "the text has more than %d bytes", MOST_TEXT);
    } else if (strcmp(command, "ping") != 0) {
        fail(EX_USAGE, "usage: inbox-client ping | send | hello");
    }

    const char *timeout = variable("IPC_INBOX_TIMEOUT");
    struct sockaddr_un address = find_inbox();
    deadline = now() + (timeout != NULL ? atoi(timeout) : 30000);
    int inbox = connect_to(&address);

    if (strcmp(command, "send") != 0)
        ping(inbox);
    if (strcmp(command, "ping") != 0)
        send_text(inbox, text, size);
    /* What waits in a buffer is not written yet. */
    else if (puts("pong") == EOF || fflush(stdout) == EOF)
        fail(EX_IOERR, "standard output: %s", strerror(errno));
    return EX_OK;
}
