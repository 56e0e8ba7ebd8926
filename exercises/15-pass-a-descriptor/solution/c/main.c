/* Exercise 15, reference solution in C: open files go from one program to another.
 *
 *     send SOCKET FILE... < note      delivers the open files and a note
 *     receive [--who] SOCKET          takes one delivery and copies it to standard output
 *
 * Over the socket go a line, the note, and with the first byte the descriptors. No byte of a file
 * does. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MOST = 16,         /* files of a delivery */
    LINE = 32,         /* the longest line, with its line feed and a NUL */
    NOTE = 1024 * 1024 /* bytes of the longest note */
};

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

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        give_up("the path does not fit into a socket address");
    strcpy(address.sun_path, path);
    return address;
}

/* ---- send -------------------------------------------------------------------------------------- */

static char note[NOTE];

static size_t read_note(void)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, note + size, sizeof note - size);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("standard input");
        if (got == 0)
            return size;
        size += (size_t)got;
    }
}

/* Leaves out of the buffers what the kernel has taken. */
static void advance(struct msghdr *message, size_t sent)
{
    while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
        sent -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
        message->msg_iov->iov_len -= sent;
    }
}

static void deliver(int receiver, const int *files, size_t count, size_t note_size)
{
    char line[LINE];
    size_t length = (size_t)snprintf(line, sizeof line, "files %zu\n", count);
    struct iovec data[2] = {
        { .iov_base = line, .iov_len = length },
        { .iov_base = note, .iov_len = note_size },
    };
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(MOST * sizeof(int))];
    } control = { 0 };
    struct msghdr message = {
        .msg_iov = data,
        .msg_iovlen = 2,
        .msg_control = control.space,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)), /* with padding */
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int)); /* without: padding is no descriptor */
    memcpy(CMSG_DATA(rights), files, count * sizeof(int));

    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(receiver, &message, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            fail("sendmsg");
        /* The descriptors went with the first byte. The rest goes without them. */
        message.msg_control = NULL;
        message.msg_controllen = 0;
        advance(&message, (size_t)sent);
    }
}

/* Reads the answer to the end of the stream. */
static void read_answer(int receiver, char answer[LINE])
{
    size_t size = 0;
    while (size < LINE - 1) {
        ssize_t got = recv(receiver, answer + size, LINE - 1 - size, 0);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("the receiver");
        if (got == 0)
            break;
        size += (size_t)got;
    }
    answer[size] = '\0';
}

static int send_files(const char *path, char **names, size_t count)
{
    if (count > MOST)
        give_up("a delivery has at most 16 files");
    int files[MOST];
    for (size_t i = 0; i < count; i++) {
        files[i] = open(names[i], O_RDONLY | O_CLOEXEC);
        if (files[i] == -1)
            fail(names[i]);
    }
    size_t note_size = read_note();

    struct sockaddr_un address = address_of(path);
    int receiver = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receiver == -1)
        fail("socket");
    if (connect(receiver, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    deliver(receiver, files, count, note_size);
    /* The message holds its own references: ours are of no use any more. */
    for (size_t i = 0; i < count; i++)
        close(files[i]);
    shutdown(receiver, SHUT_WR);

    char answer[LINE], wanted[LINE];
    read_answer(receiver, answer);
    snprintf(wanted, sizeof wanted, "taken %zu\n", count);
    if (strcmp(answer, wanted) != 0)
        give_up("the delivery was not taken");
    return 0;
}

/* ---- receive ----------------------------------------------------------------------------------- */

static bool asks_who; /* --who */

struct delivery {
    char data[LINE + NOTE];
    size_t size;
    int files[MOST];
    size_t count;
    bool spoiled; /* descriptors were dropped, by the kernel or by us */
    struct ucred from;
};

/* Everything that recvmsg() delivered is ours now: it is kept, or closed. */
static void keep_descriptors(struct delivery *got, const unsigned char *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int descriptor;
        memcpy(&descriptor, data + i * sizeof descriptor, sizeof descriptor);
        if (got->count < MOST) {
            got->files[got->count++] = descriptor;
        } else {
            close(descriptor);
            got->spoiled = true;
        }
    }
}

static void look_into(struct msghdr *message, struct delivery *got)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
        if (each->cmsg_level != SOL_SOCKET)
            continue;
        size_t size = each->cmsg_len - CMSG_LEN(0);
        if (each->cmsg_type == SCM_RIGHTS)
            keep_descriptors(got, CMSG_DATA(each), size / sizeof(int));
        else if (each->cmsg_type == SCM_CREDENTIALS && size == sizeof got->from)
            memcpy(&got->from, CMSG_DATA(each), size);
    }
    if (message->msg_flags & MSG_CTRUNC)
        got->spoiled = true; /* there were more than came */
}

/* Reads to the end of the stream; false: that went wrong. */
static bool read_delivery(int sender, struct delivery *got)
{
    while (got->size < sizeof got->data) {
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(MOST * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
        } control;
        struct iovec data = {
            .iov_base = got->data + got->size,
            .iov_len = sizeof got->data - got->size,
        };
        struct msghdr message = {
            .msg_iov = &data,
            .msg_iovlen = 1,
            .msg_control = control.space,
            .msg_controllen = sizeof control.space,
        };
        ssize_t size = recvmsg(sender, &message, MSG_CMSG_CLOEXEC);
        if (size == -1 && errno == EINTR)
            continue;
        if (size == -1) {
            perror("recvmsg");
            return false;
        }
        if (size == 0)
            return true; /* credentials that come with the end are made up: process 0, user 0 */
        look_into(&message, got);
        got->size += (size_t)size;
    }
    return false; /* the note is too long */
}

/* Whether the line is right and announces what came. */
static bool is_good(const struct delivery *got)
{
    char line[LINE];
    size_t length = (size_t)snprintf(line, sizeof line, "files %zu\n", got->count);
    return !got->spoiled && got->count > 0 && got->size >= length
        && memcmp(got->data, line, length) == 0;
}

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, data, size);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            fail("standard output");
        data += written;
        size -= (size_t)written;
    }
}

/* Copies a file from where its offset stands. */
static void copy_rest(int file)
{
    char data[65536];
    for (;;) {
        ssize_t got = read(file, data, sizeof data);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("a file of the delivery");
        if (got == 0)
            return;
        write_all(data, (size_t)got);
    }
}

static bool take(int sender, struct delivery *got)
{
    got->size = got->count = 0;
    got->spoiled = false;
    bool good = read_delivery(sender, got) && is_good(got);
    char answer[LINE] = "refused\n";
    if (good)
        snprintf(answer, sizeof answer, "taken %zu\n", got->count);
    else
        for (size_t i = 0; i < got->count; i++)
            close(got->files[i]);
    if (good && asks_who)
        fprintf(stderr, "from pid=%d uid=%u gid=%u\n", got->from.pid, got->from.uid, got->from.gid);
    /* A sender that is gone does not hear it: its affair. */
    send(sender, answer, strlen(answer), MSG_NOSIGNAL);
    return good;
}

static int receive(const char *path)
{
    static struct delivery got;
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    int yes = 1; /* the kernel is to say who sends; connections take this over from here */
    if (asks_who && setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == -1)
        fail("SO_PASSCRED");
    if (listen(listener, 16) == -1)
        fail("listen");
    bool taken = false;
    while (!taken) {
        int sender = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (sender == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (sender == -1)
            fail("accept");
        taken = take(sender, &got);
        close(sender);
    }
    unlink(path);

    const char *text = memchr(got.data, '\n', got.size);
    text++; /* is_good() has seen the line feed */
    write_all(text, got.size - (size_t)(text - got.data));
    for (size_t i = 0; i < got.count; i++)
        copy_rest(got.files[i]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "send") == 0)
        return send_files(argv[2], argv + 3, (size_t)(argc - 3));
    asks_who = argc == 4 && strcmp(argv[2], "--who") == 0;
    if (argc == 3 + asks_who && strcmp(argv[1], "receive") == 0)
        return receive(argv[argc - 1]);
    fprintf(stderr, "usage: send SOCKET FILE... < note\n"
                    "       receive [--who] SOCKET\n");
    return 1;
}
