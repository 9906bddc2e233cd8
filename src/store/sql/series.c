#include <inttypes.h>
#include <string.h>

#include "store/sql/store.h"

#define NAMES_SQL                                                                                  \
    "SELECT series_id, market, instrument, mapped_instrument, data_type FROM dim_series "

enum { TYPE_NAME_MAX_BYTES = 65, IDS_PER_CALL = 64 };

static const char doing_find[] = "find a series in";
static const char doing_put[] = "write a series to";

/* ---- finding ---- */

struct stored_series {
    struct series_names names;
    char data_type[TYPE_NAME_MAX_BYTES];
};

/* A row of NAMES_SQL. */
static int read_names(const struct value *values, size_t count, struct stored_series *out,
                      struct ccd_error *err)
{
    struct series_names *names = &out->names;
    *out = (struct stored_series){0};
    if (count == 5 && values[0].kind == VALUE_I64 && values[1].kind == VALUE_TEXT &&
        values[2].kind == VALUE_TEXT && values[3].kind == VALUE_TEXT &&
        values[4].kind == VALUE_TEXT) {
        names->series_id = values[0].i64;
        if (str_copy(names->market, sizeof(names->market), values[1].text) &&
            str_copy(names->instrument, sizeof(names->instrument), values[2].text) &&
            str_copy(names->mapped_instrument, sizeof(names->mapped_instrument), values[3].text) &&
            str_copy(out->data_type, sizeof(out->data_type), values[4].text))
            return CCD_OK;
    }
    return error_set(err, CCD_DATABASE_DATA, "series %" PRId64 " has too long a name",
                     values[0].kind == VALUE_I64 ? values[0].i64 : 0);
}

struct search {
    const char *wanted; /* NULL = whatever it is */
    bool by_mapped;
    struct stored_series *out;
    bool found;
    bool padded; /* there is one that differs by blanks at the end, and the database sees none */
};

/* A database may take "A " for "A", because it pads texts before it compares them: then it cannot
 * have both. */
static int take_names(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct search *k = user;
    int status = read_names(values, count, k->out, err);
    if (status != CCD_OK)
        return status;
    const struct series_names *names = &k->out->names;
    k->found = !k->wanted ||
               strcmp(k->wanted, k->by_mapped ? names->mapped_instrument : names->instrument) == 0;
    k->padded |= !k->found;
    return k->found ? SQL_ENOUGH : CCD_OK;
}

/* Which series of a type and market has this name? */
struct question {
    const struct data_type *type;
    struct str market, name;
    bool by_mapped; /* is the name its mapped id or its native one? */
    bool padded;    /* none; but one has a name that the database takes for it */
};

static int find_by(struct sql_connection *c, struct question *q, struct series_names *out,
                   bool *out_found, struct ccd_error *err)
{
    static const char by_mapped_sql[] = NAMES_SQL
        "WHERE data_type = ?1 AND market = ?2 AND mapped_instrument = ?3";
    static const char by_instrument_sql[] = NAMES_SQL
        "WHERE data_type = ?1 AND market = ?2 AND instrument = ?3";
    char wanted[INSTRUMENT_MAX_BYTES];
    *out_found = false;
    if (!str_copy(wanted, sizeof(wanted), q->name))
        return CCD_OK; /* no series has so long a name */
    const struct value parameters[] = {
        value_text(str_from(q->type->name)),
        value_text(q->market),
        value_text(q->name),
    };
    struct stored_series stored;
    struct search k = {.wanted = wanted, .by_mapped = q->by_mapped, .out = &stored};
    int status = sql_ask(c, doing_find, q->by_mapped ? by_mapped_sql : by_instrument_sql,
                         parameters, 3, take_names, &k, err);
    *out_found = status == CCD_OK && k.found;
    q->padded = k.padded && !k.found;
    if (*out_found)
        *out = stored.names;
    return status;
}

int sql_series_find(struct sql_connection *c, const struct data_type *type, struct str market,
                    struct str name, struct series_names *out_names, bool *out_found,
                    struct ccd_error *err)
{
    struct question q = {.type = type, .market = market, .name = name};
    int status = find_by(c, &q, out_names, out_found, err);
    q.by_mapped = true;
    if (status == CCD_OK && !*out_found)
        status = find_by(c, &q, out_names, out_found, err);
    return status;
}

static int clash(const struct sql_connection *c, const struct data_type *type,
                 const struct series_names *names, const char *stored_type,
                 const struct series_names *stored, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_DATA,
                     "series id %" PRId64 " of %s %s %s clashes with %s %s %s in %s",
                     names->series_id, type->name, names->market, names->instrument, stored_type,
                     stored->market, stored->instrument, c->target->name);
}

/* A stored row that names another series is a clash. */
static int check_same(const struct sql_connection *c, const struct data_type *type,
                      const struct series_names *names, const struct stored_series *stored,
                      struct ccd_error *err)
{
    if (strcmp(stored->data_type, type->name) == 0 &&
        strcmp(stored->names.market, names->market) == 0 &&
        strcmp(stored->names.instrument, names->instrument) == 0)
        return CCD_OK;
    return clash(c, type, names, stored->data_type, &stored->names, err);
}

/* The row with this id. */
static int find_same(struct sql_connection *c, const struct data_type *type,
                     const struct series_names *names, struct series_names *out, bool *out_found,
                     struct ccd_error *err)
{
    struct stored_series stored;
    struct search k = {.out = &stored};
    const struct value id = value_i64(names->series_id);
    int status = sql_ask(c, doing_find, NAMES_SQL "WHERE series_id = ?1", &id, 1, take_names, &k,
                         err);
    *out_found = status == CCD_OK && k.found;
    if (!*out_found)
        return status;
    *out = stored.names;
    return check_same(c, type, names, &stored, err);
}

/* ---- mapped ids ---- */

static int set_mapped(struct sql_connection *c, int64_t series_id, const char *mapped,
                      struct ccd_error *err)
{
    return SQL_RUN(c, doing_put,
                   "UPDATE dim_series SET mapped_instrument = ?2 WHERE series_id = ?1", err,
                   value_i64(series_id), value_text(str_from(mapped)));
}

static int journal_mapping(struct sql_connection *c, const struct series_names *stored,
                           const char *mapped, const char *run_id, struct ccd_error *err)
{
    return sql_journal_revision(c,
                                &(struct revision){
                                    .series_id = stored->series_id,
                                    .column_name = "mapped_instrument",
                                    .old_value = str_from(stored->mapped_instrument),
                                    .new_value = str_from(mapped),
                                    .run_id = run_id,
                                },
                                err);
}

/* Take the mapped id away: until it gets another the series goes by a name that none can have, with
 * a control character. */
static int park(struct sql_connection *c, int64_t series_id, struct ccd_error *err)
{
    char parked[32];
    str_print(parked, sizeof(parked), "\x1f%" PRId64, series_id);
    return set_mapped(c, series_id, parked, err);
}

/* Give a series its native id as mapped id. Another series may hold that name: it falls back too,
 * and so on; a series that fell back never loses its name again, so this ends. */
static int fall_back(struct sql_connection *c, const struct data_type *type,
                     const struct series_names *loser, const char *run_id, struct ccd_error *err)
{
    struct series_names falling = *loser;
    struct series_names other = {0};
    bool more = true;
    int status = CCD_OK;
    while (more && status == CCD_OK) {
        struct question q = {
            .type = type,
            .market = str_from(falling.market),
            .name = str_from(falling.instrument),
            .by_mapped = true,
        };
        status = find_by(c, &q, &other, &more, err);
        if (status == CCD_OK && more)
            status = park(c, other.series_id, err);
        if (status == CCD_OK)
            status = set_mapped(c, falling.series_id, falling.instrument, err);
        if (status == CCD_OK)
            status = journal_mapping(c, &falling, falling.instrument, run_id, err);
        falling = other;
    }
    return status;
}

static int refuse_padded(const struct sql_connection *c, const struct data_type *type,
                         const struct series_names *names, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_DATA,
                     "%s %s \"%s\" differs from a series in %s only by blanks at the end, which "
                     "this database cannot tell apart",
                     type->name, names->market, names->instrument, c->target->name);
}

/* Free a mapped id for a series: after a fall back it is looked up again. *out_mapped is what it
 * may have: a name that is the native id of the series that holds it stays there, and the asking
 * series keeps its own native id. */
static int claim(struct sql_connection *c, const struct data_type *type,
                 const struct series_names *names, const char **out_mapped, const char *run_id,
                 struct ccd_error *err)
{
    struct series_names holder;
    bool found;
    *out_mapped = names->mapped_instrument;
    for (;;) {
        struct question q = {
            .type = type,
            .market = str_from(names->market),
            .name = str_from(*out_mapped),
            .by_mapped = true,
        };
        int status = find_by(c, &q, &holder, &found, err);
        if (status != CCD_OK || (!found && !q.padded) ||
            (found && holder.series_id == names->series_id))
            return status;
        if (found && strcmp(holder.instrument, *out_mapped) != 0) {
            status = fall_back(c, type, &holder, run_id, err);
            if (status != CCD_OK)
                return status;
        } else if (strcmp(names->instrument, *out_mapped) != 0) {
            *out_mapped = names->instrument;
        } else {
            return found ? clash(c, type, names, type->name, &holder, err)
                         : refuse_padded(c, type, names, err);
        }
    }
}

/* ---- putting ---- */

static struct value text_or_null(struct str text, bool null)
{
    return null ? value_null() : value_text(text);
}

static int insert(struct sql_connection *c, const struct data_type *type,
                  const struct series_names *names, const char *mapped, struct ccd_error *err)
{
    struct str base = {0};
    struct str quote = {0};
    bool split = type->splits_instrument &&
                 instrument_split(str_from(names->instrument), &base, &quote);
    return SQL_RUN(c, doing_put,
                   "INSERT INTO dim_series (series_id, data_type, market, instrument,"
                   " mapped_instrument, base, quote) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   err, value_i64(names->series_id), value_text(str_from(type->name)),
                   value_text(str_from(names->market)), value_text(str_from(names->instrument)),
                   value_text(str_from(mapped)), text_or_null(base, !split),
                   text_or_null(quote, !split));
}

/* The row of the series, by its id or, when another writer has just made it, by its names. */
static int find_stored(struct sql_connection *c, const struct data_type *type,
                       const struct series_names *names, struct series_names *out, bool *out_found,
                       struct ccd_error *err)
{
    int status = find_same(c, type, names, out, out_found, err);
    if (status != CCD_OK || *out_found)
        return status;
    struct question q = {
        .type = type,
        .market = str_from(names->market),
        .name = str_from(names->instrument),
    };
    status = find_by(c, &q, out, out_found, err);
    if (status == CCD_OK && q.padded)
        return refuse_padded(c, type, names, err);
    if (status == CCD_OK && *out_found && out->series_id != names->series_id) {
        return error_set(err, CCD_DATABASE_DATA,
                         "%s %s %s is in %s under the id %" PRId64 ", not %" PRId64, type->name,
                         names->market, names->instrument, c->target->name, out->series_id,
                         names->series_id);
    }
    return status;
}

static int put_new(struct sql_connection *c, const struct data_type *type,
                   const struct series_names *names, const char *run_id, struct ccd_error *err)
{
    const char *mapped = names->instrument;
    int status = claim(c, type, names, &mapped, run_id, err);
    return status == CCD_OK ? insert(c, type, names, mapped, err) : status;
}

int sql_series_put(struct sql_connection *c, const struct data_type *type,
                   const struct series_names *names, bool follow_mapping, const char *run_id,
                   struct ccd_error *err)
{
    struct series_names stored;
    bool found;
    int status = find_stored(c, type, names, &stored, &found, err);
    if (status != CCD_OK)
        return status;
    if (!found)
        return put_new(c, type, names, run_id, err);
    if (!follow_mapping || strcmp(stored.mapped_instrument, names->mapped_instrument) == 0)
        return CCD_OK;
    const char *mapped;
    status = claim(c, type, names, &mapped, run_id, err);
    if (status != CCD_OK || strcmp(stored.mapped_instrument, mapped) == 0)
        return status;
    status = set_mapped(c, stored.series_id, mapped, err);
    return status == CCD_OK ? journal_mapping(c, &stored, mapped, run_id, err) : status;
}

/* ---- members of the store ---- */

struct find_call {
    const struct data_type *type;
    struct str market, name;
    struct series_names *out_names;
    bool *out_found;
};

static int find_series(struct sql_connection *c, void *context, struct ccd_error *err)
{
    const struct find_call *call = context;
    return sql_series_find(c, call->type, call->market, call->name, call->out_names,
                           call->out_found, err);
}

int sql_find_series(struct store *store, const struct data_type *type, struct str market,
                    struct str name, struct series_names *out_names, bool *out_found,
                    struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct find_call call = {type, market, name, out_names, out_found};
    *out_found = false;
    if (s->empty)
        return CCD_OK;
    return sql_store_do(s, &(struct sql_task){.run = find_series, .context = &call}, err);
}

struct put_call {
    const struct data_type *type;
    const struct series_names *names;
    size_t count;
    bool *known; /* stored as they are: nothing to do */
    size_t known_count;
    size_t first; /* of the chunk that is being compared */
};

static int take_known(void *user, const struct value *values, size_t count, struct ccd_error *err)
{
    struct put_call *call = user;
    struct stored_series stored;
    int status = read_names(values, count, &stored, err);
    if (status != CCD_OK || strcmp(stored.data_type, call->type->name) != 0)
        return status;
    for (size_t i = call->first; i < call->count && i < call->first + IDS_PER_CALL; i++) {
        if (!call->known[i] && call->names[i].series_id == stored.names.series_id &&
            strcmp(call->names[i].market, stored.names.market) == 0 &&
            strcmp(call->names[i].instrument, stored.names.instrument) == 0 &&
            strcmp(call->names[i].mapped_instrument, stored.names.mapped_instrument) == 0) {
            call->known[i] = true;
            call->known_count++;
        }
    }
    return CCD_OK;
}

/* Most series of a run are stored already: they are found many at a time, and without the lock that
 * a transaction may need. */
static int find_known(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct put_call *call = context;
    struct value ids[IDS_PER_CALL];
    struct buf sql;
    buf_init(&sql, SQL_TEXT_MAX_BYTES, c->target->allocator);
    buf_add_text(&sql, NAMES_SQL "WHERE series_id IN (");
    for (int i = 1; i <= IDS_PER_CALL; i++)
        buf_add_text(&sql, i > 1 ? ", ?" : "?");
    buf_add_text(&sql, ")");
    int status = CCD_OK;
    const struct sql_sink sink = {take_known, call};
    for (call->first = 0; call->first < call->count && status == CCD_OK;
         call->first += IDS_PER_CALL) {
        for (size_t i = 0; i < IDS_PER_CALL; i++) {
            size_t at = call->first + i < call->count ? call->first + i : call->count - 1;
            ids[i] = value_i64(call->names[at].series_id);
        }
        status = sql_run_text(c, doing_find, &sql, ids, IDS_PER_CALL, &sink, err);
    }
    buf_release(&sql);
    return status;
}

static int put_others(struct sql_connection *c, const struct put_call *call, size_t first,
                      struct ccd_error *err)
{
    int status = CCD_OK;
    for (size_t i = first; i < call->count && status == CCD_OK; i++)
        if (!call->known[i])
            status = sql_series_put(c, call->type, &call->names[i], true, NULL, err);
    return status;
}

/* As if all were put one by one: what follows the first unknown one may have lost its mapped id to
 * it, so it is looked at again. */
static int put_unknown(struct sql_connection *c, void *context, struct ccd_error *err)
{
    struct put_call *call = context;
    size_t first = 0;
    while (first < call->count && call->known[first])
        first++;
    int status = put_others(c, call, first, err);
    for (size_t i = first; i < call->count; i++)
        call->known[i] = false;
    if (status == CCD_OK)
        status = find_known(c, call, err);
    return status == CCD_OK ? put_others(c, call, first, err) : status;
}

int sql_put_series(struct store *store, const struct data_type *type,
                   const struct series_names *names, size_t count, struct ccd_error *err)
{
    struct sql_store *s = (struct sql_store *)store;
    struct put_call call = {.type = type, .names = names, .count = count};
    struct sql_task put = {.run = put_unknown, .context = &call, .writes = true, .apart = true};
    if (s->read_only)
        return sql_store_do(s, &put, err);
    if (count == 0)
        return CCD_OK;
    call.known = mem_new(s->target.allocator, count, sizeof(*call.known));
    if (!call.known)
        return error_set(err, CCD_NO_MEMORY, "no memory for %zu series", count);
    int status = sql_store_do(s, &(struct sql_task){.run = find_known, .context = &call}, err);
    if (status == CCD_OK && call.known_count < count)
        status = sql_store_do(s, &put, err);
    mem_free(s->target.allocator, call.known);
    return status;
}
