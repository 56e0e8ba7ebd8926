/* Exercise 35, reference solution in C: the inbox as a service, with a queue for every user.
 *
 * One loop serves all clients, and no call in it waits for one of them but epoll_wait(). A message is
 * a file in the state directory, so status 0 means that it is there whatever becomes of this process.
 * The journal and the service manager are told by datagrams, and never waited for. */

#define _GNU_SOURCE
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    HEADER = 4,
    LARGEST = 65536,      /* bytes of a payload */
    PIECE = 65000,        /* bytes of a text that go into one frame of a reply */
    MOST_PARTS = 1 << 20, /* bytes that are kept of a connection's parts */
    MOST_MESSAGES = 100,  /* in a queue */
    MOST_GROUPS = 65536
};

static const uid_t NO_USER = (uid_t)-1;

enum status { DONE, UNKNOWN, NOT_ALLOWED, TOO_LARGE, NOT_KEPT, EMPTY, FULL };

/* Bytes that grow. */
struct buffer {
    unsigned char *bytes;
    size_t length, room;
};

struct client {
    int fd;
    struct ucred who;        /* as the kernel wrote it down at connect() */
    bool trusted;            /* the owner, uid 0, or a member of the group */
    bool leaving;            /* its frame was too large: what still comes is thrown away */
    uint32_t events;         /* what the loop waits for */
    unsigned char header[HEADER];
    unsigned char *payload;
    size_t have;             /* bytes of the frame, its header counted */
    struct buffer parts;     /* to be put in front of the next message */
    struct buffer reply;
    size_t sent;             /* bytes of it */
    int attached;            /* goes with the reply's first byte; or -1 */
};

static int loop, listener;
static bool listening = true; /* whether the loop looks at the listener */
static gid_t own_group;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "inbox-service: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "inbox-service: %s\n", why);
    exit(EXIT_FAILURE);
}

static void append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->room - buffer->length < length) {
        buffer->room = 2 * buffer->room + length;
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (buffer->bytes == NULL)
            fail("realloc");
    }
    if (length > 0)
        memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

static void discard(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){ 0 };
}

/* Four bytes, most significant first: a status, or a frame's length. */
static void append_number(struct buffer *buffer, uint32_t number)
{
    number = htobe32(number);
    append(buffer, &number, sizeof number);
}

/* ---- those who are told ----------------------------------------------------------------------- */

/* Sends one datagram to a name; whether somebody took it does not matter here. */
static void send_to(int fd, const char *name, const void *bytes, size_t length, int flags)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (strlen(name) >= sizeof to.sun_path)
        return;
    strcpy(to.sun_path, name);
    if (name[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract name, which ends with its last byte */
    socklen_t end = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    sendto(fd, bytes, length, flags | MSG_NOSIGNAL, (const struct sockaddr *)&to, end);
}

/* As sd_notify(3) does. */
static void tell_manager(const char *state)
{
    const char *manager = getenv("NOTIFY_SOCKET");
    if (manager == NULL || manager[0] == '\0')
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        fail("socket");
    send_to(fd, manager, state, strlen(state), 0);
    close(fd);
}

/* The journal is a service like this one: it may be missing, restarted, or slow. So the socket is not
 * connected, which would bind us to one journal for ever, and no record is waited for. */
static int journal;

/* One field, with the length of its value: so no byte of it can end the field and begin another. */
static void add_field(struct buffer *entry, const char *name, const void *value, size_t length)
{
    uint64_t little = htole64(length);
    append(entry, name, strlen(name));
    append(entry, "\n", 1);
    append(entry, &little, sizeof little);
    append(entry, value, length);
    append(entry, "\n", 1);
}

__attribute__((format(printf, 3, 4)))
static void add_text(struct buffer *entry, const char *name, const char *format, ...)
{
    char value[128];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    add_field(entry, name, value, (size_t)length);
}

/* What all records about a client begin with. */
static struct buffer begin_record(const struct client *client, const char *event, int priority)
{
    struct buffer entry = { 0 };
    add_text(&entry, "SYSLOG_IDENTIFIER", "inbox");
    add_text(&entry, "PRIORITY", "%d", priority);
    add_text(&entry, "INBOX_EVENT", "%s", event);
    add_text(&entry, "INBOX_PID", "%d", client->who.pid);
    add_text(&entry, "INBOX_UID", "%u", client->who.uid);
    add_text(&entry, "INBOX_GID", "%u", client->who.gid);
    return entry;
}

/* Sends an entry, or drops it: a log that is full must not stop the service. */
static void end_record(struct buffer *entry)
{
    const char *path = getenv("IPC_JOURNAL");
    if (path == NULL || path[0] == '\0')
        path = "/run/systemd/journal/socket";
    send_to(journal, path, entry->bytes, entry->length, MSG_DONTWAIT);
    discard(entry);
}

static void record_connection(const struct client *client)
{
    struct buffer entry = begin_record(client, "connect", 6);
    add_text(&entry, "MESSAGE", "connection from uid %u", client->who.uid);
    end_record(&entry);
}

static void record_refusal(const struct client *client, const char *command)
{
    struct buffer entry = begin_record(client, "refuse", 4);
    add_text(&entry, "MESSAGE", "%s refused to uid %u", command, client->who.uid);
    add_text(&entry, "INBOX_COMMAND", "%s", command);
    end_record(&entry);
}

static void record_message(const struct client *client, uid_t to, const void *text, size_t length)
{
    struct buffer entry = begin_record(client, "message", 6);
    add_text(&entry, "INBOX_TO", "%u", to);
    add_field(&entry, "MESSAGE", text, length);
    end_record(&entry);
}

/* ---- the queues ------------------------------------------------------------------------------- */

/* One message is a file `UID-NUMBER` in the state directory; in it is `SENDER TEXT`. It is written
 * under another name and then renamed: a file that has its name is whole. That outlives the process,
 * however it ends. To outlive the machine it would take fsync() as well, of file and directory. */
struct queue {
    uid_t uid;
    unsigned long *numbers; /* the oldest first */
    size_t count;
    struct queue *next;
};

static struct queue *queues;
static int state_directory;
static unsigned long last_number;

static struct queue *queue_of(uid_t uid)
{
    for (struct queue *queue = queues; queue != NULL; queue = queue->next)
        if (queue->uid == uid)
            return queue;
    struct queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        fail("calloc");
    queue->uid = uid;
    queue->next = queues;
    return queues = queue;
}

static void add_number(struct queue *queue, unsigned long number)
{
    queue->numbers = realloc(queue->numbers, (queue->count + 1) * sizeof *queue->numbers);
    if (queue->numbers == NULL)
        fail("realloc");
    queue->numbers[queue->count++] = number;
    if (number > last_number)
        last_number = number;
}

static int by_age(const void *one, const void *other)
{
    unsigned long a = *(const unsigned long *)one, b = *(const unsigned long *)other;
    return (a > b) - (a < b);
}

static void load_queues(const char *path)
{
    state_directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int copy = state_directory == -1 ? -1 : fcntl(state_directory, F_DUPFD_CLOEXEC, 0);
    DIR *directory = copy == -1 ? NULL : fdopendir(copy);
    if (directory == NULL)
        fail("STATE_DIRECTORY");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        unsigned uid;
        unsigned long number;
        char more;
        if (sscanf(entry->d_name, "%u-%lu%c", &uid, &number, &more) == 2)
            add_number(queue_of(uid), number);
    }
    closedir(directory);
    for (struct queue *queue = queues; queue != NULL; queue = queue->next)
        qsort(queue->numbers, queue->count, sizeof *queue->numbers, by_age);
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    for (const char *rest = bytes; length > 0;) {
        ssize_t written = write(fd, rest, length);
        if (written == -1 && errno == EINTR)
            continue;
        if (written == -1)
            return false;
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

/* A file's name has at most 10 digits, a dash, and 20 digits. */
typedef char file_name[32];

static void name_file(file_name name, uid_t uid, unsigned long number)
{
    snprintf(name, sizeof(file_name), "%u-%lu", uid, number);
}

static enum status put_message(uid_t to, uid_t from, const void *text, size_t length)
{
    struct queue *queue = queue_of(to);
    if (queue->count >= MOST_MESSAGES)
        return FULL;
    int file = openat(state_directory, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file == -1)
        return NOT_KEPT;
    char sender[16];
    int digits = snprintf(sender, sizeof sender, "%u ", from);
    bool written = write_all(file, sender, (size_t)digits) && write_all(file, text, length);
    if (close(file) == -1 || !written)
        return NOT_KEPT;
    file_name name;
    name_file(name, to, last_number + 1);
    if (renameat(state_directory, "new", state_directory, name) == -1)
        return NOT_KEPT;
    add_number(queue, last_number + 1);
    return DONE;
}

/* Takes the oldest message out of a user's queue, `SENDER TEXT`. */
static enum status take_message(uid_t of, struct buffer *message)
{
    struct queue *queue = queue_of(of);
    if (queue->count == 0)
        return EMPTY;
    file_name name;
    name_file(name, of, queue->numbers[0]);
    int file = openat(state_directory, name, O_RDONLY | O_CLOEXEC);
    if (file == -1)
        return NOT_KEPT;
    char bytes[65536];
    ssize_t count;
    while ((count = read(file, bytes, sizeof bytes)) > 0)
        append(message, bytes, (size_t)count);
    close(file);
    /* First it is gone, then it is told: so nobody can be told it twice. */
    if (count == -1 || unlinkat(state_directory, name, 0) == -1)
        return NOT_KEPT;
    queue->count--;
    memmove(queue->numbers, queue->numbers + 1, queue->count * sizeof *queue->numbers);
    return DONE;
}

/* ---- the secret ------------------------------------------------------------------------------- */

/* A file in memory that nobody can change any more, this process included. */
static int secret;

static void load_secret(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file == -1)
        fail(path);
    secret = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (secret == -1)
        fail("memfd_create");
    char bytes[4096];
    ssize_t count;
    while ((count = read(file, bytes, sizeof bytes)) > 0)
        if (!write_all(secret, bytes, (size_t)count))
            fail("the secret");
    if (count == -1)
        fail(path);
    close(file);
    if (fcntl(secret, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == -1)
        fail("F_ADD_SEALS");
}

/* A descriptor with an offset of its own: a copy of the one that there is would share its offset. */
static int open_secret(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", secret);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- who is it? ------------------------------------------------------------------------------- */

static bool is_trusted(int fd, const struct ucred *who)
{
    static gid_t groups[MOST_GROUPS]; /* a process cannot have more */
    socklen_t bytes = sizeof groups;
    if (who->uid == geteuid() || who->uid == 0 || who->gid == own_group)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == -1)
        return false;
    for (size_t i = 0; i < bytes / sizeof(gid_t); i++)
        if (groups[i] == own_group)
            return true;
    return false;
}

/* ---- replies ---------------------------------------------------------------------------------- */

/* Sends what is left of a reply. What does not go now waits for EPOLLOUT, and until then nothing
 * more is read from this client: a client that does not read is made to wait, and nobody else. */
static bool send_rest(struct client *client)
{
    struct iovec rest = {
        .iov_base = client->reply.bytes + client->sent,
        .iov_len = client->reply.length - client->sent,
    };
    union {
        struct cmsghdr header; /* aligns the space */
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr message = { .msg_iov = &rest, .msg_iovlen = 1 };
    if (client->attached != -1) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &client->attached, sizeof(int));
    }
    ssize_t sent = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == -1)
        return errno == EAGAIN || errno == EINTR;
    if (client->attached != -1) /* the message holds a reference of its own */
        close(client->attached);
    client->attached = -1;
    client->sent += (size_t)sent;
    if (client->sent == client->reply.length) {
        discard(&client->reply);
        client->sent = 0;
    }
    return true;
}

static bool tell(struct client *client, enum status status)
{
    append_number(&client->reply, status);
    return send_rest(client);
}

static bool refuse(struct client *client, const char *command)
{
    record_refusal(client, command);
    return tell(client, NOT_ALLOWED);
}

/* ---- commands --------------------------------------------------------------------------------- */

/* Keeps a message for somebody: the text, behind the parts that came before. */
static bool carry_out_send(struct client *client, uid_t to, const void *text, size_t length)
{
    struct buffer whole = client->parts;
    client->parts = (struct buffer){ 0 };
    append(&whole, text, length);
    bool allowed = to == client->who.uid || client->trusted;
    enum status status = NOT_ALLOWED;
    if (allowed)
        status = put_message(to, client->who.uid, whole.bytes, whole.length);
    if (status == DONE)
        record_message(client, to, whole.bytes, whole.length);
    discard(&whole);
    return allowed ? tell(client, status) : refuse(client, "SEND");
}

static bool carry_out_take(struct client *client)
{
    struct buffer message = { 0 };
    enum status status = take_message(client->who.uid, &message);
    append_number(&client->reply, status);
    if (status == DONE) {
        unsigned char *blank = memchr(message.bytes, ' ', message.length);
        size_t sender = (size_t)(blank - message.bytes) + 1; /* bytes, with the blank */
        const unsigned char *text = message.bytes + sender;
        size_t left = message.length - sender;
        for (; left > PIECE; text += PIECE, left -= PIECE) {
            append_number(&client->reply, 5 + PIECE);
            append(&client->reply, "MORE ", 5);
            append(&client->reply, text, PIECE);
        }
        append_number(&client->reply, (uint32_t)(sender + left));
        append(&client->reply, message.bytes, sender);
        append(&client->reply, text, left);
    }
    discard(&message);
    return send_rest(client);
}

static bool carry_out_secret(struct client *client)
{
    if (!client->trusted)
        return refuse(client, "SECRET");
    client->attached = open_secret();
    return tell(client, client->attached == -1 ? NOT_KEPT : DONE);
}

static bool carry_out_part(struct client *client, const void *part, size_t length)
{
    bool room = client->parts.length + length <= MOST_PARTS;
    if (room)
        append(&client->parts, part, length);
    else
        discard(&client->parts);
    return tell(client, room ? DONE : TOO_LARGE);
}

/* The bytes behind `UID `, if these are a user's number and a blank; else NULL. */
static const unsigned char *read_uid(const unsigned char *at, const unsigned char *end, uid_t *uid)
{
    uint64_t value = 0;
    const unsigned char *digit = at;
    for (; digit < end && *digit >= '0' && *digit <= '9' && digit - at < 10; digit++)
        value = value * 10 + (*digit - '0');
    if (digit == at || digit == end || *digit != ' ' || value >= NO_USER)
        return NULL;
    *uid = (uid_t)value;
    return digit + 1;
}

static bool begins_with(const unsigned char *payload, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(payload, word, strlen(word)) == 0;
}

static bool is(const unsigned char *payload, size_t length, const char *word)
{
    return length == strlen(word) && begins_with(payload, length, word);
}

static bool carry_out(struct client *client, const unsigned char *payload, size_t length)
{
    const unsigned char *end = payload + length, *text = NULL;
    uid_t to;
    if (is(payload, length, "PING")) {
        append(&client->reply, "\0\0\0\4PONG", 8);
        return send_rest(client);
    }
    if (is(payload, length, "TAKE"))
        return carry_out_take(client);
    if (is(payload, length, "SECRET"))
        return carry_out_secret(client);
    if (begins_with(payload, length, "PART "))
        return carry_out_part(client, payload + 5, length - 5);
    if (begins_with(payload, length, "SEND "))
        text = read_uid(payload + 5, end, &to);
    if (text != NULL)
        return carry_out_send(client, to, text, (size_t)(end - text));
    return tell(client, UNKNOWN);
}

/* ---- frames ----------------------------------------------------------------------------------- */

static uint32_t frame_length(const struct client *client)
{
    uint32_t length;
    memcpy(&length, client->header, sizeof length);
    return be32toh(length);
}

/* Takes what came, at most to the end of a frame: so nothing is read ahead, and what a client has
 * announced but not sent takes no memory worth speaking of. False when the conversation is over. */
static bool receive(struct client *client)
{
    size_t end = HEADER + (client->have < HEADER ? 0 : frame_length(client));
    unsigned char *to = client->have < HEADER ? client->header + client->have
                                              : client->payload + client->have - HEADER;
    ssize_t count = recv(client->fd, to, end - client->have, MSG_DONTWAIT);
    if (count <= 0)
        return count == -1 && (errno == EAGAIN || errno == EINTR);
    client->have += (size_t)count;
    if (client->have < HEADER)
        return true;
    uint32_t length = frame_length(client);
    if (length > LARGEST) { /* before anything is made of this number */
        client->leaving = true;
        return tell(client, TOO_LARGE);
    }
    if (client->have == HEADER && length > 0) {
        client->payload = malloc(length);
        return client->payload != NULL;
    }
    if (client->have < HEADER + length)
        return true;
    client->have = 0;
    bool on = carry_out(client, client->payload, length);
    free(client->payload);
    client->payload = NULL;
    return on;
}

/* Throws away what comes. After close() the client's send() would fail, and who gets EPIPE there
 * may never come to read the status. */
static bool drain(const struct client *client)
{
    char rest[65536];
    ssize_t count = recv(client->fd, rest, sizeof rest, MSG_DONTWAIT);
    return count > 0 || (count == -1 && (errno == EAGAIN || errno == EINTR));
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void watch(int operation, int fd, uint32_t events, void *what)
{
    struct epoll_event event = { .events = events, .data.ptr = what };
    if (epoll_ctl(loop, operation, fd, &event) == -1)
        fail("epoll_ctl");
}

/* Lets the loop look at the listener, or not: exercise 20 says why. */
static void look_at_listener(bool look)
{
    if (look != listening)
        watch(EPOLL_CTL_MOD, listener, look ? EPOLLIN : 0, &listener);
    listening = look;
}

static void release(struct client *client)
{
    close(client->fd);
    if (client->attached != -1)
        close(client->attached);
    free(client->payload);
    discard(&client->parts);
    discard(&client->reply);
    free(client);
    look_at_listener(true);
}

static void admit(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        look_at_listener(false);
    else if (fd == -1 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        fail("accept");
    if (fd == -1)
        return;
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        fail("calloc");
    client->fd = fd;
    client->attached = -1;
    client->events = EPOLLIN;
    socklen_t bytes = sizeof client->who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->who, &bytes) == -1)
        fail("getsockopt");
    client->trusted = is_trusted(fd, &client->who);
    record_connection(client);
    watch(EPOLL_CTL_ADD, fd, client->events, client);
}

static void serve(struct client *client)
{
    bool waiting = client->reply.length > 0;
    if (!(waiting ? send_rest(client) : client->leaving ? drain(client) : receive(client))) {
        release(client);
        return;
    }
    uint32_t events = client->reply.length > 0 ? EPOLLOUT : EPOLLIN;
    if (events != client->events)
        watch(EPOLL_CTL_MOD, client->fd, events, client);
    client->events = events;
}

/* SIGTERM becomes something to read, and has its place in the loop like all else. */
static int ending_signal(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* ---- the start -------------------------------------------------------------------------------- */

/* The socket that the manager listens at. Its name is the manager's, too. */
static int given_listener(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    char own_pid[16];
    snprintf(own_pid, sizeof own_pid, "%d", getpid());
    if (pid == NULL || count == NULL || strcmp(pid, own_pid) != 0 || strcmp(count, "1") != 0)
        give_up("LISTEN_PID and LISTEN_FDS give it no socket");
    int type = 0, listens = 0;
    socklen_t type_bytes = sizeof type, listens_bytes = sizeof listens;
    getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &type_bytes);
    getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_bytes);
    if (type != SOCK_STREAM || !listens)
        give_up("LISTEN_FDS: descriptor 3 is not a stream socket that listens");
    fcntl(3, F_SETFD, FD_CLOEXEC);
    fcntl(3, F_SETFL, O_NONBLOCK);
    return 3;
}

/* A group's number; a name is looked up, for those who write units. */
static gid_t group_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && number < (gid_t)-1)
        return (gid_t)number;
    struct group *group = getgrnam(text);
    if (group == NULL)
        give_up("there is no such group");
    return group->gr_gid;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: inbox-service GROUP SECRET-FILE\n");
        return EXIT_FAILURE;
    }
    signal(SIGHUP, SIG_IGN); /* a terminal that goes is no business of ours */
    own_group = group_number(argv[1]);
    listener = given_listener();
    const char *state = getenv("STATE_DIRECTORY");
    if (state == NULL)
        give_up("STATE_DIRECTORY is not set");
    load_queues(state);
    load_secret(argv[2]);
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int ending = ending_signal();
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (journal == -1 || ending == -1 || loop == -1)
        fail("cannot make the loop");
    watch(EPOLL_CTL_ADD, ending, EPOLLIN, NULL);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    tell_manager("READY=1");
    for (;;) {
        struct epoll_event event; /* one at a time: none can be about a client that has gone since */
        int count = epoll_wait(loop, &event, 1, listening ? -1 : 500);
        if (count == -1 && errno != EINTR)
            fail("epoll_wait");
        if (count == 0)
            look_at_listener(true);
        if (count != 1)
            continue;
        if (event.data.ptr == NULL)
            break;
        if (event.data.ptr == &listener)
            admit();
        else
            serve(event.data.ptr);
    }
    tell_manager("STOPPING=1");
    return EXIT_SUCCESS;
}
