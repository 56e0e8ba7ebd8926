/* Exercise 32, reference solution in C: variables that lead nowhere, and where they went wrong.
 *
 * A value is a name, and what a name is worth only connect(2) can say. So this program looks the
 * variables up as getenv(3) would, and asks the kernel about each name; it never sends a byte. */

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PANE, SERVER, SESSION, SNAPSHOTS };

static struct {
    const char *from, *to;
} snapshots[SNAPSHOTS];
static size_t count = 1;

static const char *root; /* stands in front of every name */

static void fail(const char *what)
{
    fprintf(stderr, "env-doctor: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void *grown(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL)
        fail("memory");
    return memory;
}

/* Reads standard input: strings that end with a NUL. An empty one ends a snapshot. */
static void read_snapshots(void)
{
    char *data = NULL;
    size_t size = 0;
    for (;;) {
        data = grown(data, size + 65537);
        ssize_t got = read(STDIN_FILENO, data + size, 65536);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            fail("standard input");
        if (got == 0)
            break;
        size += (size_t)got;
    }
    data[size] = '\0'; /* the last string may lack its own */
    const char *end = data + size;
    snapshots[PANE].from = snapshots[PANE].to = data;
    for (const char *at = data; at < end; at += strlen(at) + 1) {
        if (*at != '\0') {
            snapshots[count - 1].to = at + strlen(at) + 1;
        } else if (count < SNAPSHOTS) {
            snapshots[count].from = snapshots[count].to = at + 1;
            count++;
        }
    }
}

/* What getenv(3) would return: the value of the first string that begins with the name and `=`. */
static const char *value(size_t which, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = snapshots[which].from; at < snapshots[which].to; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
    return NULL;
}

/* Asks the only one who knows. Nothing is sent: whoever listens sees a client come and go. */
static const char *ask(const struct sockaddr_un *address, socklen_t size)
{
    /* Non-blocking: a connection that would have to wait in a full queue is an answer too. */
    int asking = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking == -1)
        fail("socket");
    int error = connect(asking, (const struct sockaddr *)address, size) == -1 ? errno : 0;
    close(asking);
    switch (error) {
    case 0:
    case EAGAIN:
        return "ok";
    case ECONNREFUSED:
        return "stale";
    case EACCES:
        return "denied";
    case EPROTOTYPE:
        return "other-type";
    case ENOENT:
    case ENOTDIR:
        return "missing";
    default:
        errno = error;
        fail("connect");
        return NULL;
    }
}

static char *below_root(const char *path)
{
    char *whole;
    if (asprintf(&whole, "%s%s", root, path) == -1)
        fail("memory");
    return whole;
}

/* What is at an absolute path, when it should be a socket. */
static const char *socket_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] != '/')
        return "relative";
    char *whole = below_root(path);
    size_t length = strlen(whole);
    struct stat found;
    int error = stat(whole, &found) == -1 ? errno : 0;
    if (length < sizeof address.sun_path)
        strcpy(address.sun_path, whole);
    free(whole);
    if (length >= sizeof address.sun_path)
        return "too-long";
    if (error == ENOENT || error == ENOTDIR)
        return "missing";
    if (error == EACCES)
        return "denied";
    /* connect() says ECONNREFUSED for a file that is no socket, too. */
    if (error == 0 && !S_ISSOCK(found.st_mode))
        return "not-a-socket";
    return ask(&address, sizeof address);
}

/* An abstract name is all bytes up to the length that is given, and no byte more. */
static const char *socket_named(const char *name, size_t length)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t before = strlen(root);
    if (1 + before + length > sizeof address.sun_path)
        return "too-long";
    memcpy(address.sun_path + 1, root, before);
    memcpy(address.sun_path + 1 + before, name, length);
    size_t size = offsetof(struct sockaddr_un, sun_path) + 1 + before + length;
    return ask(&address, (socklen_t)size);
}

static const char *directory_state(const char *path)
{
    if (path == NULL)
        return "unset";
    if (path[0] == '\0')
        return "empty";
    if (path[0] != '/')
        return "relative";
    char *whole = below_root(path);
    struct stat found;
    int error = stat(whole, &found) == -1 ? errno : 0;
    free(whole);
    if (error == EACCES)
        return "denied";
    if (error != 0)
        return "missing";
    return S_ISDIR(found.st_mode) ? "ok" : "not-a-directory";
}

/* WAYLAND_DISPLAY: a path, or a name in the runtime directory of the same environment. */
static const char *display_state(const char *display)
{
    if (display[0] == '/')
        return socket_at(display);
    const char *directory = value(PANE, "XDG_RUNTIME_DIR");
    if (strcmp(directory_state(directory), "ok") != 0)
        return "no-runtime-dir";
    char *path;
    if (asprintf(&path, "%s/%s", directory, display) == -1)
        fail("memory");
    const char *state = socket_at(path);
    free(path);
    return state;
}

static int digit(char character)
{
    return isdigit((unsigned char)character) ? character - '0'
                                             : tolower((unsigned char)character) - 'a' + 10;
}

/* Copies a value of a bus address; %XX stands for a byte. Returns the length. */
static size_t unescape(char *to, const char *from, size_t length)
{
    size_t made = 0;
    for (size_t at = 0; at < length; at++) {
        bool escaped = from[at] == '%' && at + 2 < length &&
                       isxdigit((unsigned char)from[at + 1]) &&
                       isxdigit((unsigned char)from[at + 2]);
        if (escaped) {
            to[made++] = (char)(digit(from[at + 1]) * 16 + digit(from[at + 2]));
            at += 2;
        } else {
            to[made++] = from[at];
        }
    }
    to[made] = '\0';
    return made;
}

/* One address of the bus, as in unix:path=/run/bus,guid=0123. */
static const char *bus_at(const char *address, size_t length)
{
    const char *end = address + length;
    if (length < 5 || strncmp(address, "unix:", 5) != 0)
        return "not-unix";
    char *name = grown(NULL, length + 1);
    const char *state = "not-unix";
    for (const char *at = address + 5; at < end;) {
        size_t size = strcspn(at, ",;");
        if (strncmp(at, "path=", 5) == 0) {
            unescape(name, at + 5, size - 5);
            state = socket_at(name);
        } else if (strncmp(at, "abstract=", 9) == 0) {
            size_t made = unescape(name, at + 9, size - 9);
            state = socket_named(name, made);
        }
        at += size + 1;
    }
    free(name);
    return state;
}

/* A list of addresses: they are tried in order, and the first that answers is taken. */
static const char *bus_state(const char *list)
{
    const char *first = NULL;
    for (;;) {
        size_t length = strcspn(list, ";");
        const char *state = bus_at(list, length);
        if (strcmp(state, "ok") == 0)
            return state;
        if (first == NULL)
            first = state;
        if (list[length] == '\0')
            return first;
        list += length + 1;
    }
}

static const char *state_of(const char *name)
{
    const char *found = value(PANE, name);
    if (found == NULL)
        return "unset";
    if (found[0] == '\0')
        return "empty";
    if (strcmp(name, "XDG_RUNTIME_DIR") == 0)
        return directory_state(found);
    if (strcmp(name, "WAYLAND_DISPLAY") == 0)
        return display_state(found);
    if (strcmp(name, "DBUS_SESSION_BUS_ADDRESS") == 0)
        return bus_state(found);
    return socket_at(found);
}

/* Not to be there is a value of its own: it is not the same as to be empty. */
static bool same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* Where the pane's value went wrong on its way from the session. */
static const char *broken_link(const char *name, bool well)
{
    const char *pane = value(PANE, name);
    if (same(pane, value(SESSION, name)))
        return well ? "-" : "session";
    return same(pane, value(SERVER, name)) ? "server" : "pane";
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: env-doctor ROOT NAME... < SNAPSHOTS\n");
        return 2;
    }
    root = argv[1];
    read_snapshots();
    bool healthy = true;
    for (int i = 2; i < argc; i++) {
        const char *state = state_of(argv[i]);
        bool well = strcmp(state, "ok") == 0;
        printf("%s %s", argv[i], state);
        if (count == SNAPSHOTS) {
            const char *link = broken_link(argv[i], well);
            printf(" %s", link);
            well = well && strcmp(link, "-") == 0;
        }
        printf("\n");
        healthy = healthy && well;
    }
    if (fflush(stdout) == EOF)
        fail("standard output");
    return healthy ? 0 : 1;
}
