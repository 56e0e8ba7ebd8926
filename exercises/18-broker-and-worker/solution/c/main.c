/* Exercise 18, reference solution in C: a broker that hands out open files, and a worker.
 *
 *     broker LIST DIRECTORY SOCKET      hands out files beneath DIRECTORY, as LIST allows
 *     worker SOCKET NAME...             asks for files by name, and copies them to standard output
 *
 * One packet is one request, one packet is its reply: a status byte, and with `+` one descriptor.
 * A single loop serves all clients, and no call in it waits for a client but poll(). */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LONGEST = 256, /* bytes of a request */
    MOST = 64      /* clients at the same time */
};

/* The status of a reply. */
enum status {
    GIVEN = '+',
    NOT_ALLOWED = '-',
    NOT_POSSIBLE = '!',
    NO_REQUEST = '?'
};

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void give_up(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        give_up("the path does not fit into a socket address");
    strcpy(address.sun_path, path);
    return address;
}

/* ---- broker ------------------------------------------------------------------------------------ */

/* The lines of the list. A request is allowed if it is one of them, byte for byte. */
static struct line {
    char *text;
    size_t length;
} *list;
static size_t lines;

static int shelf; /* the directory beneath which names are looked up */

static void read_list(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail(path);
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&text, &room, file)) > 0) {
        if (text[length - 1] == '\n')
            text[--length] = '\0';
        if (strlen(text) != (size_t)length)
            continue; /* no file has a NUL in its name */
        list = realloc(list, (lines + 1) * sizeof *list);
        if (list == NULL)
            fail("realloc");
        list[lines++] = (struct line){ .text = text, .length = (size_t)length };
        text = NULL;
        room = 0;
    }
    if (!feof(file))
        fail(path);
    free(text);
    fclose(file);
}

static bool is_listed(const char *request, size_t length)
{
    for (size_t i = 0; i < lines; i++)
        if (list[i].length == length && memcmp(list[i].text, request, length) == 0)
            return true;
    return false;
}

/* Opens a regular file beneath the shelf; -1 if there is none that may be opened so. The kernel
 * itself stays beneath the directory and follows no symbolic link, in no part of the name. Who
 * looks first and opens then has a gap between the two, in which the name may change. */
static int open_beneath(const char *name, unsigned access)
{
    struct open_how how = {
        /* A FIFO would keep open() waiting for its other end, and everybody with it. */
        .flags = access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    int file = (int)syscall(SYS_openat2, shelf, name, &how, sizeof how);
    struct stat about;
    if (file == -1)
        return -1;
    /* Asked of what is open, not of the name. */
    if (fstat(file, &about) == -1 || !S_ISREG(about.st_mode)) {
        close(file);
        return -1;
    }
    return file;
}

/* Sends one reply, and a descriptor with it unless that is -1. There is room for it, or the client
 * has not read for long: nobody waits for that. */
static bool reply(int client, enum status status, int file)
{
    char byte = (char)status;
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
    if (file != -1) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space; /* with padding */
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int)); /* without: padding is no descriptor */
        memcpy(CMSG_DATA(rights), &file, sizeof(int));
    }
    return sendmsg(client, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/* Carries out one request. */
static bool answer(int client, const char *request, size_t length)
{
    unsigned access;
    size_t verb;
    if (length > 5 && memcmp(request, "read ", 5) == 0) {
        access = O_RDONLY;
        verb = 5;
    } else if (length > 6 && memcmp(request, "write ", 6) == 0) {
        access = O_WRONLY;
        verb = 6;
    } else {
        return reply(client, NO_REQUEST, -1);
    }
    if (!is_listed(request, length))
        return reply(client, NOT_ALLOWED, -1);
    /* Opened anew for each request: a copy of one descriptor would share its offset. */
    int file = open_beneath(request + verb, access);
    if (file == -1)
        return reply(client, NOT_POSSIBLE, -1);
    bool told = reply(client, GIVEN, file);
    if (!told && errno == ETOOMANYREFS) /* too many descriptors of this user are under way */
        told = reply(client, NOT_POSSIBLE, -1);
    /* The message holds a reference of its own. */
    close(file);
    return told;
}

/* Takes one request; false when the conversation is over. recv() has no room for descriptors: what
 * a client attaches is closed by the kernel. */
static bool serve(int client)
{
    char packet[LONGEST + 1];
    ssize_t length = recv(client, packet, LONGEST, MSG_DONTWAIT | MSG_TRUNC);
    if (length == -1)
        return errno == EAGAIN || errno == EINTR;
    if (length == 0)
        return false;
    if (length > LONGEST) /* the real length; the rest of the packet is gone */
        return reply(client, NO_REQUEST, -1);
    packet[length] = '\0';
    return answer(client, packet, (size_t)length);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    /* bind() makes the name with mode 0777 less the umask: 0666 from its first moment. */
    mode_t before = umask(0111);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

static _Noreturn void broker(const char *list_path, const char *directory, const char *path)
{
    read_list(list_path);
    shelf = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (shelf == -1)
        fail(directory);
    /* The listener, and the clients behind it. Whoever comes when all places are taken waits in
     * the queue of connections: clients can never fill the table of descriptors. */
    struct pollfd watched[1 + MOST] = { { .fd = -1, .events = POLLIN } };
    size_t clients = 0;
    int listener = listen_at(path);
    for (;;) {
        watched[0].fd = clients < MOST ? listener : -1;
        if (poll(watched, 1 + clients, -1) == -1) {
            if (errno == EINTR)
                continue;
            fail("poll");
        }
        for (size_t i = clients; i > 0; i--) {
            if (watched[i].revents == 0 || serve(watched[i].fd))
                continue;
            close(watched[i].fd);
            watched[i] = watched[clients--];
        }
        if (watched[0].revents == 0)
            continue;
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client != -1)
            watched[++clients] = (struct pollfd){ .fd = client, .events = POLLIN };
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            fail("accept");
    }
}

/* ---- worker ------------------------------------------------------------------------------------ */

/* Takes one reply: its status, and the descriptor that came with `+`. What comes otherwise is
 * nothing that a broker sends, and the end of this worker. */
static enum status take_reply(int from, int *file)
{
    char packet[2];
    struct iovec data = { .iov_base = packet, .iov_len = sizeof packet };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t length;
    do
        length = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    while (length == -1 && errno == EINTR);
    if (length == -1)
        fail("the broker");
    if (length == 0)
        give_up("the broker has gone");
    /* The status says whether there is a descriptor to look for, so nobody waits for one. */
    size_t came = 0;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
        came = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(file, CMSG_DATA(rights), sizeof(int));
    }
    enum status status = (unsigned char)packet[0];
    if (message.msg_flags & MSG_CTRUNC)
        give_up("a descriptor was dropped: too many came, or too many are open");
    if (length != 1 || came != (status == GIVEN))
        give_up("the broker sent something that is no reply");
    return status;
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

static void copy(int file, const char *name)
{
    char data[65536];
    for (;;) {
        ssize_t got = read(file, data, sizeof data);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail(name);
        if (got == 0)
            return;
        write_all(data, (size_t)got);
    }
}

static int worker(const char *path, char **names, size_t count)
{
    struct sockaddr_un address = address_of(path);
    int to = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (to == -1)
        fail("socket");
    if (connect(to, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    int status = EXIT_SUCCESS;
    for (size_t i = 0; i < count; i++) {
        struct iovec request[2] = {
            { .iov_base = "read ", .iov_len = 5 },
            { .iov_base = names[i], .iov_len = strlen(names[i]) },
        };
        struct msghdr message = { .msg_iov = request, .msg_iovlen = 2 };
        if (sendmsg(to, &message, MSG_NOSIGNAL) == -1)
            fail("the broker");
        int file = -1;
        enum status told = take_reply(to, &file);
        if (told != GIVEN) {
            fprintf(stderr, "%s: the broker says %c\n", names[i], told);
            status = EXIT_FAILURE;
            continue;
        }
        copy(file, names[i]);
        close(file); /* it was given to us: nobody else closes it */
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "broker") == 0)
        broker(argv[2], argv[3], argv[4]);
    if (argc >= 4 && strcmp(argv[1], "worker") == 0)
        return worker(argv[2], argv + 3, (size_t)(argc - 3));
    fprintf(stderr, "usage: broker LIST DIRECTORY SOCKET\n"
                    "       worker SOCKET NAME...\n");
    return EXIT_FAILURE;
}
