/* Batch files → jobs. Everything that can be wrong with a file is found here, before anything is
 * asked or written. */
#include <string.h>

#include "api/batch_value.h"
#include "api/select.h"
#include "base/error.h"

enum { FILE_NAME_SHOWN_MAX = 200, KEYS_MAX = 32 };

/* The lists of names of a file of a megabyte, at 16 bytes for each list and 8 for each name. */
static const size_t memory_max_bytes = 64u << 20;

struct ccd_batch {
    struct document document;
    struct arena memory;
    struct ccd_job *jobs;
    size_t job_count;
};

/* Bits of keys; bit i: batch_keys[i]. */
typedef uint32_t key_set;

struct reader {
    struct batch_reader values;
    struct ccd_batch *batch;
    struct ccd_job defaults[KEYS_MAX]; /* of each key its member: keys may share one */
    key_set defaults_given;
    const char *default_type; /* NULL: none */
};

static int status_of(const struct reader *r)
{
    return r->values.err->status;
}

/* ---- operations ---- */

static const char *key_name_at(size_t index)
{
    return index < batch_key_count ? batch_keys[index].name : NULL;
}

/* Options of the command line that are of the whole run. */
static bool is_of_run(struct str key)
{
    static const char *const NAMES[] = {
        "parallel_workers",  "dry_run",        "max_calls", "wait",     "lock_wait", "no_create",
        "enable_monitoring", "enable_caching", "json",      "database", "progress",  "strict",
        "continue_on_error", "env_file",       "metrics_file",
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (str_distance(key, str_from(NAMES[i])) == 0)
            return true;
    return false;
}

static int refuse_key(struct reader *r, const struct document_value *member,
                      const char *(*name_at)(size_t index))
{
    char shown[BATCH_NAME_BYTES];
    const char *near = batch_nearest(member->key, name_at);
    str_copy(shown, sizeof(shown), member->key);
    if (is_of_run(member->key))
        return batch_refuse(&r->values, member->key_line,
                            "\"%s\" is no key of a file: it is of the whole run, write --%s behind "
                            "'ccdata batch'",
                            shown, shown);
    if (near[0])
        return batch_refuse(&r->values, member->key_line,
                            "unknown key \"%s\"; did you mean \"%s\"?", shown, near);
    return batch_refuse(&r->values, member->key_line,
                        "unknown key \"%s\"; 'ccdata batch --markdown' lists the keys", shown);
}

static int refuse_elsewhere(struct reader *r, const struct batch_key *key,
                            const struct data_type *type, int line)
{
    char takers[256] = "";
    for (size_t i = 0; i < data_type_count; i++) {
        size_t len = strlen(takers);
        if (batch_key_fits(key, data_types[i]))
            str_print(takers + len, sizeof(takers) - len, "%s%s", len ? ", " : "",
                      data_types[i]->name);
    }
    return batch_refuse(&r->values, line, "%s does not take \"%s\"; it belongs to %s", type->name,
                        key->name, takers);
}

/* The key of a member, which is not in *given yet; NULL = refused. */
static const struct batch_key *take_key(struct reader *r, const struct document_value *member,
                                        key_set *given)
{
    const struct batch_key *key = batch_key_find(member->key);
    if (!key) {
        refuse_key(r, member, key_name_at);
        return NULL;
    }
    key_set bit = (key_set)1 << (key - batch_keys);
    if (*given & bit) {
        batch_refuse(&r->values, member->key_line, "\"%s\" is given twice, with - and _; keep one",
                     key->name);
        return NULL;
    }
    *given |= bit;
    return key;
}

static int read_defaults(struct reader *r, const struct document_value *defaults)
{
    for (size_t i = 0; i < defaults->count; i++) {
        const struct document_value *member = &defaults->items[i];
        const struct batch_key *key = take_key(r, member, &r->defaults_given);
        struct ccd_job *job = key ? &r->defaults[key - batch_keys] : NULL;
        if (!key || batch_value_set(&r->values, key, member, job) != 0)
            return status_of(r);
        if (key->form == BATCH_TYPE)
            r->default_type = job->data_type;
    }
    return 0;
}

static void add_defaults(const struct reader *r, const struct data_type *type, key_set given,
                         struct ccd_job *job)
{
    for (size_t i = 0; i < batch_key_count; i++) {
        const struct batch_key *key = &batch_keys[i];
        bool is_default = (r->defaults_given & ~given) >> i & 1;
        if (is_default && batch_key_fits(key, type))
            batch_value_copy(key, job, &r->defaults[i]);
    }
}

static int set_members(struct reader *r, const struct document_value *operation,
                       struct ccd_job *job, key_set *given)
{
    for (size_t i = 0; i < operation->count; i++) {
        const struct document_value *member = &operation->items[i];
        const struct batch_key *key = take_key(r, member, given);
        if (!key || batch_value_set(&r->values, key, member, job) != 0)
            return status_of(r);
    }
    return 0;
}

/* The type may stand behind other keys, so what belongs to it is known only in the end. */
static int check_belonging(struct reader *r, const struct document_value *operation,
                           const struct data_type *type)
{
    for (size_t i = 0; i < operation->count; i++) {
        const struct batch_key *key = batch_key_find(operation->items[i].key);
        if (!batch_key_fits(key, type))
            return refuse_elsewhere(r, key, type, operation->items[i].key_line);
    }
    return 0;
}

static int read_operation(struct reader *r, const struct document_value *operation,
                          struct ccd_job *job)
{
    char form[BATCH_FORM_BYTES];
    key_set given = 0;
    struct checked_job checked;
    *job = (struct ccd_job)CCD_JOB_INIT;
    if (operation->kind != DOCUMENT_OBJECT)
        return batch_refuse(&r->values, operation->line, "an operation is to be an object, not %s",
                            batch_describe(operation, form));
    if (set_members(r, operation, job, &given) != 0)
        return status_of(r);
    if (!job->data_type)
        job->data_type = r->default_type;
    if (!job->data_type)
        return batch_refuse(&r->values, operation->line, "this operation has no \"data_type\"");
    const struct data_type *type = data_type_find(str_from(job->data_type));
    if (check_belonging(r, operation, type) != 0)
        return status_of(r);
    add_defaults(r, type, given, job);
    if (job->every && job->cron)
        return batch_refuse(&r->values, operation->line,
                            "\"every\" and \"cron\" exclude each other");
    if (select_check(job, &checked, r->values.err) != 0)
        return error_prefix(r->values.err, "%s:%d", r->values.name, operation->line);
    return 0;
}

static int read_operations(struct reader *r, const struct document_value *list)
{
    char given[BATCH_FORM_BYTES];
    if (list->kind != DOCUMENT_LIST)
        return batch_refuse(&r->values, list->line, "\"operations\" is to be a list, not %s",
                            batch_describe(list, given));
    if (list->count == 0)
        return batch_refuse(&r->values, list->line, "the list of operations is empty");
    if (list->count > CCD_BATCH_OPERATIONS_MAX)
        return batch_refuse(&r->values, list->line, "%zu operations, more than %d", list->count,
                            CCD_BATCH_OPERATIONS_MAX);
    r->batch->jobs = arena_alloc(&r->batch->memory, list->count * sizeof(*r->batch->jobs));
    if (!r->batch->jobs)
        return batch_refuse_for_memory(&r->values);
    r->batch->job_count = list->count;
    for (size_t i = 0; i < list->count; i++)
        if (read_operation(r, &list->items[i], &r->batch->jobs[i]) != 0)
            return status_of(r);
    return 0;
}

/* ---- the file ---- */

enum part { PART_DESCRIPTION, PART_DEFAULTS, PART_OPERATIONS, PART_COUNT };

static const char *part_name_at(size_t index)
{
    static const char *const NAMES[PART_COUNT] = {"description", "defaults", "operations"};
    return index < PART_COUNT ? NAMES[index] : NULL;
}

static int find_parts(struct reader *r, const struct document_value *root,
                      const struct document_value *parts[PART_COUNT])
{
    for (size_t i = 0; i < root->count; i++) {
        size_t part = 0;
        while (part < PART_COUNT && !str_equal(root->items[i].key, str_from(part_name_at(part))))
            part++;
        if (part == PART_COUNT && batch_key_find(root->items[i].key))
            return batch_refuse(
                &r->values, root->items[i].key_line,
                "\"%s\" stands in \"defaults\" or in an operation, and an operation in "
                "the list \"operations\"",
                batch_key_find(root->items[i].key)->name);
        if (part == PART_COUNT)
            return refuse_key(r, &root->items[i], part_name_at);
        parts[part] = &root->items[i];
    }
    return 0;
}

static int read_object(struct reader *r, const struct document_value *root)
{
    const struct document_value *parts[PART_COUNT] = {NULL};
    char given[BATCH_FORM_BYTES];
    if (find_parts(r, root, parts) != 0)
        return status_of(r);
    const struct document_value *description = parts[PART_DESCRIPTION];
    const struct document_value *defaults = parts[PART_DEFAULTS];
    if (description && description->kind != DOCUMENT_TEXT)
        return batch_refuse(&r->values, description->line,
                            "\"description\" is to be a text, not %s",
                            batch_describe(description, given));
    if (defaults && defaults->kind != DOCUMENT_OBJECT)
        return batch_refuse(&r->values, defaults->line, "\"defaults\" is to be an object, not %s",
                            batch_describe(defaults, given));
    if (!parts[PART_OPERATIONS])
        return batch_refuse(&r->values, root->line, "there is no list \"operations\"");
    if (defaults && read_defaults(r, defaults) != 0)
        return status_of(r);
    return read_operations(r, parts[PART_OPERATIONS]);
}

static int read_file(struct reader *r)
{
    const struct document_value *root = &r->batch->document.root;
    char given[BATCH_FORM_BYTES];
    if (root->kind == DOCUMENT_LIST)
        return read_operations(r, root);
    if (root->kind == DOCUMENT_OBJECT)
        return read_object(r, root);
    return batch_refuse(&r->values, root->line,
                        "a batch file is to be a list of operations or an object, not %s",
                        batch_describe(root, given));
}

/* So short that a message has room for what is wrong. */
static const char *short_name(const char *name)
{
    if (!name)
        return "batch";
    const char *slash = strrchr(name, '/');
    return strlen(name) > FILE_NAME_SHOWN_MAX && slash ? slash + 1 : name;
}

int ccd_batch_parse(const char *text, size_t len, const char *name, struct ccd_batch **out_batch,
                    struct ccd_error *err)
{
    struct ccd_error own;
    struct reader r = {.values = {.name = short_name(name), .err = err ? err : &own}};
    if (len > CCD_BATCH_MAX_BYTES)
        return error_set(err, CCD_USAGE, "%s: more than %d bytes; split the file", r.values.name,
                         CCD_BATCH_MAX_BYTES);
    r.batch = mem_new(NULL, 1, sizeof(*r.batch));
    if (!r.batch)
        return batch_refuse_for_memory(&r.values);
    r.values.memory = &r.batch->memory;
    arena_init(&r.batch->memory, memory_max_bytes, NULL);
    int status = document_parse(&r.batch->document, (struct str){text, len}, r.values.name,
                                r.values.err);
    if (status == 0)
        status = read_file(&r);
    if (status == 0)
        *out_batch = r.batch;
    else
        ccd_batch_free(r.batch);
    return status;
}

const struct ccd_job *ccd_batch_jobs(const struct ccd_batch *batch, size_t *out_count)
{
    *out_count = batch->job_count;
    return batch->jobs;
}

void ccd_batch_free(struct ccd_batch *batch)
{
    if (!batch)
        return;
    arena_release(&batch->memory);
    document_release(&batch->document);
    mem_free(NULL, batch);
}
