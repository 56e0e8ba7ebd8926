/* Exercise 1, reference solution in C: the sockets that can be reached by name.
 *
 * /proc/net/unix has a line for each Unix socket. Seven columns come first, then one blank and the
 * name, which may hold any byte: nothing in it is a separator. */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/net.h> /* __SO_ACCEPTCON: the socket listens */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static const char table_path[] = "/proc/net/unix";

static void fail(const char *what)
{
    fprintf(stderr, "map-the-sockets: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static const char *word_of(unsigned type)
{
    switch (type) {
    case SOCK_STREAM:
        return "stream";
    case SOCK_DGRAM:
        return "dgram";
    case SOCK_SEQPACKET:
        return "seqpacket";
    default:
        return NULL;
    }
}

/* Prints what a line of the table tells, if its socket can be reached by name. */
static void print_socket(const char *line)
{
    unsigned flags, type;
    unsigned long inode;
    int columns = 0;
    /* Num: RefCount Protocol Flags Type St Inode. The inode is padded with blanks to five places,
     * and %lu skips them. A line that is not like this is the heading, or a piece of a name that
     * has a line feed in it. */
    int found = sscanf(line, "%*[^:]: %*x %*x %x %x %*x %lu%n", &flags, &type, &inode, &columns);
    if (found != 3)
        return;

    /* Then one blank, and all the rest is the name. Without a name the line ends here. */
    if (line[columns] != ' ')
        return;
    const char *name = line + columns + 1;

    /* A datagram socket does not listen: to have a name is enough. For the others the flag tells;
     * an accepted socket carries its listener's name, and St is 01 for all that is not connected. */
    const char *word = word_of(type);
    bool reachable = (flags & __SO_ACCEPTCON) != 0 || type == SOCK_DGRAM;
    if (word != NULL && reachable)
        printf("%lu %s %s\n", inode, word, name);
}

int main(void)
{
    FILE *table = fopen(table_path, "re");
    if (table == NULL)
        fail(table_path);

    /* The kernel gives a page at a time; stdio goes on until there is no more. */
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, table)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = '\0'; /* the only one: the kernel shows a NUL in a name as @ */
        print_socket(line);
    }
    if (ferror(table))
        fail(table_path);
    free(line);
    fclose(table);

    /* What is still in the buffer may not go out: a full disk, a reader that is gone. */
    if (fflush(stdout) == EOF || ferror(stdout))
        fail("standard output");
    return EXIT_SUCCESS;
}
