#include <inttypes.h>
#include <string.h>

#include "store/sqlite/internal.h"

#define NAMES_SQL                                                                                  \
    "SELECT series_id, market, instrument, mapped_instrument, data_type FROM dim_series "

static const char doing_find[] = "find a series in";
static const char doing_put[] = "write a series to";

void series_statements_drop(struct series_statements *s)
{
    statement_drop(&s->by_id);
    statement_drop(&s->by_instrument);
    statement_drop(&s->by_mapped);
    statement_drop(&s->insert);
    statement_drop(&s->set_mapped);
    statement_drop(&s->journal);
}

static struct str column_str(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return (struct str){text, (size_t)sqlite3_column_bytes(stmt, column)};
}

/* Step a statement of NAMES_SQL; when found, it stays on the row. */
static int step_names(const struct connection *c, sqlite3_stmt *stmt, struct series_names *out,
                      bool *out_found, struct ccd_error *err)
{
    int status = statement_step(c, stmt, out_found, doing_find, err);
    if (status != CCD_OK || !*out_found)
        return status;
    out->series_id = sqlite3_column_int64(stmt, 0);
    if (!str_copy(out->market, sizeof(out->market), column_str(stmt, 1)) ||
        !str_copy(out->instrument, sizeof(out->instrument), column_str(stmt, 2)) ||
        !str_copy(out->mapped_instrument, sizeof(out->mapped_instrument), column_str(stmt, 3))) {
        status = error_set(err, CCD_DATABASE_DATA, "series %" PRId64 " in %s has too long a name",
                           out->series_id, c->path);
        sqlite3_reset(stmt);
    }
    return status;
}

static int find_by(const struct connection *c, sqlite3_stmt **slot, const char *sql,
                   const struct data_type *type, struct str market, struct str name,
                   struct series_names *out, bool *out_found, struct ccd_error *err)
{
    *out_found = false;
    int status = statement_get(c, slot, sql, err);
    if (status != CCD_OK)
        return status;
    bind_str(*slot, 1, str_from(type->name));
    bind_str(*slot, 2, market);
    bind_str(*slot, 3, name);
    status = step_names(c, *slot, out, out_found, err);
    sqlite3_reset(*slot);
    return status;
}

static int find_by_instrument(const struct connection *c, struct series_statements *s,
                              const struct data_type *type, struct str market, struct str name,
                              struct series_names *out, bool *out_found, struct ccd_error *err)
{
    return find_by(c, &s->by_instrument,
                   NAMES_SQL "WHERE data_type = ?1 AND market = ?2 AND instrument = ?3", type,
                   market, name, out, out_found, err);
}

static int find_by_mapped(const struct connection *c, struct series_statements *s,
                          const struct data_type *type, struct str market, struct str name,
                          struct series_names *out, bool *out_found, struct ccd_error *err)
{
    return find_by(c, &s->by_mapped,
                   NAMES_SQL "WHERE data_type = ?1 AND market = ?2 AND mapped_instrument = ?3",
                   type, market, name, out, out_found, err);
}

int series_find(const struct connection *c, struct series_statements *s,
                const struct data_type *type, struct str market, struct str name,
                struct series_names *out_names, bool *out_found, struct ccd_error *err)
{
    int status = find_by_instrument(c, s, type, market, name, out_names, out_found, err);
    if (status == CCD_OK && !*out_found)
        status = find_by_mapped(c, s, type, market, name, out_names, out_found, err);
    return status;
}

static int clash(const struct connection *c, const struct data_type *type,
                 const struct series_names *names, struct str stored_type,
                 const char *stored_market, const char *stored_instrument, struct ccd_error *err)
{
    return error_set(err, CCD_DATABASE_DATA,
                     "series id %" PRId64 " of %s %s %s clashes with " STR_FMT " %s %s in %s",
                     names->series_id, type->name, names->market, names->instrument,
                     STR_ARG(stored_type), stored_market, stored_instrument, c->path);
}

/* The row with this id; one that names another series is a clash. */
static int find_same(const struct connection *c, struct series_statements *s,
                     const struct data_type *type, const struct series_names *names,
                     struct series_names *out, bool *out_found, struct ccd_error *err)
{
    *out_found = false;
    int status = statement_get(c, &s->by_id, NAMES_SQL "WHERE series_id = ?1", err);
    if (status != CCD_OK)
        return status;
    sqlite3_bind_int64(s->by_id, 1, names->series_id);
    status = step_names(c, s->by_id, out, out_found, err);
    if (status == CCD_OK && *out_found) {
        struct str stored_type = column_str(s->by_id, 4);
        if (!str_equal(stored_type, str_from(type->name)) ||
            strcmp(out->market, names->market) != 0 ||
            strcmp(out->instrument, names->instrument) != 0)
            status = clash(c, type, names, stored_type, out->market, out->instrument, err);
    }
    sqlite3_reset(s->by_id);
    return status;
}

static void bind_or_null(sqlite3_stmt *stmt, int index, struct str text, bool null)
{
    if (null)
        sqlite3_bind_null(stmt, index);
    else
        bind_str(stmt, index, text);
}

int revision_put(const struct connection *c, sqlite3_stmt **slot, const struct revision *r,
                 struct ccd_error *err)
{
    int status = statement_get(c, slot,
                               "INSERT INTO ccdata_revisions (series_id, step_s, ts, column_name,"
                               " old_value, new_value, seen_utc_s, run_id)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                               err);
    if (status != CCD_OK)
        return status;
    sqlite3_stmt *stmt = *slot;
    sqlite3_bind_int64(stmt, 1, r->series_id);
    if (r->step_s > 0) {
        sqlite3_bind_int64(stmt, 2, r->step_s);
        sqlite3_bind_int64(stmt, 3, r->ts);
    } else {
        sqlite3_bind_null(stmt, 2);
        sqlite3_bind_null(stmt, 3);
    }
    bind_str(stmt, 4, str_from(r->column_name));
    bind_or_null(stmt, 5, r->old_value, r->old_null);
    bind_or_null(stmt, 6, r->new_value, r->new_null);
    sqlite3_bind_int64(stmt, 7, clock_utc_s(c->clock));
    bind_or_null(stmt, 8, str_from(r->run_id), !r->run_id);
    return statement_run(c, stmt, "journal a change in", err);
}

static int set_mapped(const struct connection *c, struct series_statements *s, int64_t series_id,
                      const char *mapped, struct ccd_error *err)
{
    int status = statement_get(c, &s->set_mapped,
                               "UPDATE dim_series SET mapped_instrument = ?2 WHERE series_id = ?1",
                               err);
    if (status != CCD_OK)
        return status;
    sqlite3_bind_int64(s->set_mapped, 1, series_id);
    bind_str(s->set_mapped, 2, str_from(mapped));
    return statement_run(c, s->set_mapped, doing_put, err);
}

static int journal_mapping(const struct connection *c, struct series_statements *s,
                           const struct series_names *stored, const char *mapped,
                           const char *run_id, struct ccd_error *err)
{
    return revision_put(c, &s->journal,
                        &(struct revision){.series_id = stored->series_id,
                                           .column_name = "mapped_instrument",
                                           .old_value = str_from(stored->mapped_instrument),
                                           .new_value = str_from(mapped),
                                           .run_id = run_id},
                        err);
}

/* Take the mapped id away: until it gets another the series goes by a name that none can have, with
 * a control character. */
static int park(const struct connection *c, struct series_statements *s, int64_t series_id,
                struct ccd_error *err)
{
    char parked[32];
    str_print(parked, sizeof(parked), "\x1f%" PRId64, series_id);
    return set_mapped(c, s, series_id, parked, err);
}

/* Give a series its native id as mapped id. Another series may hold that name: it falls back too,
 * and so on; a series that fell back never loses its name again, so this ends. */
static int fall_back(const struct connection *c, struct series_statements *s,
                     const struct data_type *type, const struct series_names *loser,
                     const char *run_id, struct ccd_error *err)
{
    struct series_names falling = *loser;
    struct series_names other = {0};
    bool more = true;
    int status = CCD_OK;
    while (more && status == CCD_OK) {
        status = find_by_mapped(c, s, type, str_from(falling.market), str_from(falling.instrument),
                                &other, &more, err);
        if (status == CCD_OK && more)
            status = park(c, s, other.series_id, err);
        if (status == CCD_OK)
            status = set_mapped(c, s, falling.series_id, falling.instrument, err);
        if (status == CCD_OK)
            status = journal_mapping(c, s, &falling, falling.instrument, run_id, err);
        falling = other;
    }
    return status;
}

/* Free a mapped id for a series: after a fall back it is looked up again. *out_mapped is what it
 * may have: a name that is the native id of the series that holds it stays there, and the asking
 * series keeps its own native id. */
static int claim(const struct connection *c, struct series_statements *s,
                 const struct data_type *type, const struct series_names *names,
                 const char **out_mapped, const char *run_id, struct ccd_error *err)
{
    struct series_names holder;
    bool found;
    *out_mapped = names->mapped_instrument;
    for (;;) {
        int status = find_by_mapped(c, s, type, str_from(names->market), str_from(*out_mapped),
                                    &holder, &found, err);
        if (status != CCD_OK || !found || holder.series_id == names->series_id)
            return status;
        if (strcmp(holder.instrument, *out_mapped) != 0) {
            status = fall_back(c, s, type, &holder, run_id, err);
            if (status != CCD_OK)
                return status;
        } else if (strcmp(names->instrument, *out_mapped) != 0) {
            *out_mapped = names->instrument;
        } else {
            return clash(c, type, names, str_from(type->name), holder.market, holder.instrument,
                         err);
        }
    }
}

static int insert(const struct connection *c, struct series_statements *s,
                  const struct data_type *type, const struct series_names *names,
                  const char *mapped, struct ccd_error *err)
{
    int status = statement_get(
        c, &s->insert,
        "INSERT INTO dim_series (series_id, data_type, market, instrument,"
        " mapped_instrument, base, quote) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        err);
    if (status != CCD_OK)
        return status;
    struct str base = {0};
    struct str quote = {0};
    bool split = type->splits_instrument &&
                 instrument_split(str_from(names->instrument), &base, &quote);
    sqlite3_bind_int64(s->insert, 1, names->series_id);
    bind_str(s->insert, 2, str_from(type->name));
    bind_str(s->insert, 3, str_from(names->market));
    bind_str(s->insert, 4, str_from(names->instrument));
    bind_str(s->insert, 5, str_from(mapped));
    bind_or_null(s->insert, 6, base, !split);
    bind_or_null(s->insert, 7, quote, !split);
    return statement_run(c, s->insert, doing_put, err);
}

static int put_new(const struct connection *c, struct series_statements *s,
                   const struct data_type *type, const struct series_names *names,
                   const char *run_id, struct ccd_error *err)
{
    struct series_names same;
    bool found;
    int status = find_by_instrument(c, s, type, str_from(names->market),
                                    str_from(names->instrument), &same, &found, err);
    if (status == CCD_OK && found) {
        return error_set(err, CCD_DATABASE_DATA,
                         "%s %s %s is in %s under the id %" PRId64 ", not %" PRId64, type->name,
                         names->market, names->instrument, c->path, same.series_id,
                         names->series_id);
    }
    const char *mapped = names->instrument;
    if (status == CCD_OK)
        status = claim(c, s, type, names, &mapped, run_id, err);
    return status == CCD_OK ? insert(c, s, type, names, mapped, err) : status;
}

int series_put(const struct connection *c, struct series_statements *s,
               const struct data_type *type, const struct series_names *names, bool follow_mapping,
               const char *run_id, struct ccd_error *err)
{
    struct series_names stored;
    bool found;
    int status = find_same(c, s, type, names, &stored, &found, err);
    if (status != CCD_OK)
        return status;
    if (!found)
        return put_new(c, s, type, names, run_id, err);
    if (!follow_mapping || strcmp(stored.mapped_instrument, names->mapped_instrument) == 0)
        return CCD_OK;
    const char *mapped;
    status = claim(c, s, type, names, &mapped, run_id, err);
    if (status != CCD_OK || strcmp(stored.mapped_instrument, mapped) == 0)
        return status;
    status = set_mapped(c, s, stored.series_id, mapped, err);
    return status == CCD_OK ? journal_mapping(c, s, &stored, mapped, run_id, err) : status;
}
