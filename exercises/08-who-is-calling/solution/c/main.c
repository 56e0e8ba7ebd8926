/* Exercise 8, reference solution in C: a server that asks the kernel who is calling.
 *
 *     who-is-calling GROUP PATH
 *
 * All that is known about a caller is read once, right after accept(), from the connection itself.
 * What the caller says is a question, never an answer. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* What the kernel recorded when this peer called connect(). */
struct caller {
    struct ucred ids;
    gid_t *groups; /* supplementary; the gid in `ids` need not be among them */
    size_t group_count;
};

/* How often each user has called. A user is a uid, whatever process it comes as. */
struct user {
    uid_t uid;
    unsigned long calls;
};
static struct user *users;
static size_t user_count;

static void fail(const char *what)
{
    fprintf(stderr, "who-is-calling: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("the path does not fit into a socket address");
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        fail("bind");
    /* Everybody may call; connect() needs permission to write. Nobody can before listen(). */
    if (chmod(path, 0666) == -1)
        fail("chmod");
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Reads the list of groups. The first question has no room: the kernel says ERANGE and how many
 * bytes it needs, or succeeds because there are none. The list never changes in between. */
static void read_groups(int connection, struct caller *caller)
{
    socklen_t size = 0;
    while (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, caller->groups, &size) == -1) {
        if (errno != ERANGE)
            fail("SO_PEERGROUPS");
        caller->groups = realloc(caller->groups, size);
        if (caller->groups == NULL)
            fail("realloc");
    }
    caller->group_count = size / sizeof(gid_t); /* size is in bytes */
}

static void identify(int connection, struct caller *caller)
{
    socklen_t size = sizeof caller->ids; /* in: how much room there is; out: how much was used */
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &caller->ids, &size) == -1)
        fail("SO_PEERCRED");
    read_groups(connection, caller);
}

static bool is_member(const struct caller *caller, gid_t group)
{
    if (caller->ids.gid == group)
        return true;
    for (size_t i = 0; i < caller->group_count; i++)
        if (caller->groups[i] == group)
            return true;
    return false;
}

static struct user *user_of(uid_t uid)
{
    for (struct user *user = users; user < users + user_count; user++)
        if (user->uid == uid)
            return user;
    users = realloc(users, (user_count + 1) * sizeof *users);
    if (users == NULL)
        fail("realloc");
    users[user_count] = (struct user){ .uid = uid };
    return &users[user_count++];
}

/* Takes a decimal number and nothing else: strtoull() alone would accept blanks, a sign, and words. */
static bool parse_number(const char *text, unsigned long long *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 10 || text[digits] != '\0')
        return false;
    *number = strtoull(text, NULL, 10); /* wider than a uid, so nothing is cut off */
    return true;
}

/* Writes the reply to a question into a buffer. */
static void answer(const struct caller *caller, gid_t group, const char *question, char *reply,
                   size_t size)
{
    unsigned long long claimed;
    if (strcmp(question, "user") == 0)
        snprintf(reply, size, "%s\n", caller->ids.uid == geteuid() ? "same" : "other");
    else if (strncmp(question, "uid ", 4) == 0 && parse_number(question + 4, &claimed))
        snprintf(reply, size, "%s\n", claimed == caller->ids.uid ? "true" : "false");
    else if (strcmp(question, "member") == 0)
        snprintf(reply, size, "%s\n", is_member(caller, group) ? "yes" : "no");
    else if (strcmp(question, "groups") == 0)
        snprintf(reply, size, "%zu\n", caller->group_count);
    else if (strcmp(question, "calls") == 0)
        snprintf(reply, size, "%lu\n", user_of(caller->ids.uid)->calls);
    else
        snprintf(reply, size, "unknown\n");
}

/* Answers questions until the caller has said its last, or is gone. */
static void serve(int connection, const struct caller *caller, gid_t group)
{
    char question[80], reply[80];
    FILE *questions = fdopen(connection, "r");
    if (questions == NULL)
        fail("fdopen");
    while (fgets(question, sizeof question, questions) != NULL) {
        question[strcspn(question, "\n")] = '\0';
        answer(caller, group, question, reply, sizeof reply);
        /* MSG_NOSIGNAL: a caller that is gone ends this conversation, not the server. */
        if (send(connection, reply, strlen(reply), MSG_NOSIGNAL) == -1)
            break;
    }
    fclose(questions); /* closes the connection, too */
}

int main(int argc, char **argv)
{
    unsigned long long group;
    if (argc < 3 || !parse_number(argv[1], &group)) {
        fprintf(stderr, "usage: who-is-calling GROUP PATH\n");
        return EXIT_FAILURE;
    }
    int listener = listen_at(argv[argc - 1]);
    for (;;) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (connection == -1)
            fail("accept");
        struct caller caller = { 0 };
        identify(connection, &caller);
        user_of(caller.ids.uid)->calls++;
        printf("peer pid=%d uid=%u gid=%u\n", caller.ids.pid, caller.ids.uid, caller.ids.gid);
        fflush(stdout); /* into a pipe, stdio would keep the line until 4096 bytes have gathered */
        serve(connection, &caller, (gid_t)group);
        free(caller.groups);
    }
}
