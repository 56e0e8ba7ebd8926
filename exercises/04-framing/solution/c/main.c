/* Exercise 4, reference solution in C: length-prefixed frames on a stream socket.
 *
 * Without arguments, a filter: frames come in on descriptor 0, and go out on descriptor 1 with
 * their ASCII letters in upper case. As `test PATH`, tests of such a filter: each connection to
 * the path has a new one behind it. Both use the same few functions for frames. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LARGEST = 65536 };
enum { RIGHT = 0, BROKEN = 1, CANNOT_TELL = 2 }; /* exit statuses of the tests */

/* ---- bytes: all of them, or the reason why not ------------------------------------------------ */

/* Reads until `size` bytes are there or the stream has ended. Returns how many came, or -1. */
static ssize_t read_up_to(int from, unsigned char *data, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t count = read(from, data + got, size - got);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            return -1;
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return (ssize_t)got;
}

/* Sends all of it. A call may take only a part, and the next goes on from there: what the kernel
 * took is sent. MSG_NOSIGNAL: that nobody reads is an error to report, not a SIGPIPE to die of. */
static bool send_all(int to, const unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send(to, data, size, MSG_NOSIGNAL);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            return false;
        data += count;
        size -= (size_t)count;
    }
    return true;
}

/* ---- frames ------------------------------------------------------------------------------------ */

/* Header and payload lie one behind the other, so that one call sends both. */
struct frame {
    uint32_t length;
    unsigned char wire[HEADER + LARGEST];
};

enum next { FRAME, END, ERROR };

/* Reads the next frame, or the end of the stream, or says on stderr what is wrong. */
static enum next read_frame(int from, struct frame *frame)
{
    ssize_t got = read_up_to(from, frame->wire, HEADER);
    if (got == 0)
        return END; /* between two frames, and only there, the end is no error */
    if (got == -1) {
        perror("framing: read");
        return ERROR;
    }
    if (got < HEADER) {
        fprintf(stderr, "framing: the stream ended inside a header\n");
        return ERROR;
    }
    uint32_t length; /* unsigned: no length is less than nothing */
    memcpy(&length, frame->wire, sizeof length);
    length = ntohl(length);
    if (length > LARGEST) {
        fprintf(stderr, "framing: a frame of %u bytes is too long\n", length);
        return ERROR;
    }
    got = read_up_to(from, frame->wire + HEADER, length);
    if (got == -1) {
        perror("framing: read");
        return ERROR;
    }
    if ((size_t)got < length) {
        fprintf(stderr, "framing: the stream ended inside a frame\n");
        return ERROR;
    }
    frame->length = length;
    return FRAME;
}

static bool write_frame(int to, struct frame *frame)
{
    uint32_t length = htonl(frame->length);
    memcpy(frame->wire, &length, sizeof length);
    return send_all(to, frame->wire, HEADER + frame->length);
}

/* Not toupper(): what that takes for a letter depends on the locale. */
static void make_upper(unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] >= 'a' && data[i] <= 'z')
            data[i] -= 'a' - 'A';
}

/* ---- the filter ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t answered;

/* Tells how many frames have been answered. It interrupts whatever the program does, so it calls
 * nothing but write(): printf() may be half-way through something (signal-safety(7)). */
static void report(int signal)
{
    (void)signal;
    int saved = errno;
    char line[32] = "frames ";
    char digits[16];
    size_t size = strlen(line), count = 0;
    int number = answered;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        line[size++] = digits[--count];
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) == -1) {
        /* nobody is there to be told */
    }
    errno = saved;
}

static int filter(void)
{
    /* Without SA_RESTART a call that waits returns with EINTR. With it, a send that has begun
     * still returns what it did so far, so the loops above are needed either way. */
    struct sigaction action = { .sa_handler = report };
    sigaction(SIGUSR1, &action, NULL);

    static struct frame frame;
    enum next next;
    while ((next = read_frame(STDIN_FILENO, &frame)) == FRAME) {
        make_upper(frame.wire + HEADER, frame.length);
        if (!write_frame(STDOUT_FILENO, &frame)) {
            perror("framing: send");
            return EXIT_FAILURE;
        }
        answered++;
    }
    return next == END ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the tests ------------------------------------------------------------------------------------- */

/* Bytes to send, or bytes that are due. */
struct bytes {
    size_t size;
    unsigned char data[2 * (HEADER + LARGEST)];
};

static void add(struct bytes *bytes, const void *data, size_t size)
{
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void add_frame(struct bytes *bytes, const void *payload, size_t size)
{
    uint32_t length = htonl((uint32_t)size);
    add(bytes, &length, sizeof length);
    add(bytes, payload, size);
}

/* What one test says to a filter, and what must come of it. `first` is sent, and when `first_due`
 * has come, the filter has read it: so what `last` begins with is certain to arrive by itself.
 * After `last` we say no more. Then every filter answers what it will, and ends: nothing here has
 * to guess how long to wait for an answer that may not come. */
static struct conversation {
    struct bytes first, first_due, last, last_due;
} talk;

/* Whether exactly this comes, whatever pieces it comes in. */
static bool comes(int filter, const struct bytes *due)
{
    static unsigned char got[sizeof due->data];
    return read_up_to(filter, got, due->size) == (ssize_t)due->size
        && memcmp(got, due->data, due->size) == 0;
}

/* Whether the end comes. A filter that refuses a frame may leave bytes of ours unread; then the
 * end is announced by ECONNRESET. */
static bool ends(int filter)
{
    unsigned char more;
    ssize_t got = read_up_to(filter, &more, 1);
    return got == 0 || (got == -1 && errno == ECONNRESET);
}

static bool goes_well(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int filter = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* A filter that is stuck is broken; one that takes its time is not. */
    struct timeval patience = { .tv_sec = 5 };
    if (filter == -1 || strlen(path) >= sizeof address.sun_path
        || setsockopt(filter, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1
        || setsockopt(filter, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == -1) {
        perror("framing: socket");
        exit(CANNOT_TELL);
    }
    strcpy(address.sun_path, path);
    if (connect(filter, (const struct sockaddr *)&address, sizeof address) == -1) {
        perror("framing: connect");
        exit(CANNOT_TELL);
    }
    /* Sending fails when the filter has ended, as a right one does after a frame that is too
     * long. Whether it should have is seen in what comes. */
    send_all(filter, talk.first.data, talk.first.size);
    bool well = comes(filter, &talk.first_due);
    if (well) {
        send_all(filter, talk.last.data, talk.last.size);
        shutdown(filter, SHUT_WR);
        well = comes(filter, &talk.last_due) && ends(filter);
    }
    close(filter);
    return well;
}

static void every_byte(void)
{
    unsigned char payload[256];
    for (int i = 0; i < 256; i++)
        payload[i] = (unsigned char)i;
    add_frame(&talk.last, payload, sizeof payload);
    make_upper(payload, sizeof payload);
    add_frame(&talk.last_due, payload, sizeof payload);
}

static void two_at_once(void)
{
    add_frame(&talk.last, "one", 3);
    add_frame(&talk.last, "three", 5);
    add_frame(&talk.last_due, "ONE", 3);
    add_frame(&talk.last_due, "THREE", 5);
}

/* Two frames, the second cut after so many bytes. */
static void cut_after(size_t bytes)
{
    struct bytes second = { .size = 0 };
    add_frame(&second, "second", 6);
    add_frame(&talk.first, "first", 5);
    add(&talk.first, second.data, bytes);
    add_frame(&talk.first_due, "FIRST", 5);
    add(&talk.last, second.data + bytes, second.size - bytes);
    add_frame(&talk.last_due, "SECOND", 6);
}

static void cut_header(void)
{
    cut_after(2);
}

static void cut_payload(void)
{
    cut_after(HEADER + 3);
}

static void empty(void)
{
    add_frame(&talk.last, "", 0);
    add_frame(&talk.last, "after", 5);
    add_frame(&talk.last_due, "", 0);
    add_frame(&talk.last_due, "AFTER", 5);
}

static void largest(void)
{
    static unsigned char payload[LARGEST];
    memset(payload, 'z', sizeof payload);
    add_frame(&talk.last, payload, sizeof payload);
    make_upper(payload, sizeof payload);
    add_frame(&talk.last_due, payload, sizeof payload);
}

/* The whole frame, not its length alone: who accepts it must be able to show it. */
static void too_long(void)
{
    static unsigned char payload[LARGEST + 1];
    add_frame(&talk.last, payload, sizeof payload);
}

static void negative(void)
{
    add(&talk.last, "\x80\0\0\x01", HEADER);
    add_frame(&talk.last, "after", 5);
}

static void end_in_header(void)
{
    add(&talk.last, "\0\0", 2);
}

static void end_in_payload(void)
{
    add(&talk.last, "\0\0\0\x09short", HEADER + 5);
}

static int test(const char *path)
{
    static const struct {
        const char *what;
        void (*prepare)(void);
    } tests[] = {
        { "a frame with every byte", every_byte },
        { "two frames at once", two_at_once },
        { "a header in two pieces", cut_header },
        { "a payload in two pieces", cut_payload },
        { "an empty frame", empty },
        { "the largest frame", largest },
        { "a frame that is too long", too_long },
        { "a length that looks negative", negative },
        { "an end inside a header", end_in_header },
        { "an end inside a payload", end_in_payload },
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        memset(&talk, 0, sizeof talk);
        tests[i].prepare();
        if (!goes_well(path)) {
            fprintf(stderr, "framing: broken: %s\n", tests[i].what);
            return BROKEN;
        }
    }
    return RIGHT;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return filter();
    if (argc == 3 && strcmp(argv[1], "test") == 0)
        return test(argv[2]);
    fprintf(stderr, "usage: framing [test PATH]\n");
    return CANNOT_TELL;
}
