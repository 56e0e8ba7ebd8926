/* Exercise 17: wait for an eventfd.
 *
 * README.md says what to build and exactly what is tested.
 *
 *     ipc-mastery check exercise-17
 *     ipc-mastery hint exercise-17
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
    const char *number = getenv("IPC_FD");
    if (number == NULL) {
        fprintf(stderr, "IPC_FD must say which descriptor is the socket\n");
        return 1;
    }
    int owner = atoi(number); /* a connected stream socket: do not connect, do not listen */

    /* 1. recvmsg() on the socket: it brings "watch X\n", and with it the eventfd (SCM_RIGHTS).
     * 2. Answer "watching X\n".
     * 3. Then wait for two things at once: more from the owner, and the eventfd. */
    fprintf(stderr, "next step: take an eventfd from descriptor %d\n", owner);
    return 1;
}
