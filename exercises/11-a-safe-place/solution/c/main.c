/* Exercise 11, reference solution in C: a server that makes itself a safe place.
 *
 * Every question is asked of a descriptor, so that the directory that was looked at is the one that
 * is used. The umask is never changed: it belongs to all that this process will ever make. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char SOCKET[] = "server.sock";

__attribute__((noreturn, format(printf, 1, 2))) static void refuse(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("a-safe-place: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

/* Goes on only if the directory is ours and nobody else may write it: who may write a directory
 * decides what the names in it mean. */
static void must_be_safe(int directory, const char *what)
{
    struct stat found;
    if (fstat(directory, &found) == -1)
        refuse("%s: %s", what, strerror(errno));
    if (found.st_uid != geteuid())
        refuse("%s: its owner is uid %u, not we", what, found.st_uid);
    if (found.st_mode & (S_IWGRP | S_IWOTH))
        refuse("%s: others may write there, its mode is %04o", what, found.st_mode & 07777);
}

static int open_runtime_directory(const char *path)
{
    if (path == NULL)
        refuse("XDG_RUNTIME_DIR is not set");
    if (path[0] != '/')
        refuse("XDG_RUNTIME_DIR is not an absolute path: \"%s\"", path);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory == -1)
        refuse("XDG_RUNTIME_DIR: %s: %s", path, strerror(errno));
    must_be_safe(directory, "XDG_RUNTIME_DIR");
    return directory;
}

/* Makes our directory, or takes the one that is there. */
static int open_own_directory(int runtime, const char *name, mode_t mode)
{
    if (mkdirat(runtime, name, mode) == 0) {
        /* The umask may have taken bits away; chmod is not subject to it. */
        if (fchmodat(runtime, name, mode, 0) == -1)
            refuse("%s: chmod: %s", name, strerror(errno));
    } else if (errno != EEXIST) {
        refuse("%s: mkdir: %s", name, strerror(errno));
    }
    /* EEXIST is said of anything: a link, a file, a directory of somebody else. */
    int directory = openat(runtime, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory == -1)
        refuse("%s is no directory of ours: %s", name, strerror(errno));
    must_be_safe(directory, name);
    return directory;
}

/* One server at a time. The lock is on the directory, so there is no file to leave behind, and it
 * lasts exactly as long as this process, however that ends. */
static void be_the_only_one(int directory, const char *name)
{
    if (flock(directory, LOCK_EX | LOCK_NB) == -1)
        refuse("%s: another server runs there (%s)", name, strerror(errno));
}

static int listen_in(int directory, const char *runtime, const char *name, mode_t mode)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t room = sizeof address.sun_path;
    int length = snprintf(address.sun_path, room, "%s/%s/%s", runtime, name, SOCKET);
    if (length < 0 || (size_t)length >= room)
        refuse("XDG_RUNTIME_DIR is too long for a socket's address");
    /* We hold the lock, so whoever made this name is dead. */
    if (unlinkat(directory, SOCKET, 0) == -1 && errno != ENOENT)
        refuse("%s: unlink: %s", address.sun_path, strerror(errno));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        refuse("socket: %s", strerror(errno));
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) == -1)
        refuse("%s: bind: %s", address.sun_path, strerror(errno));
    /* Between bind and listen nobody can connect, whatever the mode is meanwhile. */
    if (chmod(address.sun_path, mode) == -1)
        refuse("%s: chmod: %s", address.sun_path, strerror(errno));
    if (listen(listener, SOMAXCONN) == -1)
        refuse("listen: %s", strerror(errno));
    return listener;
}

/* SIGTERM and SIGINT as something to read: they wait there until we look. */
static int open_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    if (signals == -1)
        refuse("signalfd: %s", strerror(errno));
    return signals;
}

static void write_log(int directory)
{
    /* 0666 is the usual wish; the umask we were started with says what becomes of it. */
    int log = openat(directory, "log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (log == -1) {
        fprintf(stderr, "a-safe-place: log: %s\n", strerror(errno));
        return;
    }
    dprintf(log, "a client came\n");
    close(log);
}

static void serve(int listener, int directory)
{
    static const char words[] = "welcome\n";
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client == -1)
        return;
    write_log(directory);
    /* A client that is gone concerns nobody else. */
    if (send(client, words, sizeof words - 1, MSG_NOSIGNAL) == -1)
        fprintf(stderr, "a-safe-place: send: %s\n", strerror(errno));
    close(client);
}

static void serve_until_told(int listener, int signals, int directory)
{
    struct pollfd events[] = { { signals, POLLIN, 0 }, { listener, POLLIN, 0 } };
    while (events[0].revents == 0) {
        if (poll(events, 2, -1) == -1 && errno != EINTR)
            refuse("poll: %s", strerror(errno));
        if (events[1].revents != 0)
            serve(listener, directory);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "group", no_argument, NULL, 'g' },
        { "umask", required_argument, NULL, 'u' },
        { NULL, 0, NULL, 0 },
    };
    bool group = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'g')
            group = true;
        else if (option == 'u')
            umask((mode_t)strtol(optarg, NULL, 8));
        else
            return EXIT_FAILURE;
    }
    if (optind != argc - 1)
        refuse("usage: a-safe-place [--group] [--umask OCTAL] NAME");
    const char *name = argv[optind], *path = getenv("XDG_RUNTIME_DIR");

    int signals = open_signals();
    int runtime = open_runtime_directory(path);
    int directory = open_own_directory(runtime, name, group ? 0710 : 0700);
    be_the_only_one(directory, name);
    int listener = listen_in(directory, path, name, group ? 0660 : 0600);
    /* A daemon stands in no directory. All of ours are descriptors or absolute paths. */
    if (chdir("/") == -1)
        refuse("chdir: %s", strerror(errno));
    puts("ready");
    fflush(stdout);

    serve_until_told(listener, signals, directory);
    if (unlinkat(directory, SOCKET, 0) == -1)
        refuse("%s: unlink: %s", SOCKET, strerror(errno));
    return EXIT_SUCCESS;
}
