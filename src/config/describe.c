#include "config/config.h"

static void add_default(struct buf *out, const struct config_option *option)
{
    if (option->fallback[0]) {
        buf_printf(out, "`%s`", option->fallback);
    }
}

/* As the grammar of env_file.h reads it back; everything in it is literal. */
static void add_value(struct buf *out, const char *value)
{
    buf_add_char(out, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\' || *value == '$')
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_text(out, "\"\n");
}

static void add_example_row(struct buf *out, const struct config_option *option, const char *value)
{
    char range[128];
    config_option_range(option, range);
    buf_printf(out, "# %s", option->meaning);
    if (range[0]) {
        buf_printf(out, " (%s)", range);
    }
    buf_add_char(out, '\n');
    if (value) {
        buf_printf(out, "%s=", option->name);
        add_value(out, value);
        return;
    }
    /* The key is the one line that everybody fills in. */
    bool is_key = option == config_option(CONFIG_CCDATA_API_KEY);
    buf_printf(out, "%s%s=%s\n", is_key ? "" : "#", option->name, option->fallback);
}

int config_write_example(struct buf *out, const char *const *values)
{
    buf_add_text(out,
                 "# Settings of ccdata. Copy this file to .env, fill in the key and take the '#' "
                 "away from what you want to change.\n"
                 "# The environment is stronger than .env.$ENVIRONMENT, which is stronger than "
                 ".env. Keep the copy to yourself: chmod 600 .env\n"
                 "# All settings and the grammar of this file: docs/reference/configuration.md. "
                 "Made from src/config/options.h.\n");
    enum config_group group = CONFIG_GROUP_COUNT;
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        const struct config_option *option = config_option((enum config_id)id);
        if (option->group != group) {
            group = option->group;
            buf_printf(out, "\n# == %s ==\n", config_group_heading(group));
        }
        add_example_row(out, option, values ? values[id] : NULL);
    }
    return out->failed ? -1 : 0;
}

/* '|' would end the cell. */
static void add_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *text);
    }
}

static void add_reference_row(struct buf *out, const struct config_option *option)
{
    char range[128];
    config_option_range(option, range);
    buf_printf(out, "| `%s` | %s | ", option->name, config_type_name(option->type));
    add_default(out, option);
    buf_add_text(out, " | ");
    add_cell(out, range);
    buf_add_text(out, " | ");
    add_cell(out, option->meaning);
    buf_add_text(out, " |\n");
}

static void add_secret_names(struct buf *out)
{
    bool first = true;
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        const struct config_option *option = config_option((enum config_id)id);
        if (option->flags & CONFIG_FILE_VARIANT) {
            buf_printf(out, "%s`%s`", first ? "" : ", ", option->name);
            first = false;
        }
    }
}

static const char INTRODUCTION[] =
    "# Configuration\n"
    "\n"
    "This page is printed from the options table, `src/config/options.h`.\n"
    "\n"
    "## Where a value comes from\n"
    "\n"
    "The strongest source that names a setting decides:\n"
    "\n"
    "1. an option of the command line,\n"
    "2. the environment of the process,\n"
    "3. the file `.env.$ENVIRONMENT` (`ENVIRONMENT` is `development` when it is not set),\n"
    "4. the file `.env`,\n"
    "5. the default.\n"
    "\n"
    "Both files are looked for in the working directory; `--env-file FILE` replaces the two. A "
    "name "
    "that is set to nothing (`NAME=`) means the default, also when a weaker source has a value. "
    "`ccdata config` shows each value with its source.\n"
    "\n"
    "Every value is checked before the first request: type, range, spelling. In a file, an unknown "
    "name within two edits of a known one is an error, any other unknown name a warning, and a "
    "name "
    "that is set twice in one file an error. A wrong value ends the program with exit code 2.\n"
    "\n"
    "## Secrets\n"
    "\n";

static const char SECRETS[] =
    " are secrets. None is ever printed. Each may also be given as a file: `NAME_FILE` holds the "
    "path "
    "of a regular file of at most 64 KiB, whose line end at the end is cut off. Setting `NAME` and "
    "`NAME_FILE` in the same source is an error. A secret with control characters is refused, and, "
    "unless it is a password, one with white space. In a `.env` file, a password with blanks at "
    "its "
    "ends, quotes, `#` or `${` stands between quotes, as below. A secret file, or a `.env` file "
    "that "
    "holds a secret, which others than its owner can "
    "read is a warning, and with `--strict` an error: `chmod 600` it.\n"
    "\n"
    "The program overwrites the secrets in its own environment as soon as it has read them, and a "
    "password in a URL among its arguments when it starts. It leaves no core file, cannot be "
    "traced, and creates files that only their owner can read and write, whatever the umask.\n"
    "\n"
    "## Form of the files\n"
    "\n"
    "UTF-8 text, lines ending in LF or CRLF, at most 1 MiB, a line at most 16 KiB, at most 1000 "
    "names.\n"
    "\n"
    "```sh\n"
    "# a comment\n"
    "NAME=bare text          # white space around it is cut off, a comment needs white space "
    "before it\n"
    "export NAME=text        # the word export may stand before a name\n"
    "NAME='text as it is'    # nothing is special between single quotes\n"
    "NAME=\"a \\\"quoted\\\" text\" # \\\\ \\\" \\$ \\n \\r \\t\n"
    "NAME=${OTHER}/data      # bare or double-quoted: the value of OTHER\n"
    "```\n"
    "\n"
    "`${OTHER}` is taken from the environment, else from an earlier line of the file, else from "
    "`.env`; when none of them sets it, that is an error. A `$` without `{` is an ordinary "
    "character. A value has at most 64 KiB after expansion. A NUL byte or another control "
    "character "
    "is an error.\n";

static const char DATABASE_URLS[] =
    "\n"
    "## Database URLs\n"
    "\n"
    "```\n"
    "sqlite:relative/path.db    sqlite:///absolute/path.db    null:\n"
    "singlestore://user@host:3306/database?ssl-mode=required\n"
    "mysql://user@host/database    mariadb://user@host/database\n"
    "postgresql://user@host1,host2:5433/database?ssl-mode=verify-identity&ssl-ca=/path/ca.pem\n"
    "postgresql://user@%2Fvar%2Frun%2Fpostgresql/database    mysql://user@[::1]/database\n"
    "```\n"
    "\n"
    "Up to 8 hosts are tried in order. A socket is a host written as percent-encoded path. In a "
    "user, password or name write `%` as `%25`, `@` as `%40`, `:` as `%3A`, `/` as `%2F`, `?` as "
    "`%3F`, `#` as `%23` and a space as `%20`.\n"
    "\n"
    "| `ssl-mode` | Encrypted | Certificate | Host name |\n"
    "|---|---|---|---|\n"
    "| `disabled` | no | - | - |\n"
    "| `preferred` | when the server can | any | any |\n"
    "| `required` | yes | any | any |\n"
    "| `verify-ca` | yes | of a trusted authority | any |\n"
    "| `verify-identity` | yes | of a trusted authority | must fit |\n"
    "\n"
    "`ssl-ca` names a file with the certificates of the trusted authorities; without it the "
    "system's are taken. Without `ssl-mode` it is `preferred` when all hosts are this machine "
    "(loopback, `localhost`, a socket) and no `ssl-ca` is given, and `verify-identity` otherwise; "
    "for `S2_HOST` it is `S2_SSL_MODE`, or `verify-identity` when only `S2_SSL_CA` is set.\n"
    "\n"
    "The password comes from the URL, else from `CCDATA_DATABASE_PASSWORD`, else from "
    "`S2_PASSWORD`, else from the file of the database's own client (`~/.my.cnf`, `~/.pgpass`). "
    "One "
    "in the URL is taken with a warning: on the command line it stays in the shell's history, and "
    "until the program has started in the list of processes.\n"
    "\n"
    "When no URL is given and `S2_HOST` is set, the data goes to that SingleStore server; "
    "`S2_USER` and `S2_DATABASE` are required then. `S2_HOST` may name several hosts, separated "
    "by "
    "commas, or the path of a socket. Without both it goes to `sqlite:ccdata.db`.\n";

int config_write_reference(struct buf *out)
{
    buf_add_text(out, INTRODUCTION);
    add_secret_names(out);
    buf_add_text(out, SECRETS);
    buf_add_text(out, DATABASE_URLS);
    enum config_group group = CONFIG_GROUP_COUNT;
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        const struct config_option *option = config_option((enum config_id)id);
        if (option->group != group) {
            group = option->group;
            buf_printf(out, "\n## %s\n\n", config_group_heading(group));
            buf_add_text(out, "| Variable | Type | Default | Allowed | Meaning |\n"
                              "|---|---|---|---|---|\n");
        }
        add_reference_row(out, option);
    }
    return out->failed ? -1 : 0;
}
