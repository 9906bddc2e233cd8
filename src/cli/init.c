/* A settings file to begin with. What is not given by options or the environment is asked for on a
 * terminal; a secret is never taken from the command line. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <ccdata/ccdata.h>

#include "base/error.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/health.h"
#include "cli/terminal.h"

enum { ANSWER_MAX_BYTES = 4096 };

struct answers {
    char key[ANSWER_MAX_BYTES], database[ANSWER_MAX_BYTES];
};

/* ---- asking ---- */

/* The terminal as it was, for a signal that ends us while nothing is shown. */
static struct termios shown;

static void show_and_die(int signal)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
    raise(signal); /* it was reset when it was delivered */
}

/* The terminal shows what is typed, or not; what has been typed by then is kept. */
static void set_echo(bool on)
{
    static const int deadly[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on ? SIG_DFL : show_and_die,
                               .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    struct termios hidden;
    if (!on && tcgetattr(STDIN_FILENO, &shown) != 0)
        return;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        sigaction(deadly[i], &action, NULL);
    tcsetattr(STDIN_FILENO, TCSADRAIN, on ? &shown : &hidden);
}

/* An empty answer leaves *out as it is. */
static void ask(struct cli *cli, const char *question, bool is_secret, char out[ANSWER_MAX_BYTES])
{
    char line[ANSWER_MAX_BYTES] = "";
    bool hides = is_secret && isatty(STDIN_FILENO);
    if (hides)
        set_echo(false);
    fprintf(cli->err, "%s: ", question);
    fflush(cli->err);
    bool answered = fgets(line, sizeof line, stdin) != NULL;
    if (hides) {
        set_echo(true);
        fputc('\n', cli->err);
    }
    struct str answer = answered ? str_trim(str_from(line)) : STR("");
    if (answer.len > 0)
        str_copy(out, ANSWER_MAX_BYTES, answer);
    explicit_bzero(line, sizeof line);
}

/* ---- what is given ---- */

static int read_key_file(const char *path, char out[ANSWER_MAX_BYTES], struct ccd_error *err)
{
    char text[ANSWER_MAX_BYTES];
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, CCD_CONFIG, "cannot read the key file %s: %s", path, strerror(errno));
    size_t len = fread(text, 1, sizeof text, file);
    bool is_whole = !ferror(file) && len < sizeof text;
    fclose(file);
    struct str key = str_trim((struct str){text, len});
    bool fits = is_whole && key.len > 0 && !memchr(key.ptr, '\0', key.len) &&
                str_copy(out, ANSWER_MAX_BYTES, key);
    explicit_bzero(text, sizeof text);
    return fits ? 0
                : error_set(err, CCD_CONFIG,
                            "the key file %s holds no key, or more than one line "
                            "of %d bytes",
                            path, ANSWER_MAX_BYTES - 1);
}

static int gather(struct cli *cli, const struct args *args, struct answers *answers,
                  struct ccd_error *err)
{
    const char *key = getenv("CCDATA_API_KEY");
    str_copy(answers->database, ANSWER_MAX_BYTES,
             str_from(args->database ? args->database : "sqlite:ccdata.db"));
    if (args->api_key_file)
        return read_key_file(args->api_key_file, answers->key, err);
    if (key && !str_copy(answers->key, ANSWER_MAX_BYTES, str_from(key)))
        return error_set(err, CCD_CONFIG, "CCDATA_API_KEY is longer than %d bytes",
                         ANSWER_MAX_BYTES - 1);
    if (!terminal_is(stdin) || args->json)
        return 0;
    if (!key)
        ask(cli, "API key of the vendor (not shown)", true, answers->key);
    if (!args->database)
        ask(cli, "Database URL [sqlite:ccdata.db]", false, answers->database);
    return 0;
}

/* ---- the file ---- */

static int write_whole(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno != EINTR)
            return -1;
        text += done > 0 ? done : 0;
        left -= done > 0 ? (size_t)done : 0;
    }
    return fsync(fd);
}

/* Whether a run could begin with it. */
static int check_file(const char *path, struct ccd_error *err)
{
    struct ccd_client *client = NULL;
    const struct ccd_options options = {.size = sizeof options, .env_file = path};
    int status = ccd_open(&options, &client, err);
    if (status == 0)
        status = ccd_settings_check(client, err);
    ccd_close(client);
    return status;
}

/* A new file takes the place of an old one whole, or not at all. */
static int write_file(const char *path, const char *text, bool replace, struct ccd_error *err)
{
    char draft[ANSWER_MAX_BYTES];
    if (!replace && access(path, F_OK) == 0)
        return error_set(err, CCD_USAGE, "%s is there already: --force replaces it", path);
    if (!str_print(draft, sizeof draft, "%s.new", path))
        return error_set(err, CCD_USAGE, "the name %s is too long", path);
    unlink(draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write_whole(fd, text) == 0;
    written &= fd < 0 || close(fd) == 0;
    if (written && check_file(draft, err) != 0) {
        unlink(draft);
        return error_prefix(err, "nothing was written to %s", path);
    }
    if (written && rename(draft, path) == 0)
        return 0;
    int why = errno;
    unlink(draft);
    return error_set(err, CCD_DISK, "cannot write %s: %s", path, strerror(why));
}

static int make_file(const struct answers *answers, const char *path, bool replace,
                     struct ccd_error *err)
{
    const struct ccd_setting_choice choices[] = {{"CCDATA_DATABASE_URL", answers->database},
                                                 {"CCDATA_API_KEY", answers->key}};
    char *text = NULL;
    int status = ccd_settings_file(choices, answers->key[0] ? 2 : 1, &text, err);
    if (status == 0)
        status = write_file(path, text, replace, err);
    if (text)
        explicit_bzero(text, strlen(text));
    ccd_text_free(text);
    return status;
}

/* ---- trying ---- */

static int try_settings(struct cli *cli, const struct args *args, const char *path)
{
    struct ccd_error err = {0};
    struct client client;
    int exit_code;
    if (!args->json)
        fprintf(cli->out, "Wrote %s, readable by you alone.\n\n", path);
    if (cli_client_open(&client, cli, args, &err) == 0)
        exit_code = health_print(cli, args, &client, true);
    else
        exit_code = cli_fail(cli, args, &err);
    if (exit_code == 0 && !args->json)
        fprintf(cli->out, "\nNext: ccdata spot_ohlcv --pair_limit 10 --dry_run\n");
    cli_client_close(&client);
    return exit_code;
}

int init_run(struct cli *cli, const struct args *args)
{
    struct answers answers = {0};
    struct ccd_error err = {0};
    const char *path = args->env_file ? args->env_file : ".env";
    int status = gather(cli, args, &answers, &err);
    if (status == 0)
        status = make_file(&answers, path, args->force, &err);
    explicit_bzero(&answers, sizeof answers);
    return status == 0 ? try_settings(cli, args, path) : cli_fail(cli, args, &err);
}
