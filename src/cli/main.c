/* Only what a process needs around cli_main. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"

/* A database file must not become descriptor 2, into which errors are printed. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            _Exit(EXIT_FAILURE);
}

/* The process holds an API key: no core file, no tracing by other programs of the user, no gain of
 * privileges. */
static void keep_secrets_in(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#if !defined(__SANITIZE_ADDRESS__) /* its leak check traces the process */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* Page bodies of some 200 KiB come and go by the thousand. Left to themselves they are mapped and
 * unmapped each time; from the heap they cost a hundredth of the page faults. The heap stays
 * bounded by the pages in flight. */
static void keep_bodies_on_the_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    keep_secrets_in();
    keep_bodies_on_the_heap();
    signal(SIGPIPE, SIG_IGN); /* sockets and a closed pager give EPIPE instead */
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size gives EFBIG, which is reported */
    return cli_main(&(struct cli){.out = stdout, .err = stderr}, argc, argv);
}
