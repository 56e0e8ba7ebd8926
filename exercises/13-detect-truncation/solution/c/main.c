/* Exercise 13, reference solution in C: whole messages, messages that were cut, and a sender that is
 * told what is too big.
 *
 *     detect-truncation receive PATH
 *     detect-truncation send PATH < messages, one a line
 *
 * The receiver has room for 512 bytes. What does not fit is gone when the call returns; only the
 * call that lost it can say so. */

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
    ROOM = 512,
    SEND_BUFFER = 65536, /* what is asked for; the kernel doubles it */
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "detect-truncation: %s: %s\n", what, strerror(errno));
    exit(2);
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

static unsigned long sum_of(const unsigned char *data, size_t size)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    return sum;
}

static _Noreturn void receive(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int inbox = datagram_socket();
    if (bind(inbox, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    for (;;) {
        unsigned char data[ROOM];
        struct iovec place = { .iov_base = data, .iov_len = sizeof data };
        struct msghdr message = { .msg_iov = &place, .msg_iovlen = 1 };
        /* As a flag of the call, MSG_TRUNC asks for the real length, which may be more than ROOM.
         * 0 is the length of an empty message; datagrams have no end. */
        ssize_t real = recvmsg(inbox, &message, MSG_TRUNC);
        if (real == -1 && errno == EINTR)
            continue;
        if (real == -1)
            fail("recvmsg");
        /* As a flag of the answer, it says that something was lost. There are other flags. */
        if (message.msg_flags & MSG_TRUNC)
            printf("TRUNC real=%zd\n", real);
        else
            printf("WHOLE bytes=%zd sum=%lu\n", real, sum_of(data, (size_t)real));
        if (fflush(stdout) != 0)
            fail("standard output");
    }
}

/* Sends one message; false: it is too big for this socket, and nothing of it was sent. */
static bool send_message(int outbox, const char *data, size_t size)
{
    for (;;) {
        if (send(outbox, data, size, 0) != -1)
            return true;
        if (errno == EMSGSIZE)
            return false;
        if (errno != EINTR)
            fail("send");
    }
}

static int send_lines(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int outbox = datagram_socket();
    int asked = SEND_BUFFER;
    if (setsockopt(outbox, SOL_SOCKET, SO_SNDBUF, &asked, sizeof asked) == -1)
        fail("SO_SNDBUF");
    if (connect(outbox, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);

    int status = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) != -1) {
        if (line[size - 1] == '\n')
            size--;
        if (send_message(outbox, line, (size_t)size)) {
            printf("SENT bytes=%zd\n", size);
        } else {
            printf("TOOBIG bytes=%zd\n", size);
            status = 1; /* the next line may fit */
        }
    }
    if (ferror(stdin))
        fail("standard input");
    free(line);
    if (fflush(stdout) != 0)
        fail("standard output");
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "receive") == 0)
        receive(argv[2]);
    if (argc == 3 && strcmp(argv[1], "send") == 0)
        return send_lines(argv[2]);
    fprintf(stderr, "usage: detect-truncation receive PATH\n"
                    "       detect-truncation send PATH < messages\n");
    return 2;
}
