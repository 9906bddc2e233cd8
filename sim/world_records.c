/* Records of metadata: which members the registry's tables take, and their JSON text.
 * Invariant: a column that no writer can fill keeps the world from being made. */
#include <string.h>

#include "sim/world_private.h"

enum { GROUPS_MAX_BYTES = 2001 };

static const struct record_kind *const kinds[RECORD_COUNT] = {
    [RECORD_ASSET] = &asset_record,
    [RECORD_EXCHANGE] = &exchange_record,
    [RECORD_SPOT_MARKET] = &spot_market_record,
    [RECORD_FUTURES_MARKET] = &futures_market_record,
    [RECORD_INDEX_MARKET] = &index_market_record,
    [RECORD_SPOT_INSTRUMENT] = &spot_instrument_record,
    [RECORD_FUTURES_INSTRUMENT] = &futures_instrument_record,
};

/* The object that a member is in: the path up to its '.', "" = the record. */
static struct str parent_of(const char *key)
{
    const char *dot = strchr(key, '.');
    return (struct str){key, dot ? (size_t)(dot - key) : 0};
}

/* Whether a column with this path holds the member, or part of it, or an object that it is in. */
static bool paths_meet(const char *column, const char *member)
{
    size_t i = 0;
    while (column[i] && column[i] == member[i])
        i++;
    return (column[i] == '\0' && (member[i] == '\0' || member[i] == '.')) ||
           (member[i] == '\0' && column[i] == '.');
}

/* False: no member is of this path. */
static bool serve(struct record_plan *plan, const char *path)
{
    bool found = false;
    for (size_t i = 0; i < plan->kind->count; i++) {
        bool meets = paths_meet(path, plan->kind->members[i].key);
        plan->served[i] |= meets;
        found |= meets;
    }
    return found;
}

/* What the client knows and does not store is served too. */
static void serve_left_out(struct record_plan *plan, const struct data_type *table)
{
    for (size_t i = 0; i < plan->kind->count; i++) {
        const char *key = plan->kind->members[i].key;
        struct str parent = parent_of(key);
        struct str name = parent.len > 0 ? parent : str_from(key);
        for (size_t k = 0; k < table->left_out_count; k++)
            plan->served[i] |= str_glob(str_from(table->left_out[k].keys), name);
    }
}

static int serve_table(struct record_plan *plan, const struct data_type *table,
                       struct ccd_error *err)
{
    serve_left_out(plan, table);
    bool is_part = table->shape == SHAPE_PARTS;
    const char *missing = is_part && !serve(plan, table->array) ? table->array : NULL;
    for (size_t i = 0; i < table->column_count && !missing; i++) {
        const struct column *c = &table->columns[i];
        bool elsewhere = is_part && !(c->flags & COLUMN_PARENT);
        if (elsewhere || c->key[0] == '\0')
            continue;
        if (!serve(plan, c->key))
            missing = c->key;
    }
    return missing ? error_set(err, CCD_INTERNAL, "the simulator cannot make %s of %s", missing,
                               table->name)
                   : 0;
}

static int plan_record(struct record_plan *plan, struct ccd_error *err)
{
    const struct record_kind *kind = plan->kind;
    bool found = kind->table == NULL;
    int status = 0;
    for (size_t i = 0; i < kind->count; i++)
        plan->served[i] = kind->table == NULL || kind->members[i].is_extra;
    for (size_t t = 0; t < metadata_table_count && kind->table && status == 0; t++) {
        const struct data_type *table = metadata_tables[t];
        const struct data_type *whole = table->parent ? table->parent : table;
        if (strcmp(whole->name, kind->table) != 0)
            continue;
        found = true;
        status = serve_table(plan, table, err);
    }
    if (!found)
        return error_set(err, CCD_INTERNAL, "the registry has no table %s", kind->table);
    return status;
}

int records_build(struct world *w, struct ccd_error *err)
{
    int status = 0;
    for (unsigned i = 0; i < RECORD_COUNT && status == 0; i++) {
        w->records[i].kind = kinds[i];
        status = plan_record(&w->records[i], err);
    }
    return status;
}

static bool has_group(const struct record_kind *kind, struct str group)
{
    for (const char *const *other = kind->other_groups; other && *other; other++)
        if (str_equal(str_from(*other), group))
            return true;
    for (size_t i = 0; i < kind->count; i++)
        if (str_equal(str_from(kind->members[i].group), group))
            return true;
    return false;
}

/* The first group in the query that the kind does not have; "" = none. */
static void find_wrong_group(const struct record_kind *kind, struct str query,
                             char out[GROUPS_MAX_BYTES])
{
    char text[GROUPS_MAX_BYTES];
    bool bad = false;
    out[0] = '\0';
    if (!query_value(query, "groups", text, sizeof text, &bad))
        return;
    struct str rest = str_from(text);
    while (rest.len > 0) {
        struct str group = str_trim(str_split(&rest, ','));
        if (has_group(kind, group) && !bad)
            continue;
        (void)str_copy(out, GROUPS_MAX_BYTES, bad ? STR("groups") : group);
        return;
    }
}

static bool is_default(const struct record_kind *kind, const char *group)
{
    const char *const *name = kind->default_groups;
    while (name && *name && strcmp(*name, group) != 0)
        name++;
    return !name || *name;
}

int record_choose(const struct record_plan *plan, struct str query, struct record_choice *out,
                  struct buf *out_body)
{
    char wrong[GROUPS_MAX_BYTES];
    bool named = query_has(query, "groups");
    find_wrong_group(plan->kind, query, wrong);
    if (wrong[0])
        return error_reply(out_body, 400, ERROR_TYPE_PARAMETER, "groups", wrong,
                           "Parameter groups names %s, which is no group of this endpoint.", wrong);
    out->plan = plan;
    for (size_t i = 0; i < plan->kind->count; i++) {
        const char *group = plan->kind->members[i].group;
        out->wanted[i] = plan->served[i] && (named ? query_lists(query, "groups", str_from(group))
                                                   : is_default(plan->kind, group));
    }
    return 0;
}

static void take_back(struct buf *out, size_t len)
{
    if (out->failed || out->len == len)
        return;
    out->len = len;
    out->data[len] = '\0';
}

/* Key of a member, with the end of the last object and the begin of its own where need be. */
static void open_member(const char *key, struct str open, const char *separator, struct buf *out)
{
    struct str parent = parent_of(key);
    bool stays = str_equal(parent, open);
    if (open.len > 0 && !stays)
        buf_add_char(out, '}');
    buf_add_text(out, separator);
    if (parent.len > 0 && !stays)
        buf_printf(out, "\"" STR_FMT "\":{", STR_ARG(parent));
    buf_printf(out, "\"%s\":", parent.len > 0 ? key + parent.len + 1 : key);
}

void record_write_open(const struct record_choice *choice, const struct subject *s, struct buf *out)
{
    struct str open = STR("");
    const char *separator = "";
    const struct record_kind *kind = choice->plan->kind;
    buf_add_char(out, '{');
    for (size_t i = 0; i < kind->count; i++) {
        const struct member *m = &kind->members[i];
        if (!choice->wanted[i])
            continue;
        size_t before = out->len;
        open_member(m->key, open, separator, out);
        size_t value_at = out->len;
        m->write(s, m->argument, out);
        if (out->len == value_at) {
            take_back(out, before);
            continue;
        }
        open = parent_of(m->key);
        separator = ",";
    }
    if (open.len > 0)
        buf_add_char(out, '}');
}

void record_write(const struct record_choice *choice, const struct subject *s, struct buf *out)
{
    record_write_open(choice, s, out);
    buf_add_char(out, '}');
}

void write_text(struct buf *out, const char *text)
{
    if (text)
        buf_add_json_text(out, str_from(text));
    else
        buf_add_text(out, "null");
}

void write_flag(struct buf *out, bool flag)
{
    buf_add_text(out, flag ? "true" : "false");
}
