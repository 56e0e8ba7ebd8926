/* Exercise 4: frames on a stream.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-4
 *     ipc-mastery hint exercise-4
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, LARGEST = 65536 };

struct frame {
    uint32_t length;
    unsigned char payload[LARGEST];
};

enum next { FRAME, END, ERROR };

/* Reads the next frame: four bytes of length, most significant first, then so many bytes. */
static enum next read_frame(int from, struct frame *frame)
{
    frame->length = 0;
    fprintf(stderr, "next step: read a header from descriptor %d\n", from);
    return END;
}

/* Sends a frame. */
static bool write_frame(int to, const struct frame *frame)
{
    (void)to;
    (void)frame;
    return false;
}

static int filter(void)
{
    static struct frame frame;
    enum next next;
    while ((next = read_frame(STDIN_FILENO, &frame)) == FRAME) {
        /* Make a to z upper case here, and nothing else. */
        if (!write_frame(STDOUT_FILENO, &frame))
            return EXIT_FAILURE;
    }
    return next == END ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The second half of the task: 0 when the filters behind `path` are right, 1 when they are not. */
static int test(const char *path)
{
    fprintf(stderr, "next step: connect to %s and test what is there\n", path);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "test") == 0)
        return test(argv[2]);
    return filter();
}
