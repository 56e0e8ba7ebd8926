/* Exercise 9, reference solution in C: a log daemon that stamps each message with its sender.
 *
 *     stamp-each-message PATH
 *
 * Datagrams have no connection that could be asked who is there. With SO_PASSCRED the kernel puts the
 * sender's ids on each message, in a control message beside the bytes. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    TEXT = 256,       /* bytes of a message that are logged */
    NOBODY_ID = 65534 /* the overflow uid, kernel.overflowuid */
};

struct record {
    unsigned char text[TEXT];
    size_t size;
    bool cut;
    bool has_sender;
    struct ucred sender;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "stamp-each-message: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_inbox(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path);
    }
    strcpy(address.sun_path, path);
    int inbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (inbox == -1)
        fail("socket");
    /* Ask before the name is there: what is sent before anybody asks carries no ids. */
    int yes = 1;
    if (setsockopt(inbox, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == -1)
        fail("SO_PASSCRED");
    if (bind(inbox, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    return inbox;
}

/* The ids that came with a message, if they came whole and name somebody. */
static bool find_sender(struct msghdr *message, struct ucred *sender)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_CREDENTIALS)
            continue;
        if (each->cmsg_len != CMSG_LEN(sizeof *sender))
            continue;
        memcpy(sender, CMSG_DATA(each), sizeof *sender);
        /* Where the kernel knows nothing it has to write something: these. */
        return sender->pid != 0 && sender->uid != NOBODY_ID;
    }
    return false;
}

static void receive(int inbox, struct record *record)
{
    /* There is room for the ids and for nothing else: the kernel closes any descriptor that a sender
     * attaches, and says MSG_CTRUNC, which is no news here. */
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec place = { .iov_base = record->text, .iov_len = sizeof record->text };
    struct msghdr message = {
        .msg_iov = &place,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t got;
    do
        got = recvmsg(inbox, &message, MSG_CMSG_CLOEXEC);
    while (got == -1 && errno == EINTR);
    if (got == -1)
        fail("recvmsg");
    record->size = (size_t)got; /* 0 is an empty message, and no end */
    record->cut = message.msg_flags & MSG_TRUNC;
    record->has_sender = find_sender(&message, &record->sender);
}

static void print_text(const unsigned char *text, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = text[i];
        /* A line feed would begin a line that nobody stamped, a quote would end the text. */
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

static void print_record(const struct record *record)
{
    const struct ucred *sender = &record->sender;
    if (record->has_sender)
        printf("pid=%d uid=%u gid=%u ", sender->pid, sender->uid, sender->gid);
    else
        printf("unknown ");
    print_text(record->text, record->size);
    printf(record->cut ? "...\n" : "\n");
    /* Into a pipe, stdio would keep the line until 4096 bytes have gathered. */
    if (fflush(stdout) != 0)
        fail("standard output");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: stamp-each-message PATH\n");
        return 1;
    }
    int inbox = open_inbox(argv[1]);
    for (;;) {
        struct record record;
        receive(inbox, &record);
        print_record(&record);
    }
}
