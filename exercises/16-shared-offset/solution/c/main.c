/* Exercise 16, reference solution in C: one open file, one offset, two processes.
 *
 *     lend SOCKET FILE OFFSET [COUNT]     lends an open file, and says where its offset is afterwards
 *     borrow SOCKET                       reads from a file that somebody lends, and gives it back
 *
 * Over the socket go a line and a descriptor, and back come a line and a descriptor. The two
 * descriptors have different numbers and lead to the same open file. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE = 64 }; /* the longest line, with its line feed and a NUL */

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

static int stream_socket(void)
{
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made == -1)
        fail("socket");
    return made;
}

/* A number in decimal digits, and nothing else. */
static bool read_number(const char *text, uint64_t *number)
{
    if (*text == '\0' || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *number = strtoull(text, NULL, 10);
    return errno == 0;
}

/* Sends a line with a descriptor attached. It is a few bytes, and the first on its way: they fit. */
static void send_line(int peer, const char *line, int file)
{
    struct iovec data = { .iov_base = (char *)line, .iov_len = strlen(line) };
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &file, sizeof(int));
    if (sendmsg(peer, &message, MSG_NOSIGNAL) == -1)
        fail("sendmsg");
}

/* ---- lend -------------------------------------------------------------------------------------- */

/* Reads the answer to the end of the stream. The descriptor that comes with it leads to where ours
 * leads: recv() has no room for it, and the kernel closes it. */
static void read_answer(int borrower, char answer[LINE])
{
    size_t size = 0;
    while (size < LINE - 1) {
        ssize_t got = recv(borrower, answer + size, LINE - 1 - size, 0);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("the borrower");
        if (got == 0)
            break;
        size += (size_t)got;
    }
    answer[size] = '\0';
}

static int lend(const char *path, const char *name, const char *place, const char *count)
{
    uint64_t offset, number;
    if (!read_number(place, &offset) || (strcmp(count, "all") != 0 && !read_number(count, &number)))
        give_up("OFFSET and COUNT are numbers");
    /* For reading only: whoever gets the descriptor can do with it what we could. */
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file == -1 || lseek(file, (off_t)offset, SEEK_SET) == -1)
        fail(name);

    struct sockaddr_un address = address_of(path);
    int borrower = stream_socket();
    if (connect(borrower, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    char line[LINE];
    snprintf(line, sizeof line, "read %s\n", count);
    send_line(borrower, line, file);

    char answer[LINE];
    read_answer(borrower, answer);
    size_t length = strlen(answer);
    if (length == 0 || answer[length - 1] != '\n' || strncmp(answer, "read ", 5) != 0)
        give_up("the borrower did not say that it is done");

    /* We read nothing. Where our offset stands is where the borrower has left it. */
    off_t now = lseek(file, 0, SEEK_CUR);
    int flags = fcntl(file, F_GETFL);
    if (now == -1 || flags == -1)
        fail(name);
    printf("offset %jd %s\n", (intmax_t)now, flags & O_NONBLOCK ? "nonblocking" : "blocking");
    if (fflush(stdout) == EOF)
        fail("standard output");
    return 0;
}

/* ---- borrow ------------------------------------------------------------------------------------ */

/* One recvmsg(); the descriptor that came with it, if one did, is in *file. */
static size_t receive(int lender, char *room, size_t size, int *file)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec data = { .iov_base = room, .iov_len = size };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t got;
    do {
        got = recvmsg(lender, &message, MSG_CMSG_CLOEXEC);
    } while (got == -1 && errno == EINTR);
    if (got == -1)
        fail("recvmsg");
    struct cmsghdr *each = CMSG_FIRSTHDR(&message);
    if (each && each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS)
        memcpy(file, CMSG_DATA(each), sizeof(int));
    return (size_t)got;
}

/* Takes the line, and the descriptor under whatever number the kernel gave it. */
static int take_loan(int lender, uint64_t *most)
{
    char line[LINE];
    size_t size = 0;
    int file = -1;
    while (size == 0 || line[size - 1] != '\n') {
        size_t got = receive(lender, line + size, sizeof line - 1 - size, &file);
        if (got == 0)
            give_up("nobody lends anything: the line is missing");
        size += got;
    }
    line[size - 1] = '\0';
    if (file == -1)
        give_up("nobody lends anything: no descriptor came with the line");
    *most = UINT64_MAX;
    if (strcmp(line, "read all") != 0
        && (strncmp(line, "read ", 5) != 0 || !read_number(line + 5, most)))
        give_up("the line is not `read` and a number");
    return file;
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

/* Copies from where the offset stands, and not a byte more than so many: what we read, nobody else
 * who has this open file will read. */
static intmax_t copy(int file, uint64_t most)
{
    char data[65536];
    uint64_t copied = 0;
    while (copied < most) {
        size_t size = most - copied < sizeof data ? (size_t)(most - copied) : sizeof data;
        ssize_t got = read(file, data, size);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return -1;
        if (got == 0)
            break;
        write_all(data, (size_t)got);
        copied += (uint64_t)got;
    }
    return (intmax_t)copied;
}

/* What a call returned: its number, or the name of its error. */
static void put_result(char text[32], intmax_t result)
{
    const char *name = result == -1 ? strerrorname_np(errno) : NULL;
    if (name)
        snprintf(text, 32, "%s", name);
    else
        snprintf(text, 32, "%jd", result == -1 ? errno : result);
}

static int borrow(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = stream_socket();
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    if (listen(listener, 1) == -1)
        fail("listen");
    int lender = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (lender == -1)
        fail("accept");
    unlink(path); /* one loan is all we take */

    uint64_t most;
    int file = take_loan(lender, &most);
    char got[32], written[32], answer[2 * LINE];
    put_result(got, copy(file, most));
    /* No byte is written: the kernel says whether it would be allowed before it looks at the size. */
    put_result(written, write(file, "", 0));
    snprintf(answer, sizeof answer, "read %s write %s\n", got, written);
    send_line(lender, answer, file);
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "lend") == 0)
        return lend(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "all");
    if (argc == 3 && strcmp(argv[1], "borrow") == 0)
        return borrow(argv[2]);
    fprintf(stderr, "usage: lend SOCKET FILE OFFSET [COUNT]\n"
                    "       borrow SOCKET\n");
    return 1;
}
