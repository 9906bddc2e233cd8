/* Only what a process needs around cli_main. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
 * privileges, no file that others can read. */
static void keep_secrets_in(void)
{
    umask(S_IRWXG | S_IRWXO);
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#if !defined(__SANITIZE_ADDRESS__) /* its leak check traces the process */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* The password in the URL of a database. */
static void mask_password(char *argument)
{
    char *scheme_end = strstr(argument, "://");
    char *end = scheme_end ? strrchr(scheme_end, '@') : NULL;
    char *colon = end ? memchr(scheme_end + 3, ':', (size_t)(end - scheme_end - 3)) : NULL;
    if (colon)
        memset(colon + 1, '*', (size_t)(end - colon - 1));
}

/* Everybody can read the arguments of a process: the program works on a copy, and passwords are
 * masked in what others see. NULL when there is no memory. */
static char **take_arguments(int argc, char **argv, size_t *out_size)
{
    size_t size = ((size_t)argc + 1) * sizeof(char *);
    for (int i = 0; i < argc; i++)
        size += strlen(argv[i]) + 1;
    char **taken = calloc(1, size);
    char *text = taken ? (char *)(taken + argc + 1) : NULL;
    for (int i = 0; taken && i < argc; i++) {
        size_t text_size = strlen(argv[i]) + 1;
        taken[i] = memcpy(text, argv[i], text_size);
        text += text_size;
        mask_password(argv[i]);
    }
    *out_size = taken ? size : 0;
    return taken;
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
    signal(SIGCHLD, SIG_DFL); /* ignored by who started us, the end of a command is lost */
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size gives EFBIG, which is reported */
    size_t size;
    char **taken = take_arguments(argc, argv, &size);
    int exit_code = cli_main(&(struct cli){.out = stdout, .err = stderr}, argc,
                             taken ? taken : argv);
    if (taken)
        explicit_bzero(taken, size);
    free(taken);
    return exit_code;
}
