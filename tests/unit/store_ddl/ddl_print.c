/* Prints what the store's floor knows of a dialect, for tests that ask real servers:
 * ddl_print DIALECT sql | legacy | expect | describe | find | moments. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/ddl.h"

enum { TEXT_MAX_BYTES = 4 << 20 };

static int print_sql(const struct dialect *d, bool legacy_views)
{
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES, NULL);
    int status = store_write_ddl(d->id, legacy_views, &text);
    if (status == CCD_OK)
        fputs(text.data, stdout);
    buf_release(&text);
    return status;
}

/* The table's name, its lines, an empty line. */
static int print_expected(void *user, const struct ddl_object *object, struct ccd_error *err)
{
    struct buf lines;
    if (!object->table)
        return CCD_OK;
    buf_init(&lines, TEXT_MAX_BYTES, NULL);
    int status = ddl_expect(object->table, dialect_of(*(enum store_dialect *)user), &lines);
    printf("%s\n%s\n", object->name, lines.data);
    buf_release(&lines);
    return status == 0 ? CCD_OK : error_set(err, CCD_NO_MEMORY, "no memory");
}

/* For each moment two lines of SQL: one stores its literal in a table `moments`, the other must
 * give 0: it finds the row by the literal and by the conversion, and counts its seconds back. */
static void print_moment(const struct dialect *d, int64_t utc_s)
{
    struct buf literal;
    buf_init(&literal, TEXT_MAX_BYTES, NULL);
    moment_literal_add(&literal, d, utc_s);
    printf("INSERT INTO moments (at) VALUES (%s)\n", literal.data);
    printf("SELECT %sat%s - (%" PRId64 ") FROM moments WHERE at = %s AND at = %s%" PRId64 "%s\n",
           d->moment_to_s[0], d->moment_to_s[1], utc_s, literal.data, d->moment_from_s[0], utc_s,
           d->moment_from_s[1]);
    buf_release(&literal);
}

static int print_moments(const struct dialect *d)
{
    static const int64_t moments[] = {-30610224000,
                                      -2208988800,
                                      -1,
                                      0,
                                      951782400,
                                      INT64_C(2147483647),
                                      INT64_C(2147483648),
                                      INT64_C(4102444800),
                                      INT64_C(253402300799)};
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
        print_moment(d, moments[i]);
    return CCD_OK;
}

int main(int argc, char **argv)
{
    enum store_dialect which;
    struct ccd_error err = {0};
    if (argc != 3 || !store_dialect_parse(str_from(argv[1]), &which)) {
        fputs("usage: ddl_print DIALECT sql|legacy|expect|describe|find|moments\n", stderr);
        return 2;
    }
    const struct dialect *d = dialect_of(which);
    const char *what = argv[2];
    const struct ddl_options options = {.dialect = which};
    if (strcmp(what, "sql") == 0 || strcmp(what, "legacy") == 0)
        return print_sql(d, what[0] == 'l');
    if (strcmp(what, "expect") == 0)
        return ddl_each(&options, NULL, print_expected, &which, &err);
    if (strcmp(what, "moments") == 0)
        return print_moments(d);
    puts(strcmp(what, "find") == 0 ? d->find_object : d->describe);
    return 0;
}
