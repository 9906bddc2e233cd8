#include <inttypes.h>

#include "store/sqlite/internal.h"

static const char doing_load[] = "read the coverage in";
static const char doing_compact[] = "compact the coverage in";

int coverage_insert(const struct connection *c, sqlite3_stmt **slot, int64_t series_id,
                    int64_t step_s, const struct coverage_segment *segment, struct ccd_error *err)
{
    int status = statement_get(c, slot,
                               "INSERT INTO ccdata_coverage (series_id, step_s, from_ts, to_ts,"
                               " state, asked_utc_s, next_check_utc_s)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                               err);
    if (status != CCD_OK)
        return status;
    sqlite3_stmt *stmt = *slot;
    sqlite3_bind_int64(stmt, 1, series_id);
    sqlite3_bind_int64(stmt, 2, step_s);
    sqlite3_bind_int64(stmt, 3, segment->from_ts);
    sqlite3_bind_int64(stmt, 4, segment->to_ts);
    bind_str(stmt, 5, str_from(coverage_state_name(segment->state)));
    sqlite3_bind_int64(stmt, 6, segment->asked_utc_s);
    if (segment->next_check_utc_s != 0)
        sqlite3_bind_int64(stmt, 7, segment->next_check_utc_s);
    else
        sqlite3_bind_null(stmt, 7);
    return statement_run(c, stmt, "write coverage to", err);
}

static int read_segment(const struct sqlite_store *s, int64_t series_id,
                        struct coverage_segment *out, struct ccd_error *err)
{
    sqlite3_stmt *stmt = s->load_coverage;
    const char *state = (const char *)sqlite3_column_text(stmt, 2);
    *out = (struct coverage_segment){
        .from_ts = sqlite3_column_int64(stmt, 0),
        .to_ts = sqlite3_column_int64(stmt, 1),
        .asked_utc_s = sqlite3_column_int64(stmt, 3),
        .next_check_utc_s = sqlite3_column_int64(stmt, 4), /* NULL reads as 0 */
    };
    if (!state || !coverage_state_parse(state, &out->state)) {
        return error_set(err, CCD_DATABASE_DATA,
                         "the coverage of series %" PRId64 " in %s has the unknown state \"%s\"",
                         series_id, s->c.path, state ? state : "");
    }
    return CCD_OK;
}

int sqlite_load_coverage(struct store *store, int64_t series_id, int64_t step_s,
                         int (*add)(void *user, const struct coverage_segment *segment), void *user,
                         struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int status = statement_get(&s->c, &s->load_coverage,
                               "SELECT from_ts, to_ts, state, asked_utc_s, next_check_utc_s"
                               " FROM ccdata_coverage WHERE series_id = ?1 AND step_s = ?2",
                               err);
    if (status != CCD_OK)
        return status;
    sqlite3_bind_int64(s->load_coverage, 1, series_id);
    sqlite3_bind_int64(s->load_coverage, 2, step_s);
    bool row = true;
    bool wanted = true;
    while (wanted) {
        status = statement_step(&s->c, s->load_coverage, &row, doing_load, err);
        if (status != CCD_OK || !row)
            break;
        struct coverage_segment segment;
        status = read_segment(s, series_id, &segment, err);
        wanted = status == CCD_OK && add(user, &segment) == 0;
    }
    sqlite3_reset(s->load_coverage);
    return status;
}

struct segment_list {
    struct coverage_segment *items; /* room for 4 * count + 2: merging and its scratch */
    size_t count, capacity;
    const struct allocator *allocator;
    bool failed;
};

static int add_segment(void *user, const struct coverage_segment *segment)
{
    struct segment_list *list = user;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct coverage_segment *items = mem_resize(list->allocator, list->items, 4 * capacity + 2,
                                                    sizeof(*items));
        if (!items) {
            list->failed = true;
            return -1;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *segment;
    return 0;
}

static int replace_segments(const struct sqlite_store *s, int64_t series_id, int64_t step_s,
                            const struct coverage_segment *segments, size_t count,
                            struct ccd_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int status = statement_get(
        &s->c, &stmt, "DELETE FROM ccdata_coverage WHERE series_id = ?1 AND step_s = ?2", err);
    if (status == CCD_OK) {
        sqlite3_bind_int64(stmt, 1, series_id);
        sqlite3_bind_int64(stmt, 2, step_s);
        status = statement_run(&s->c, stmt, doing_compact, err);
    }
    statement_drop(&stmt);
    for (size_t i = 0; i < count && status == CCD_OK; i++)
        status = coverage_insert(&s->c, &stmt, series_id, step_s, &segments[i], err);
    statement_drop(&stmt);
    return status;
}

int sqlite_compact_coverage(struct store *store, int64_t series_id, int64_t step_s, size_t above,
                            struct ccd_error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct segment_list list = {.allocator = s->c.allocator};
    int status = connection_begin(&s->c, err);
    if (status != CCD_OK)
        return status;
    status = sqlite_load_coverage(store, series_id, step_s, add_segment, &list, err);
    if (status == CCD_OK && list.failed)
        status = error_set(err, CCD_NO_MEMORY, "no memory for %zu coverage segments", list.count);
    if (status == CCD_OK && list.count > above) {
        size_t merged = coverage_merge(list.items, list.count, list.items + 2 * list.count);
        if (merged < list.count)
            status = replace_segments(s, series_id, step_s, list.items, merged, err);
    }
    mem_free(list.allocator, list.items);
    return connection_end(&s->c, status, err);
}
