/* Only what a process needs around cli_main. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

/* A database file must not become descriptor 2, into which errors are printed. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != fd) {
            _Exit(EXIT_FAILURE);
        }
    }
}

int main(int argc, char **argv)
{
    open_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* sockets and a closed pager give EPIPE instead */
    return cli_main(&(struct cli){.out = stdout, .err = stderr}, argc, argv);
}
