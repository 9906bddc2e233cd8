/* ccd_verify: first the database alone, then a sample of its pages beside the vendor's. */
#include "api/verify.h"

#include <string.h>

#include "engine/plan.h"

enum {
    FINDINGS_MAX = 1000,
    LONGEST_LIST = 1000000,
    SAMPLE_PERCENT = 5,
    REPORT_MAX_BYTES = 1 << 30,
};

const char *ccd_finding_kind_name(enum ccd_finding_kind kind)
{
    static const char *const names[CCD_FINDING_COUNT] = {
        [CCD_FINDING_IMPOSSIBLE] = "impossible",
        [CCD_FINDING_OUTSIDE] = "outside",
        [CCD_FINDING_JUMP] = "jump",
        [CCD_FINDING_MISALIGNED] = "misaligned",
        [CCD_FINDING_LOST] = "lost",
        [CCD_FINDING_CHANGED] = "changed",
        [CCD_FINDING_LATE] = "late",
        [CCD_FINDING_GONE] = "gone",
    };
    return (size_t)kind < CCD_FINDING_COUNT ? names[kind] : "";
}

static int no_memory(struct ccd_error *err)
{
    return error_set(err, CCD_NO_MEMORY, "no memory for a report of the check");
}

/* ---- findings ---- */

static const char *keep(struct verify *v, const char *text, bool *failed)
{
    char *copy = text ? arena_copy_text(&v->arena, str_from(text)) : NULL;
    *failed |= text && !copy;
    if (copy)
        redact(v->redactor, copy);
    return copy;
}

int verify_add(struct verify *v, const struct ccd_finding *finding, struct ccd_error *err)
{
    bool failed = false;
    v->report.found[finding->kind]++;
    v->report.findings_found++;
    if (v->report.finding_count == v->capacity)
        return 0;
    struct ccd_finding *kept = &v->findings[v->report.finding_count];
    *kept = *finding;
    kept->market = keep(v, finding->market, &failed);
    kept->instrument = keep(v, finding->instrument, &failed);
    kept->ours = keep(v, finding->ours, &failed);
    kept->theirs = keep(v, finding->theirs, &failed);
    v->report.finding_count += !failed;
    return failed ? no_memory(err) : 0;
}

/* ---- steps ---- */

static int init(struct verify *v, const struct ccd_client *client,
                const struct ccd_verify_options *options, struct ccd_error *err)
{
    struct ccd_verify_options defaults = CCD_VERIFY_INIT;
    v->options = defaults;
    if (options)
        memcpy(&v->options, options,
               options->size < sizeof(defaults) ? options->size : sizeof(defaults));
    if (v->options.sample_percent < 0)
        v->options.sample_percent = SAMPLE_PERCENT;
    if (v->options.max_findings < 0)
        v->options.max_findings = FINDINGS_MAX;
    if (v->options.sample_percent < 1 || v->options.sample_percent > 100)
        return error_set(err, CCD_USAGE, "sample: 1 to 100 percent");
    if (v->options.max_findings > LONGEST_LIST)
        return error_set(err, CCD_USAGE, "a list of findings has at most %d", LONGEST_LIST);
    arena_init(&v->arena, REPORT_MAX_BYTES, NULL);
    v->capacity = (size_t)v->options.max_findings;
    v->findings = arena_alloc(&v->arena, (v->capacity + 1) * sizeof(*v->findings));
    v->report.findings = v->findings;
    v->report.seed = v->options.seed;
    v->redactor = &client->redactor;
    return v->findings ? 0 : no_memory(err);
}

/* Before the sample is drawn: all that is known. A plan does not look at it, but is of the same
 * sample. */
static int check_database(struct verify *v, struct run *run, bool plan, struct ccd_error *err)
{
    struct operation *o = &run->operations[0];
    struct page_sample sample = run->sample;
    int status = 0;
    run->sample.percent = 0;
    for (size_t i = 0; i < o->selection.count && status == 0; i++) {
        struct selected *s = &o->selection.items[i];
        if (s->error.status != CCD_OK)
            continue;
        status = run_load_coverage(run, o, s, err);
        if (status == 0 && !plan)
            status = verify_local(v, run, o, s, err);
    }
    run->sample = sample;
    if (status == 0)
        run_fill_sample(run, o);
    return status;
}

static int ask_vendor(struct verify *v, struct run *run, struct ccd_error *err)
{
    struct compare_store compare;
    struct ccd_error ended = {0};
    compare_store_init(&compare, run->store, v);
    run->writes_to = &compare.base;
    if (!run_has_key(run))
        return error_set(err, CCD_KEY_REJECTED,
                         "no API key: set CCDATA_API_KEY in the environment or in .env, or check "
                         "the database alone with --local");
    if (run_open_ledger(run, err) != 0)
        return err->status;
    run_progress_begin(run, 0);
    run_candles(run, 0, &ended);
    report_operation_end(run->report, 0, &ended);
    run_progress_end(run);
    report_finish(run->report, &ended);
    return 0;
}

static int execute(struct verify *v, struct run *run, bool plan, struct ccd_error *err)
{
    int status = run_select(run, err);
    if (status == 0 && run->operations[0].error.status != CCD_OK) {
        *err = run->operations[0].error;
        status = err->status;
    }
    if (status == 0)
        status = check_database(v, run, plan, err);
    if (status == 0 && plan && !v->options.local)
        status = run_report_plan(run, err);
    if (status == 0 && !plan && !v->options.local)
        status = ask_vendor(v, run, err);
    if (status == 0)
        run_finish_report(run);
    return status;
}

/* Impossible records of the vendor make a run partial, but they were compared. */
static bool is_cut(const struct ccd_report *asked)
{
    const struct ccd_operation *o = asked->operation_count ? &asked->operations[0] : NULL;
    bool cut = asked->exit_code != 0 && (!o || o->error.status != CCD_OK);
    for (size_t i = 0; o && i < o->series_count; i++)
        cut |= o->series[i].failed > 0 || o->series[i].pending > 0;
    return cut;
}

static void conclude(struct verify *v, const struct run *run)
{
    struct ccd_verify_report *r = &v->report;
    const struct ccd_report *asked = v->run = report_of(run->report);
    r->data_type = run->operations[0].job.type->name;
    r->interval = interval_infos[run->operations[0].job.interval].name;
    r->database = asked->database;
    r->run = v->options.local ? NULL : asked;
    r->status = "complete";
    bool cut = r->run && is_cut(asked);
    if (r->findings_found > 0)
        error_set(&r->error, CCD_CHECK_FAILED, "%lld things are not right in %s %s%s%s",
                  (long long)r->findings_found, r->data_type, r->interval,
                  cut ? ", and not all was compared: " : "", cut ? asked->error.message : "");
    else if (r->run && asked->exit_code != 0)
        r->error = asked->error;
    if (r->error.status == CCD_OK)
        return;
    r->status = r->findings_found > 0 ? "failed" : asked->status;
    r->exit_code = r->findings_found > 0 ? ccd_status_exit_code(CCD_CHECK_FAILED)
                                         : asked->exit_code;
}

int ccd_verify(struct ccd_client *client, const struct ccd_job *job,
               const struct ccd_run_options *options, const struct ccd_verify_options *how,
               bool plan, struct ccd_verify_report **out_report, struct ccd_error *err)
{
    struct run run;
    struct ccd_run_options given = CCD_RUN_INIT;
    struct verify *v = mem_new(NULL, 1, sizeof(*v));
    if (!v)
        return no_memory(err);
    if (options)
        memcpy(&given, options, options->size < sizeof(given) ? options->size : sizeof(given));
    given.recheck = CCD_RECHECK_ALL;
    run_init(&run, client, &given, true); /* writes nothing */
    int status = init(v, client, how, err);
    run.sample = (struct page_sample){v->options.sample_percent, (uint64_t)v->options.seed};
    if (status == 0)
        status = run_check_jobs(&run, job, 1, err);
    if (status == 0)
        status = run_open(&run, err);
    if (status == 0)
        status = run_new_report(&run, err);
    if (status == 0)
        status = execute(v, &run, plan, err);
    if (status == 0)
        conclude(v, &run);
    run_close(&run);
    batch_release(&v->stored);
    if (status == 0) {
        *out_report = &v->report;
    } else {
        if (run.report)
            ccd_report_free(report_of(run.report));
        ccd_verify_free(&v->report);
    }
    redact(&client->redactor, err->message);
    return status;
}

void ccd_verify_free(struct ccd_verify_report *report)
{
    struct verify *v = (struct verify *)report;
    if (!v)
        return;
    ccd_report_free(v->run);
    arena_release(&v->arena);
    mem_free(NULL, v);
}
