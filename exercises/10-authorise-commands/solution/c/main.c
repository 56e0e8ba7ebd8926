/* Exercise 10, reference solution in C: a server that decides for each command who may give it.
 *
 * The socket lets everybody knock; a policy file says who may do what. The kernel says who is
 * asking. A single loop serves all clients, and no call in it waits for a client but
 * epoll_wait(). */

#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LONGEST = 8 }; /* the longest command is SHUTDOWN */

/* Which right a command needs. */
enum right { PING, READ, STOP, NO_COMMAND };

enum verdict { DENIED, ALLOWED, UNDECIDED };

static const char *const rights[] = { "PING", "READ", "STOP" };

/* Who connected, as the kernel wrote it down at that moment. */
struct peer {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* the supplementary ones */
    size_t count;
};

struct client {
    int fd;
    bool refused; /* it has been told so; the rest of what it sends is thrown away */
    struct peer peer;
    unsigned char frame[HEADER + LONGEST];
    size_t have; /* bytes of the frame */
};

static const char *socket_path, *policy_path;
static gid_t own_group;

static void fail(const char *what)
{
    fprintf(stderr, "authorise-commands: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* A group's number. What is no number must not become one: atoi() would make 0 of it, the group of
 * root. And (gid_t)-1 is nobody's group, it means "none" in many calls. */
static gid_t group_number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number >= (gid_t)-1) {
        fprintf(stderr, "authorise-commands: not the number of a group: %s\n", text);
        exit(EXIT_FAILURE);
    }
    return (gid_t)number;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener == -1)
        fail("socket");
    /* bind() makes the name with mode 0777 less the umask: with 0111 it is 0666 from the first
     * moment. To connect, a client needs the permission to write. */
    mode_t before = umask(0111);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* The supplementary groups of who connected. Their number is not known before; when there is no
 * room for all, the kernel says ERANGE and how much is needed. */
static bool supplementary(int fd, struct peer *peer)
{
    socklen_t bytes = 16 * sizeof(gid_t);
    for (;;) {
        gid_t *groups = realloc(peer->groups, bytes > 0 ? bytes : 1);
        if (groups == NULL)
            return false;
        peer->groups = groups;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) == 0) {
            peer->count = bytes / sizeof(gid_t);
            return true;
        }
        if (errno != ERANGE)
            return false;
    }
}

static bool identify(int fd, struct peer *peer)
{
    struct ucred told;
    socklen_t bytes = sizeof told;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &told, &bytes) == -1)
        return false;
    peer->uid = told.uid;
    peer->gid = told.gid;
    /* A uid of -1 is how the kernel says that it knows nobody. */
    return told.uid != (uid_t)-1 && supplementary(fd, peer);
}

static bool is_member(const struct peer *peer, gid_t group)
{
    if (peer->gid == group)
        return true;
    for (size_t i = 0; i < peer->count; i++)
        if (peer->groups[i] == group)
            return true;
    return false;
}

/* Whether one word of the policy means this peer. */
static enum verdict means(const char *word, const struct peer *peer)
{
    if (strcmp(word, "anyone") == 0)
        return ALLOWED;
    if (strcmp(word, "owner") == 0)
        return peer->uid == geteuid() ? ALLOWED : DENIED;
    if (strcmp(word, "root") == 0)
        return peer->uid == 0 ? ALLOWED : DENIED;
    if (strcmp(word, "group") == 0)
        return is_member(peer, own_group) ? ALLOWED : DENIED;
    if (word[0] != '@')
        return UNDECIDED;
    const struct group *group = getgrnam(word + 1);
    if (group == NULL) /* there is none of that name, or nobody could tell */
        return UNDECIDED;
    return is_member(peer, group->gr_gid) ? ALLOWED : DENIED;
}

static enum right right_called(const char *word)
{
    enum right right = PING;
    while (right < NO_COMMAND && strcmp(word, rights[right]) != 0)
        right++;
    return right;
}

/* What one line says about this right. A line is read to its end also when it is about another one:
 * who cannot understand all of a policy does not know what it allows. */
static enum verdict judge_line(char *line, enum right wanted, const struct peer *peer)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return DENIED;
    char *rest;
    const char *word = strtok_r(line, " ", &rest);
    enum right right = word == NULL ? NO_COMMAND : right_called(word);
    word = strtok_r(NULL, " ", &rest);
    if (right == NO_COMMAND || word == NULL)
        return UNDECIDED;
    bool allowed = false;
    for (; word != NULL; word = strtok_r(NULL, " ", &rest)) {
        enum verdict verdict = means(word, peer);
        if (verdict == UNDECIDED)
            return UNDECIDED;
        allowed = allowed || verdict == ALLOWED;
    }
    return allowed && right == wanted ? ALLOWED : DENIED;
}

/* Asks the policy, as it is now. Nothing is allowed that no line allows, and nothing at all when a
 * question fails. */
static enum verdict decide(enum right wanted, const struct peer *peer)
{
    FILE *policy = fopen(policy_path, "re");
    if (policy == NULL)
        return UNDECIDED;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    enum verdict verdict = DENIED;
    while (verdict != UNDECIDED && (length = getline(&line, &room, policy)) != -1) {
        /* A NUL would hide the rest of the line. */
        bool whole = strlen(line) == (size_t)length;
        enum verdict said = whole ? judge_line(line, wanted, peer) : UNDECIDED;
        if (said != DENIED)
            verdict = said;
    }
    if (verdict != UNDECIDED && !feof(policy)) /* reading failed: that is not the end */
        verdict = UNDECIDED;
    free(line);
    fclose(policy);
    return verdict;
}

/* Sends one frame. A client that leaves so many replies unread that this one has no room is let
 * go, like one that is gone. */
static bool reply(const struct client *client, const char *words)
{
    char frame[HEADER + 16];
    size_t length = strlen(words);
    memcpy(frame, (const unsigned char[HEADER]){ 0, 0, 0, (unsigned char)length }, HEADER);
    memcpy(frame + HEADER, words, length);
    ssize_t sent = send(client->fd, frame, HEADER + length, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t)(HEADER + length);
}

/* A refusal is told, and is the last word of this conversation. The connection stays open until the
 * client has sent all it has to: after close() its send() would fail, and who gets EPIPE may never
 * come to read the words. */
static bool refuse(struct client *client, const char *words)
{
    client->refused = true;
    return reply(client, words);
}

/* The right that a command needs. The empty frame is another PING and SHUTDOWN another STOP, so each
 * needs the same right: who forgets a second name leaves a second door open. */
static enum right right_for(const unsigned char *command, size_t length)
{
    static const struct {
        const char *name;
        enum right right;
    } commands[] = {
        { "", PING }, { "PING", PING }, { "READ", READ }, { "STOP", STOP }, { "SHUTDOWN", STOP },
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strlen(commands[i].name) == length && memcmp(commands[i].name, command, length) == 0)
            return commands[i].right;
    return NO_COMMAND;
}

static bool carry_out(struct client *client, size_t length)
{
    enum right right = right_for(client->frame + HEADER, length);
    if (right == NO_COMMAND)
        return refuse(client, "ERROR command");
    enum verdict verdict = decide(right, &client->peer);
    if (verdict == UNDECIDED)
        return refuse(client, "ERROR policy");
    if (verdict != ALLOWED)
        return refuse(client, "DENIED");
    bool told = reply(client, right == READ ? "OK 21.5" : "OK");
    if (right == STOP) {
        unlink(socket_path);
        exit(EXIT_SUCCESS);
    }
    return told;
}

static uint32_t frame_length(const struct client *client)
{
    const unsigned char *header = client->frame;
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
}

/* Takes what came, at most to the end of a frame, so that nothing is read ahead. False when the
 * conversation is over. */
static bool serve(struct client *client)
{
    if (client->refused) {
        char rest[65536];
        ssize_t count = recv(client->fd, rest, sizeof rest, MSG_DONTWAIT);
        return count > 0 || (count == -1 && errno == EAGAIN);
    }
    size_t end = HEADER;
    if (client->have >= HEADER)
        end += frame_length(client);
    ssize_t count = recv(client->fd, client->frame + client->have, end - client->have, MSG_DONTWAIT);
    if (count <= 0)
        return count == -1 && errno == EAGAIN;
    client->have += (size_t)count;
    if (client->have < HEADER)
        return true;
    uint32_t length = frame_length(client);
    if (length > LONGEST)
        return refuse(client, "ERROR command");
    if (client->have < HEADER + length)
        return true;
    client->have = 0;
    return carry_out(client, length);
}

static void release(struct client *client)
{
    close(client->fd);
    free(client->peer.groups);
    free(client);
}

static void admit(int loop, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1 && (errno == EAGAIN || errno == ECONNABORTED))
        return;
    if (fd == -1)
        fail("accept");
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        fail("calloc");
    client->fd = fd;
    /* Once for each connection: these are the ids and groups of the moment of connect(), and stay
     * so. What they permit is asked again for each command. */
    if (!identify(fd, &client->peer) && !refuse(client, "ERROR policy")) {
        release(client);
        return;
    }
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == -1)
        fail("epoll_ctl");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: authorise-commands GROUP POLICY PATH\n");
        return EXIT_FAILURE;
    }
    own_group = group_number(argv[1]);
    policy_path = argv[2];
    socket_path = argv[3];
    int listener = listen_at(socket_path);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (loop == -1 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) == -1)
        fail("epoll");
    for (;;) {
        int count = epoll_wait(loop, &event, 1, -1);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1)
            fail("epoll_wait");
        struct client *client = event.data.ptr;
        if (client == NULL)
            admit(loop, listener);
        else if (!serve(client))
            release(client);
    }
}
