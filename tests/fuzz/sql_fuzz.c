/* Values as text within SQL: the server's reader, written down here once more, gets back exactly
 * this value and the statement around it. Identifiers are of our alphabet or refused. */
#include <inttypes.h>
#include <string.h>

#include "fuzz.h"
#include "store/dialect.h"
#include "store/mysql/internal.h"

enum { SQL_MAX_BYTES = 1 << 20 };

/* A quoted literal as the manual of MySQL describes it ("String Literals"). */
static const char *read_text(const char *at, const char *end, struct buf *out)
{
    PROMISE(at < end && *at == '\'');
    for (at++; at < end && *at != '\''; at++) {
        char c = *at;
        if (c == '\\') {
            PROMISE(++at < end);
            c = *at == '0' ? '\0' : *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at == 'Z' ? 26 : *at;
        }
        buf_add_char(out, c);
    }
    PROMISE(at < end);
    return at + 1;
}

static const char *read_word(const char *at, const char *end, const char *word)
{
    PROMISE((size_t)(end - at) >= strlen(word) && memcmp(at, word, strlen(word)) == 0);
    return at + strlen(word);
}

static void check_statement(struct str text, double number, int64_t integer)
{
    const struct value values[] = {value_text(text), value_f64(number), value_i64(integer)};
    const struct sql_call call = {
        .sql = "SELECT ?3, ?1, '?2 ''' , ?2", .parameters = values, .parameter_count = 3};
    char printed[32];
    struct buf sql, read;
    buf_init(&sql, SQL_MAX_BYTES, NULL);
    buf_init(&read, SQL_MAX_BYTES, NULL);
    PROMISE(literal_statement(&sql, &call) == 0);
    const char *end = sql.data + sql.len;
    snprintf(printed, sizeof(printed), "%" PRId64, integer);
    const char *at = read_word(sql.data, end, "SELECT ");
    at = read_word(read_word(at, end, printed), end, ", ");
    at = read_text(at, end, &read);
    at = read_word(at, end, ", '?2 ''' , ");
    PROMISE(str_equal(buf_str(&read), text));
    char *rest;
    double again = strtod(at, &rest);
    PROMISE(rest == end && memcmp(&again, &number, sizeof(number)) == 0);
    buf_release(&read);
    buf_release(&sql);
}

static void check_identifier(const char *name)
{
    for (int id = 0; id < DIALECT_COUNT; id++) {
        const struct dialect *d = dialect_of((enum store_dialect)id);
        struct buf out;
        buf_init(&out, SQL_MAX_BYTES, NULL);
        bool added = identifier_add(&out, d, name) == 0;
        bool ours = name[0] &&
                    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) &&
                    strlen(name) <= IDENTIFIER_MAX_BYTES;
        PROMISE(added == ours && added == identifier_ok(name));
        PROMISE(!added || (out.len == strlen(name) + 2 && out.data[0] == d->quote));
        buf_release(&out);
    }
}

/* Eight bytes of a number; the rest is text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    double number;
    int64_t integer;
    if (len < sizeof(number))
        return 0;
    memcpy(&number, bytes, sizeof(number));
    memcpy(&integer, bytes, sizeof(integer));
    if (!(number - number == 0))
        number = 0; /* a batch holds finite numbers only */
    size_t text_len = len - sizeof(number);
    char *text = malloc(text_len + 1);
    PROMISE(text);
    memcpy(text, bytes + sizeof(number), text_len);
    text[text_len] = '\0';
    check_statement((struct str){text, text_len}, number, integer);
    check_identifier(text);
    free(text);
    return 0;
}
