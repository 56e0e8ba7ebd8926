/* Exercise 37, reference solution in C: a broker with the rights, and a worker with the clients.
 *
 *     program LIST DIRECTORY SOCKET
 *
 * The broker opens things and never sees a client. The worker has the clients and can open nothing.
 * Between them is a pair of sockets, on which they speak as clients do: one packet is one request,
 * one packet is its reply, a status byte and with `+` one descriptor. The worker asks for one thing
 * at a time and waits for the reply, so no reply can be taken for that of another request. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
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

/* ---- what both speak ------------------------------------------------------------------------- */

static bool begins(const char *text, size_t length, const char *word)
{
    return length > strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* Whether a packet has the form of a request. It says nothing about whether it is allowed. */
static bool is_request(const char *packet, size_t length)
{
    return length <= LONGEST
        && (begins(packet, length, "read ") || begins(packet, length, "write ")
            || begins(packet, length, "device ")
            || (length == 5 && memcmp(packet, "netns", 5) == 0));
}

/* Sends one reply, and a descriptor with it unless that is -1. The message holds a reference of its
 * own: the descriptor stays the caller's, to be closed. */
static bool reply(int to, enum status status, int file, int flags)
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
    if (sendmsg(to, &message, flags | MSG_NOSIGNAL) == 1)
        return true;
    /* Clients that do not read keep descriptors under way, and there is a limit to them for each
     * user. That is a no for this request, and nobody's fault who waits for it. */
    return file != -1 && errno == ETOOMANYREFS && reply(to, NOT_POSSIBLE, -1, flags);
}

/* Takes one reply; false when the other side has gone. Whatever comes, at most one descriptor is
 * kept, and with `+` only. */
static bool take_reply(int from, enum status *status, int *file)
{
    char byte;
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    union {
        struct cmsghdr header;
        char space[CMSG_LEN(sizeof(int))]; /* room for one, not for padding that holds a second */
    } control;
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = CMSG_LEN(sizeof(int)),
    };
    ssize_t length;
    do
        length = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
    while (length == -1 && errno == EINTR);
    *file = -1;
    if (length != 1)
        return false;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
        memcpy(file, CMSG_DATA(rights), sizeof(int));
    /* The table was full, and the kernel has dropped it. */
    *status = byte == GIVEN && *file == -1 ? NOT_POSSIBLE : (enum status)byte;
    return true;
}

/* ---- the broker: it may open, and sees no client --------------------------------------------- */

/* The lines of the list. A request is allowed if it is one of them, byte for byte. */
static struct line {
    char *text;
    size_t length;
} *list;
static size_t lines;

static int shelf;   /* the directory beneath which files are looked up */
static int devices; /* and that for devices */

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

/* Opens what is of one kind (S_IFREG, S_IFCHR) beneath a directory, or returns -1. The kernel
 * itself stays beneath it and follows no symbolic link. */
static int open_beneath(int directory, const char *name, unsigned access, mode_t kind)
{
    struct open_how how = {
        .flags = access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, /* a FIFO shall keep nobody waiting */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    int file = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    struct stat about;
    if (file == -1)
        return -1;
    if (fstat(file, &about) == -1 || (about.st_mode & S_IFMT) != kind) {
        close(file);
        return -1;
    }
    return file;
}

/* Makes a network namespace, or returns -1. A process can only change its own, so a child does; in
 * a user namespace of its own it needs no privilege for it. The namespace lives as long as somebody
 * has it open. */
static int new_namespace(void)
{
    int ends[2], file = -1;
    enum status status;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
            file = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (file != -1)
            reply(ends[1], GIVEN, file, 0);
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]); /* so that the end of the child is the end of the pair */
    if (child != -1) {
        take_reply(ends[0], &status, &file);
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    return file;
}

/* Decides about one request. The worker is not believed: whoever breaks it can send anything. */
static enum status decide(const char *request, size_t length, int *file)
{
    *file = -1;
    if (!is_request(request, length))
        return NO_REQUEST;
    if (!is_listed(request, length))
        return NOT_ALLOWED;
    /* Opened anew for each request: a copy of one descriptor would share its offset. */
    if (request[0] == 'r')
        *file = open_beneath(shelf, request + strlen("read "), O_RDONLY, S_IFREG);
    else if (request[0] == 'w')
        *file = open_beneath(shelf, request + strlen("write "), O_WRONLY, S_IFREG);
    else if (request[0] == 'd')
        *file = open_beneath(devices, request + strlen("device "), O_RDWR, S_IFCHR);
    else
        *file = new_namespace();
    return *file == -1 ? NOT_POSSIBLE : GIVEN;
}

/* Answers one request of the worker; false when the worker has gone. */
static bool answer(int worker)
{
    char request[LONGEST + 1];
    ssize_t length = recv(worker, request, LONGEST, MSG_TRUNC);
    if (length <= 0)
        return false;
    request[length < LONGEST ? length : LONGEST] = '\0';
    int file;
    enum status status = decide(request, (size_t)length, &file);
    bool told = reply(worker, status, file, 0);
    if (file != -1)
        close(file);
    return told;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path);
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    /* bind() makes the name with mode 0777 less the umask: 0666 from its first moment. */
    mode_t before = umask(0111);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail(path);
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Starts a worker: this program again, with the listener, one end of a pair, and nothing else.
 * fork() alone would give it all memory and all open files of the broker; exec() leaves it those
 * that are not close-on-exec, and an environment that is written here. */
static pid_t start_worker(int listener, int *ours)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
        fail("socketpair");
    pid_t child = fork();
    if (child == -1)
        fail("fork");
    if (child == 0) {
        char numbers[2][16];
        snprintf(numbers[0], sizeof numbers[0], "%d", listener);
        snprintf(numbers[1], sizeof numbers[1], "%d", ends[1]);
        char *arguments[] = { "worker", "--worker", numbers[0], numbers[1], NULL };
        char *environment[] = { "PATH=/usr/bin:/bin", NULL };
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL); /* a mask outlives exec() */
        fcntl(listener, F_SETFD, 0);
        fcntl(ends[1], F_SETFD, 0);
        execve("/proc/self/exe", arguments, environment);
        _exit(127);
    }
    close(ends[1]); /* so that the end of the worker is the end of the pair */
    *ours = ends[0];
    return child;
}

static void end_worker(pid_t worker, int pair)
{
    close(pair);
    kill(worker, SIGKILL);
    waitpid(worker, NULL, 0); /* or it stays as a zombie */
}

static int broker(const char *list_path, const char *directory, const char *path)
{
    read_list(list_path);
    shelf = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (shelf == -1)
        fail(directory);
    devices = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (devices == -1)
        fail("/dev");
    /* SIGTERM becomes something to read, and interrupts nothing half done. */
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    int signals = signalfd(-1, &term, SFD_CLOEXEC);
    if (signals == -1)
        fail("signalfd");

    int listener = listen_at(path);
    int pair;
    pid_t worker = start_worker(listener, &pair);
    for (;;) {
        struct pollfd watched[2] = {
            { .fd = signals, .events = POLLIN },
            { .fd = pair, .events = POLLIN },
        };
        if (poll(watched, 2, -1) == -1)
            fail("poll");
        if (watched[0].revents != 0)
            break;
        if (watched[1].revents != 0 && !answer(pair)) {
            /* Its clients have seen the end. Who is in the listener's queue waits for the next. */
            end_worker(worker, pair);
            poll(NULL, 0, 50); /* one that fails at its start shall not keep a CPU busy */
            worker = start_worker(listener, &pair);
        }
    }
    unlink(path);
    end_worker(worker, pair);
    return EXIT_SUCCESS;
}

/* ---- the worker: it has the clients, and may open nothing ------------------------------------ */

#if defined __x86_64__
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "add the AUDIT_ARCH_ of this machine"
#endif

#define ALLOW(call) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Gives up, for good, every system call but those that the loop below needs. All others fail with
 * EPERM: nothing can be opened, made or started, whoever gets this process to do it. */
static void give_up_rights(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(ppoll), ALLOW(accept4), ALLOW(recvfrom), ALLOW(recvmsg), ALLOW(sendto),
        ALLOW(sendmsg), ALLOW(close), ALLOW(write), ALLOW(restart_syscall), ALLOW(rt_sigreturn),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog filter = { .len = sizeof rules / sizeof rules[0], .filter = rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        fail("no_new_privs");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == -1)
        fail("seccomp");
}

/* Takes one request of a client; false when the conversation is over. recv() has no room for
 * descriptors: what a client attaches is closed by the kernel. */
static bool serve(int client, int broker)
{
    char packet[LONGEST];
    ssize_t length = recv(client, packet, LONGEST, MSG_DONTWAIT | MSG_TRUNC);
    if (length == -1)
        return errno == EAGAIN || errno == EINTR;
    if (length == 0)
        return false;
    if (!is_request(packet, (size_t)length)) /* the real length, of what did not fit too */
        return reply(client, NO_REQUEST, -1, MSG_DONTWAIT);
    enum status status;
    int file;
    if (send(broker, packet, (size_t)length, MSG_NOSIGNAL) != length
        || !take_reply(broker, &status, &file))
        exit(EXIT_SUCCESS); /* the broker has gone */
    /* Taken whatever has become of the client: a reply that is left lying is the next one's. */
    bool told = reply(client, status, status == GIVEN ? file : -1, MSG_DONTWAIT);
    if (file != -1)
        close(file);
    return told; /* false also where its queue is full: who does not read is let go */
}

static int worker(int listener, int broker)
{
    give_up_rights();
    /* Whoever comes when all places are taken waits in the queue of connections. */
    struct pollfd watched[2 + MOST] = { { .fd = broker, .events = POLLIN } };
    size_t used = 2;
    bool full = false; /* no descriptor is left for another client */
    for (;;) {
        bool room = used < 2 + MOST && !full;
        watched[1] = (struct pollfd){ .fd = room ? listener : -1, .events = POLLIN };
        if (ppoll(watched, used, NULL, NULL) == -1) {
            if (errno == EINTR)
                continue;
            fail("ppoll");
        }
        if (watched[0].revents != 0)
            return EXIT_SUCCESS; /* it sends nothing unasked: this is its end */
        for (size_t i = used; i-- > 2;) {
            if (watched[i].revents == 0 || serve(watched[i].fd, broker))
                continue;
            close(watched[i].fd);
            watched[i] = watched[--used];
            full = false;
        }
        if (watched[1].revents == 0)
            continue;
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client != -1)
            watched[used++] = (struct pollfd){ .fd = client, .events = POLLIN };
        else if (errno == EMFILE || errno == ENFILE)
            full = true;
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            fail("accept");
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--worker") == 0)
        return worker(atoi(argv[2]), atoi(argv[3]));
    if (argc == 4)
        return broker(argv[1], argv[2], argv[3]);
    fprintf(stderr, "usage: %s LIST DIRECTORY SOCKET\n", argv[0]);
    return EXIT_FAILURE;
}
