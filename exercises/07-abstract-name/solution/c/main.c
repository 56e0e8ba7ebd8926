/* Exercise 7, reference solution in C: a server at an abstract name.
 *
 * Nothing here cleans up. The name is an entry in a table of the kernel that goes with the socket, and
 * the socket goes with its last descriptor. So the one duty is to give that descriptor to nobody. */

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What an address has before its name: the family, and the NUL that makes the name abstract. */
enum { BEFORE_NAME = offsetof(struct sockaddr_un, sun_path) + 1 };
enum { LONGEST = sizeof(struct sockaddr_un) - BEFORE_NAME };

static void fail(const char *what)
{
    fprintf(stderr, "abstract-name: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* Writes a name so that a terminal can show it and the arguments of this program can hold it. */
static void print_readable(FILE *to, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte > ' ' && byte <= '~' && byte != '%')
            putc(byte, to);
        else
            fprintf(to, "%%%02x", byte);
    }
}

/* The bytes that an argument means: %HH is one byte, all else is as it stands. Returns how many there
 * are; a name may hold NULs, so its length has to travel with it. */
static size_t read_name(const char *text, char name[LONGEST])
{
    size_t length = 0;
    while (*text != '\0') {
        char byte = *text;
        size_t used = 1;
        if (text[0] == '%' && isxdigit((unsigned char)text[1]) &&
            isxdigit((unsigned char)text[2])) {
            char digits[] = { text[1], text[2], '\0' };
            byte = (char)strtoul(digits, NULL, 16);
            used = 3;
        }
        if (length == LONGEST) {
            fprintf(stderr, "abstract-name: the name is too long: %d bytes fit\n", LONGEST);
            exit(EXIT_FAILURE);
        }
        name[length++] = byte;
        text += used;
    }
    return length;
}

static int listen_at(const char *name, size_t length)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path + 1, name, length);
    /* Every byte up to this length is the name. With sizeof address, the NULs behind it would be too. */
    socklen_t size = (socklen_t)(BEFORE_NAME + length);

    /* Close-on-exec: a program that is started here must not keep the name. */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        fail("socket");
    /* To ask whether the name is taken and to take it is one call, so nobody can come in between. */
    if (bind(listener, (const struct sockaddr *)&address, size) == -1) {
        if (errno != EADDRINUSE)
            fail("bind");
        fprintf(stderr, "abstract-name: the name is taken: ");
        print_readable(stderr, name, length);
        fprintf(stderr, "\n");
        exit(EXIT_FAILURE);
    }
    if (listen(listener, SOMAXCONN) == -1)
        fail("listen");
    return listener;
}

/* Says what name the kernel has for the socket. */
static void say_name(int listener)
{
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &size) == -1)
        fail("getsockname");
    size_t length = size - BEFORE_NAME;
    printf("name %zu ", length);
    print_readable(stdout, address.sun_path + 1, length);
    printf("\nready\n");
    fflush(stdout); /* a pipe is no terminal: without this, the lines would wait for more */
}

/* An abstract name has no permissions: whoever is in this network namespace may connect. */
static bool is_ours(int client)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
        fail("getsockopt");
    return peer.uid == geteuid();
}

static bool send_all(int client, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(client, bytes, count, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* Starts cat(1) on the connection. From then on the client talks to it alone. */
static void hand_over(int client)
{
    pid_t child = fork();
    if (child == -1)
        fail("fork");
    if (child > 0)
        return;
    /* dup2() gives copies that stay open in the new program. */
    if (dup2(client, STDIN_FILENO) != -1 && dup2(client, STDOUT_FILENO) != -1)
        execlp("cat", "cat", (char *)NULL);
    perror("abstract-name: cat");
    _exit(EXIT_FAILURE);
}

static void serve(int client)
{
    if (!is_ours(client)) {
        send_all(client, "NO\n", 3);
        return;
    }
    char bytes[4096];
    bool first = true;
    ssize_t count;
    while ((count = recv(client, bytes, sizeof bytes, 0)) > 0) {
        if (first && bytes[0] == '!') {
            if (send_all(client, "+", 1))
                hand_over(client);
            return;
        }
        first = false;
        for (ssize_t i = 0; i < count; i++)
            if (bytes[i] >= 'a' && bytes[i] <= 'z')
                bytes[i] = (char)(bytes[i] - 'a' + 'A');
        if (!send_all(client, bytes, (size_t)count))
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: abstract-name NAME\n");
        return EXIT_FAILURE;
    }
    char name[LONGEST];
    size_t length = read_name(argv[argc - 1], name);
    int listener = listen_at(name, length);
    say_name(listener);

    /* Nobody asks how a cat has ended, so none of them shall wait as a zombie. */
    struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &action, NULL);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (client == -1)
            fail("accept");
        serve(client);
        close(client); /* not shutdown(): that would end the connection for a cat as well */
    }
}
