/* Exercise 17, reference solution in C: waits for eventfds that somebody else made.
 *
 * Descriptor IPC_FD is a connected stream socket. Its other end, the owner, says what to watch and
 * sends the eventfds along; what they counted goes back as a line for each wake-up.
 *
 * One thread, one epoll set: the socket and all eventfds are waited for at once. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MOST = 16,    /* eventfds at a time, and descriptors with one message */
    OWNER = MOST, /* what epoll says of the socket; below are the places of eventfds */
    LINE = 64     /* the longest line, with its line feed and a NUL */
};

static int owner; /* the socket */
static int epoll;

/* What is watched. A place is free when its descriptor is -1. */
static struct {
    int eventfd;
    char letter;
} watched[MOST];

/* Descriptors that have come, and whose command has not. The first that came is the first used. */
static int arrived[MOST];
static size_t arrived_count;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void give_up(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

/* Ends the program when the owner has gone: there is nobody left to serve. */
static void say(const char *line)
{
    size_t rest = strlen(line);
    while (rest > 0) {
        ssize_t sent = send(owner, line, rest, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1 && (errno == EPIPE || errno == ECONNRESET))
            exit(0);
        if (sent == -1)
            fail("send");
        line += sent;
        rest -= (size_t)sent;
    }
}

static bool add_to_epoll(int descriptor, uint32_t place)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = place };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* ---- eventfds ---------------------------------------------------------------------------------- */

/* Reads what an eventfd has counted, and never waits: between epoll_wait() and here somebody else may
 * have read it. O_NONBLOCK would do the same, for everybody who holds this eventfd. */
static bool read_sum(int eventfd, uint64_t *sum)
{
    struct iovec room = { .iov_base = sum, .iov_len = sizeof *sum };
    for (;;) {
        ssize_t got = preadv2(eventfd, &room, 1, -1, RWF_NOWAIT);
        if (got == (ssize_t)sizeof *sum)
            return true;
        if (got == -1 && errno == EAGAIN)
            return false;
        if (got == -1 && errno == EINTR)
            continue;
        fail("preadv2");
    }
}

static void report(uint32_t place)
{
    char line[LINE];
    uint64_t sum = 0;
    /* A command that came with the same wake-up may have dropped it. */
    if (watched[place].eventfd == -1 || !read_sum(watched[place].eventfd, &sum))
        return;
    snprintf(line, sizeof line, "%c %llu\n", watched[place].letter, (unsigned long long)sum);
    say(line);
}

/* ---- commands ---------------------------------------------------------------------------------- */

/* Finds a place for the eventfd and adds it to the epoll set. */
static bool keep(int eventfd, char letter)
{
    uint32_t place = 0;
    while (place < MOST && watched[place].eventfd != -1)
        place++;
    if (place == MOST || !add_to_epoll(eventfd, place))
        return false;
    watched[place].eventfd = eventfd;
    watched[place].letter = letter;
    return true;
}

static void watch(char letter)
{
    char line[LINE];
    bool kept = false;
    if (arrived_count > 0) {
        int eventfd = arrived[0];
        arrived_count--;
        memmove(arrived, arrived + 1, arrived_count * sizeof arrived[0]);
        kept = keep(eventfd, letter);
        if (!kept)
            close(eventfd);
    }
    snprintf(line, sizeof line, "%s %c\n", kept ? "watching" : "refused", letter);
    say(line);
}

static void drop(char letter)
{
    char line[LINE];
    int dropped = 0;
    for (uint32_t place = 0; place < MOST; place++) {
        if (watched[place].eventfd == -1 || watched[place].letter != letter)
            continue;
        /* close() alone would not do: others hold this eventfd, and epoll watches it, not our number. */
        if (epoll_ctl(epoll, EPOLL_CTL_DEL, watched[place].eventfd, NULL) == -1)
            fail("epoll_ctl");
        close(watched[place].eventfd);
        watched[place].eventfd = -1;
        dropped++;
    }
    snprintf(line, sizeof line, "dropped %c %d\n", letter, dropped);
    say(line);
}

static void obey(const char *line)
{
    if (strncmp(line, "watch ", 6) == 0 && strlen(line) == 7)
        watch(line[6]);
    else if (strncmp(line, "drop ", 5) == 0 && strlen(line) == 6)
        drop(line[5]);
    else
        give_up("the owner sent something else than a command");
}

/* Every descriptor that recvmsg() delivered is ours: it is kept, or closed. */
static void keep_arrived(struct msghdr *message)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(each) + i * sizeof descriptor, sizeof descriptor);
            if (arrived_count < MOST)
                arrived[arrived_count++] = descriptor;
            else
                close(descriptor);
        }
    }
    if (message->msg_flags & MSG_CTRUNC)
        give_up("the kernel dropped descriptors");
}

/* What one call returns may end within a line. The beginning waits here for the rest, and the program
 * does not wait with it. */
static void take_bytes(const char *bytes, size_t size)
{
    static char line[LINE];
    static size_t length;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            if (length == sizeof line - 1)
                give_up("the owner sent a line that is too long");
            line[length++] = bytes[i];
            continue;
        }
        line[length] = '\0';
        length = 0;
        obey(line);
    }
}

/* One recvmsg(), for which something is there; false: the owner has gone, or has said its last. */
static bool listen_to_owner(void)
{
    char bytes[4096];
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(MOST * sizeof(int))];
    } control;
    struct iovec data = { .iov_base = bytes, .iov_len = sizeof bytes };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t got = recvmsg(owner, &message, MSG_CMSG_CLOEXEC);
    if (got == -1 && errno == EINTR)
        return true; /* epoll will say it again */
    if (got == -1 && errno == ECONNRESET)
        return false; /* gone, without having read all that we said */
    if (got == -1)
        fail("recvmsg");
    if (got == 0)
        return false;
    keep_arrived(&message);
    take_bytes(bytes, (size_t)got);
    return true;
}

static void serve(void)
{
    for (;;) {
        struct epoll_event events[MOST + 1];
        int count = epoll_wait(epoll, events, MOST + 1, -1);
        if (count == -1 && errno == EINTR)
            continue; /* after SIGSTOP and SIGCONT too, even without a handler */
        if (count == -1)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 != OWNER)
                report(events[i].data.u32);
            else if (!listen_to_owner())
                return;
        }
    }
}

int main(void)
{
    const char *number = getenv("IPC_FD");
    if (number == NULL)
        give_up("IPC_FD must say which descriptor is the socket");
    owner = atoi(number);
    for (size_t place = 0; place < MOST; place++)
        watched[place].eventfd = -1;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1)
        fail("epoll_create1");
    if (!add_to_epoll(owner, OWNER))
        fail("IPC_FD");
    serve();
    return 0;
}
