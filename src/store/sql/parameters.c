#include "store/sql/sql.h"

/* The length of a quoted part, with its quotes; a doubled quote is the end of one part and the
 * begin of the next. */
static size_t quoted_length(const char *text)
{
    size_t len = 1;
    while (text[len] && text[len] != text[0])
        len++;
    return text[len] ? len + 1 : len;
}

/* The number after a '?', without one the next that none has; SQL_PARAMETERS_MAX + 1 at most. */
static unsigned read_number(const char **at, unsigned largest)
{
    unsigned number = **at >= '0' && **at <= '9' ? 0 : largest + 1;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        number = 10 * number + (unsigned)(**at - '0');
        if (number > SQL_PARAMETERS_MAX)
            number = SQL_PARAMETERS_MAX + 1;
    }
    return number;
}

static void add_parameter(struct buf *out, char style, unsigned number)
{
    if (style == '$')
        buf_printf(out, "$%u", number);
    else
        buf_add_char(out, style);
}

int sql_rewrite_parameters(const char *sql, char style, struct buf *out, uint16_t *out_order,
                           size_t *out_count)
{
    size_t count = 0;
    unsigned largest = 0;
    const char *at = sql;
    while (*at) {
        size_t plain = 0;
        while (at[plain] && at[plain] != '?' && at[plain] != '\'' && at[plain] != '"' &&
               at[plain] != '`')
            plain++;
        if (at[plain] && at[plain] != '?')
            plain += quoted_length(at + plain);
        buf_add(out, at, plain);
        at += plain;
        if (*at != '?')
            continue;
        at++;
        unsigned number = read_number(&at, largest);
        if (number < 1 || number > SQL_PARAMETERS_MAX || count == SQL_PARAMETERS_MAX)
            return -1;
        largest = number > largest ? number : largest;
        add_parameter(out, style, number);
        out_order[count++] = (uint16_t)number;
    }
    *out_count = count;
    return out->failed ? -1 : 0;
}
