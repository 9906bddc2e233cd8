#include "decode/records.h"

#include <string.h>

#include "base/utf8.h"
#include "decode/tree.h"

enum {
    TABLES_MAX = 16, /* a table with its parts and snapshots */
    KEY_MAX_BYTES = 64,
    PATH_MAX_BYTES = 128,
    NAME_MAX_BYTES = 96, /* of a record, in messages */
};

static const char WRONG_TYPE[] = "wrong type of value";

/* What a batch holds so far. */
struct mark {
    size_t row_count;
    size_t text_len;
    uint64_t unknown_keys;
    char first_unknown_key[sizeof((struct batch *)0)->first_unknown_key];
};

/* The reply at hand. */
struct decoding {
    const struct record_batches *batches;
    const struct data_type *table; /* that is asked for */
    /* The table, and all that are filled from its records: their members are no unknown ones. */
    const struct data_type *relatives[TABLES_MAX];
    size_t relative_count;
    struct records_said *said;
};

/* One record and where it stands. */
struct record {
    json_t *value;
    const char *member; /* its name in Data; NULL in a list */
    const char *market; /* of a catalogue */
    size_t place;       /* in the reply, from 1 */
};

/* ---- batches as they were ---- */

static void take_mark(const struct batch *batch, struct mark *out)
{
    *out = (struct mark){.row_count = batch->row_count,
                         .text_len = batch->text.len,
                         .unknown_keys = batch->unknown_keys};
    memcpy(out->first_unknown_key, batch->first_unknown_key, sizeof out->first_unknown_key);
}

static void take_marks(const struct record_batches *batches, struct mark out[TABLES_MAX])
{
    for (size_t i = 0; i < batches->count; i++)
        take_mark(batches->items[i], &out[i]);
}

static void go_back(const struct record_batches *batches, const struct mark marks[TABLES_MAX])
{
    for (size_t i = 0; i < batches->count; i++) {
        struct batch *batch = batches->items[i];
        batch_cut(batch, marks[i].row_count, marks[i].text_len);
        batch->unknown_keys = marks[i].unknown_keys;
        memcpy(batch->first_unknown_key, marks[i].first_unknown_key,
               sizeof batch->first_unknown_key);
    }
}

/* ---- one value ---- */

static int refuse(const struct column *column, const char *reason, struct ccd_error *why)
{
    return error_set(why, CCD_BAD_REPLY, "%s: %s",
                     column->key[0] == '\0' ? column->name : column->key, reason);
}

static int set_text(struct batch *batch, size_t column, struct str text, struct ccd_error *why)
{
    if (batch_set_text(batch, batch->row_count, column, text) != CCD_OK)
        return error_set(why, CCD_NO_MEMORY, "no room for the texts of %s", batch->type->name);
    return CCD_OK;
}

/* With sorted names: the vendor does not keep to an order, and the same must look the same. */
static int set_json(struct batch *batch, size_t column, const json_t *value, struct ccd_error *why)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    if (!text)
        return error_set(why, CCD_NO_MEMORY, "no memory for a member of %s", batch->type->name);
    int status = set_text(batch, column, str_from(text), why);
    free(text);
    return status;
}

/* A number that stands in a text; an empty one is no value. */
static int set_number_text(struct batch *batch, size_t column, struct str text,
                           struct ccd_error *why)
{
    const struct column *info = &batch->type->columns[column];
    int64_t integer;
    double number;
    if (text.len == 0)
        return CCD_OK;
    if (info->kind == COLUMN_F64 && str_to_f64(text, &number)) {
        batch_set_f64(batch, batch->row_count, column, number);
        return CCD_OK;
    }
    if (info->kind != COLUMN_F64 && str_to_i64(text, &integer)) {
        batch_set_i64(batch, batch->row_count, column, integer);
        return CCD_OK;
    }
    return refuse(info, "the text is no number", why);
}

static int set_text_value(struct batch *batch, size_t column, const json_t *value,
                          struct ccd_error *why)
{
    const struct column *info = &batch->type->columns[column];
    if (json_is_string(value))
        return set_text(batch, column, tree_text(value), why);
    return info->flags & COLUMN_JSON ? set_json(batch, column, value, why)
                                     : refuse(info, WRONG_TYPE, why);
}

/* null and absent stay NULL. */
static int set_value(struct batch *batch, size_t column, const json_t *value, struct ccd_error *why)
{
    const struct column *info = &batch->type->columns[column];
    size_t row = batch->row_count;
    bool is_number = info->kind != COLUMN_TEXT && info->kind != COLUMN_BOOL;
    if (!value || json_is_null(value))
        return CCD_OK;
    if (info->kind == COLUMN_TEXT)
        return set_text_value(batch, column, value, why);
    if (is_number && info->flags & COLUMN_LENIENT && json_is_string(value))
        return set_number_text(batch, column, tree_text(value), why);
    if (info->kind == COLUMN_BOOL && json_is_boolean(value))
        batch_set_i64(batch, row, column, json_is_true(value));
    else if (info->kind == COLUMN_F64 && json_is_number(value))
        batch_set_f64(batch, row, column, json_number_value(value));
    else if (is_number && info->kind != COLUMN_F64 && json_is_integer(value))
        batch_set_i64(batch, row, column, json_integer_value(value));
    else
        return refuse(info, WRONG_TYPE, why);
    return CCD_OK;
}

/* The value at a path, NULL when it is not there. False: something on the way is no object. */
static bool find_value(const json_t *from, const char *path, const json_t **out_value)
{
    struct str rest = str_from(path);
    char key[KEY_MAX_BYTES];
    *out_value = from;
    while (rest.len > 0) {
        str_copy(key, sizeof key, str_split(&rest, '.'));
        if (!*out_value || json_is_null(*out_value))
            return true;
        if (!json_is_object(*out_value))
            return false;
        *out_value = json_object_get(*out_value, key);
    }
    return true;
}

/* ---- one row ---- */

static int set_column(struct batch *batch, size_t column, const struct record *r,
                      const json_t *element, struct ccd_error *why)
{
    const struct column *info = &batch->type->columns[column];
    const json_t *from = info->flags & COLUMN_PARENT ? r->value : element;
    const json_t *value = NULL;
    if (info->flags & COLUMN_LISTED)
        batch_set_i64(batch, batch->row_count, column, 1);
    else if (info->flags & COLUMN_POSITION)
        batch_set_i64(batch, batch->row_count, column, (int64_t)batch->row_count + 1);
    else if (info->flags & COLUMN_OBJECT_KEY)
        return set_text(batch, column, str_from(r->market ? r->market : r->member), why);
    else if (json_is_object(from) && !find_value(from, info->key, &value))
        return refuse(info, WRONG_TYPE, why);
    else if (!json_is_object(from) && info->flags & COLUMN_ELEMENT)
        value = from;
    return set_value(batch, column, value, why);
}

static bool is_missing(const struct batch *batch, size_t column)
{
    const struct column *info = &batch->type->columns[column];
    bool is_name = info->flags & COLUMN_KEY && info->kind == COLUMN_TEXT && !batch->type->parent;
    return !batch_has(batch, batch->row_count, column) ||
           (is_name && batch_text(batch, batch->row_count, column).len == 0);
}

/* The row behind the last one; it counts when all its keys are there. */
static int add_row(struct batch *batch, const struct record *r, const json_t *element,
                   struct ccd_error *why)
{
    const struct data_type *table = batch->type;
    bool is_whole = true;
    int status = batch_reserve(batch, batch->row_count + 1, why);
    for (size_t i = 0; i < table->column_count && status == CCD_OK; i++) {
        status = set_column(batch, i, r, element, why);
        if (status != CCD_OK || !is_missing(batch, i))
            continue;
        if (table->columns[i].flags & COLUMN_REQUIRED)
            status = refuse(&table->columns[i], "required member is missing", why);
        is_whole &= !(table->columns[i].flags & COLUMN_KEY);
    }
    if (status == CCD_OK && is_whole)
        batch->row_count++;
    else if (status == CCD_OK) /* a snapshot without its moment */
        batch_cut(batch, batch->row_count, batch->text.len);
    return status;
}

static int add_parts(struct batch *batch, const struct record *r, struct ccd_error *why)
{
    const char *array = batch->type->array;
    const json_t *elements = json_object_get(r->value, array);
    int status = CCD_OK;
    if (!elements || json_is_null(elements))
        return CCD_OK;
    if (!json_is_array(elements))
        return error_set(why, CCD_BAD_REPLY, "%s: %s", array, WRONG_TYPE);
    size_t count = json_array_size(elements);
    for (size_t i = 0; i < count && status == CCD_OK; i++)
        status = add_row(batch, r, json_array_get(elements, i), why);
    return status;
}

/* ---- members that nothing reads ---- */

static void count_unknown(struct batch *batch, const char *key)
{
    enum { FIRST_MAX_BYTES = sizeof batch->first_unknown_key - 1 };
    if (batch->unknown_keys++ > 0)
        return;
    size_t len = strlen(key);
    len = len > FIRST_MAX_BYTES ? utf8_cut(key, FIRST_MAX_BYTES) : len;
    memcpy(batch->first_unknown_key, key, len);
    batch->first_unknown_key[len] = '\0';
}

enum knowledge { UNKNOWN, HOLDS_KNOWN, KNOWN };

/* A column's path and a member's: the same, or from inside of it. */
static enum knowledge compare_path(const char *column, const char *path, size_t path_len)
{
    if (path_len == 0 || strncmp(column, path, path_len) != 0)
        return UNKNOWN;
    return column[path_len] == '\0' ? KNOWN : column[path_len] == '.' ? HOLDS_KNOWN : UNKNOWN;
}

/* of_element: the path starts at an element of the table's array, not at the record. */
static enum knowledge known_to(const struct data_type *table, const char *path, bool of_element)
{
    size_t path_len = strlen(path);
    enum knowledge most = UNKNOWN;
    for (size_t i = 0; i < table->column_count && most != KNOWN; i++) {
        const struct column *column = &table->columns[i];
        bool is_of_element = table->shape == SHAPE_PARTS && !(column->flags & COLUMN_PARENT);
        if (is_of_element != of_element)
            continue;
        enum knowledge known = compare_path(column->key, path, path_len);
        most = known > most ? known : most;
    }
    return most;
}

static enum knowledge known_to_any(const struct decoding *d, const char *path)
{
    enum knowledge most = UNKNOWN;
    for (size_t i = 0; i < d->relative_count && most != KNOWN; i++) {
        enum knowledge known = known_to(d->relatives[i], path, false);
        most = known > most ? known : most;
    }
    for (size_t i = 0; i < d->table->left_out_count && most != KNOWN; i++)
        if (str_glob(str_from(d->table->left_out[i].keys), str_from(path)))
            most = KNOWN;
    return most;
}

static const struct data_type *find_part(const struct decoding *d, const char *key)
{
    for (size_t i = 0; i < d->relative_count; i++)
        if (d->relatives[i]->array && strcmp(d->relatives[i]->array, key) == 0)
            return d->relatives[i];
    return NULL;
}

static void count_in_parts(struct batch *first, const struct data_type *part, json_t *elements)
{
    size_t i;
    json_t *element;
    json_array_foreach(elements, i, element)
    {
        const char *key;
        json_t *value;
        json_object_foreach(element, key, value)
        {
            if (strchr(key, '.') || known_to(part, key, true) != KNOWN)
                count_unknown(first, key);
        }
    }
}

/* prefix: the path of the object with its point. */
static void count_in_object(const struct decoding *d, struct batch *first, const char *prefix,
                            json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char path[PATH_MAX_BYTES];
        const struct data_type *part = prefix[0] == '\0' ? find_part(d, key) : NULL;
        bool is_path = !strchr(key, '.') && str_print(path, sizeof path, "%s%s", prefix, key);
        enum knowledge known = is_path ? known_to_any(d, path) : UNKNOWN;
        if (part)
            count_in_parts(first, part, value);
        else if (known == UNKNOWN)
            count_unknown(first, key);
        else if (known == HOLDS_KNOWN && str_print(path, sizeof path, "%s%s.", prefix, key))
            count_in_object(d, first, path, value);
    }
}

/* ---- one record ---- */

/* What a person knows it by. */
static void name_record(const struct decoding *d, const struct record *r, char out[NAME_MAX_BYTES])
{
    int key = data_type_column_flagged(d->table, COLUMN_KEY);
    const json_t *value = NULL;
    if (key >= 0 && json_is_object(r->value))
        find_value(r->value, d->table->columns[key].key, &value);
    if (r->market)
        str_print(out, NAME_MAX_BYTES, "%.50s of %.30s", r->member, r->market);
    else if (r->member)
        str_print(out, NAME_MAX_BYTES, "%.80s", r->member);
    else if (json_is_integer(value))
        str_print(out, NAME_MAX_BYTES, "%lld", (long long)json_integer_value(value));
    else
        str_print(out, NAME_MAX_BYTES, "number %zu of the page", r->place);
}

static void note_refusal(const struct decoding *d, const struct record *r,
                         const struct ccd_error *why)
{
    char name[NAME_MAX_BYTES];
    struct ccd_error whole;
    struct records_said *said = d->said;
    if (said->refused_count++ > 0)
        return;
    name_record(d, r, name);
    error_set(&whole, CCD_BAD_REPLY, "%s %s, %s", d->table->name, name, why->message);
    size_t len = utf8_cut(whole.message, strnlen(whole.message, sizeof said->first_refusal - 1));
    memcpy(said->first_refusal, whole.message, len);
    said->first_refusal[len] = '\0';
}

static int add_rows(const struct decoding *d, const struct record *r, struct ccd_error *why)
{
    int status = CCD_OK;
    if (!json_is_object(r->value))
        return error_set(why, CCD_BAD_REPLY, "%s", "not an object");
    for (size_t i = 0; i < d->batches->count && status == CCD_OK; i++) {
        struct batch *batch = d->batches->items[i];
        status = batch->type->shape == SHAPE_PARTS ? add_parts(batch, r, why)
                                                   : add_row(batch, r, r->value, why);
    }
    return status;
}

/* A record that is refused leaves nothing behind. */
static int add_record(const struct decoding *d, struct record *r, struct ccd_error *err)
{
    struct mark marks[TABLES_MAX];
    struct ccd_error why = {0};
    r->place = (size_t)++d->said->record_count;
    take_marks(d->batches, marks);
    int status = add_rows(d, r, &why);
    if (status == CCD_OK) {
        count_in_object(d, d->batches->items[0], "", r->value);
        return CCD_OK;
    }
    go_back(d->batches, marks);
    if (status == CCD_BAD_REPLY) {
        note_refusal(d, r, &why);
        return CCD_OK;
    }
    return error_set(err, (enum ccd_status)status, "%s", why.message);
}

/* ---- the reply ---- */

static int add_list(const struct decoding *d, json_t *data, struct ccd_error *err)
{
    json_t *list = json_object_get(data, "LIST");
    int status = tree_total(data, &d->said->total, err);
    if (status == CCD_OK && !json_is_array(list))
        return error_set(err, CCD_BAD_REPLY, "the reply has no LIST of %s", d->table->name);
    for (size_t i = 0; i < json_array_size(list) && status == CCD_OK; i++) {
        struct record r = {.value = json_array_get(list, i)};
        status = add_record(d, &r, err);
    }
    return status;
}

/* market NULL: the members are the records themselves. */
static int add_members(const struct decoding *d, json_t *object, const char *market,
                       struct ccd_error *err)
{
    int status = CCD_OK;
    struct record r = {.market = market};
    json_object_foreach(object, r.member, r.value)
    {
        status = add_record(d, &r, err);
        if (status != CCD_OK)
            break;
    }
    return status;
}

static int add_markets(const struct decoding *d, json_t *data, struct ccd_error *err)
{
    int status = CCD_OK;
    const char *market;
    json_t *value;
    json_object_foreach(data, market, value)
    {
        json_t *instruments = json_object_get(value, "instruments");
        if (!json_is_object(instruments))
            return error_set(err, CCD_BAD_REPLY, "market %s has no list of instruments", market);
        status = add_members(d, instruments, market, err);
        if (status != CCD_OK)
            break;
    }
    return status;
}

static int add_all(const struct decoding *d, json_t *data, struct ccd_error *err)
{
    const struct records_said *said = d->said;
    int status = d->table->shape == SHAPE_CATALOGUE ? add_markets(d, data, err)
                 : d->table->is_listed              ? add_list(d, data, err)
                                                    : add_members(d, data, NULL, err);
    if (status == CCD_OK && said->refused_count > 0 && said->refused_count == said->record_count)
        return error_set(err, CCD_BAD_REPLY, "every record is impossible, the first one: %s",
                         said->first_refusal);
    return status;
}

static bool add_relative(struct decoding *d, const struct data_type *table)
{
    for (size_t i = 0; i < d->relative_count; i++)
        if (d->relatives[i] == table)
            return true;
    if (d->relative_count == TABLES_MAX)
        return false;
    d->relatives[d->relative_count++] = table;
    return true;
}

static bool find_relatives(struct decoding *d)
{
    bool fits = d->batches->count >= 1;
    for (size_t i = 0; i < d->batches->count && fits; i++)
        fits = add_relative(d, d->batches->items[i]->type);
    d->table = fits ? d->relatives[0] : NULL;
    for (size_t i = 0; i < metadata_table_count && fits; i++)
        if (metadata_tables[i]->parent == d->table)
            fits = add_relative(d, metadata_tables[i]);
    return fits;
}

int records_decode(struct str body, const struct record_batches *batches,
                   struct records_said *out_said, struct ccd_error *err)
{
    struct decoding d = {.batches = batches, .said = out_said};
    struct mark marks[TABLES_MAX];
    json_t *root = NULL;
    json_t *data = NULL;
    *out_said = (struct records_said){0};
    if (!find_relatives(&d))
        return error_set(err, CCD_INTERNAL, "%zu tables cannot be filled at once", batches->count);
    take_marks(batches, marks);
    int status = tree_load(body, batches->items[0]->allocator, &root, &data, err);
    if (status == CCD_OK)
        status = add_all(&d, data, err);
    if (status != CCD_OK)
        go_back(batches, marks);
    json_decref(root);
    return status;
}
