#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "fake_ccdata.h"
#include "run.h"
#include "test.h"

struct scratch {
    char path[64];
};

/* A file with these bytes; removed by scratch_remove. */
static bool scratch_write(struct scratch *s, const char *bytes, size_t len)
{
    str_copy(s->path, sizeof s->path, STR("/tmp/ccdata-batch-XXXXXX"));
    int handle = mkstemp(s->path);
    if (!CHECK(handle >= 0))
        return false;
    bool written = write(handle, bytes, len) == (ssize_t)len;
    close(handle);
    return CHECK(written);
}

static void scratch_remove(struct scratch *s)
{
    unlink(s->path);
}

static struct outcome run_config(const char *path, const char *option)
{
    const char *argv[] = {"batch", "--config", path, option, NULL};
    return run_argv(argv);
}

TEST(batch_the_file_reaches_the_library_and_its_jobs_run)
{
    struct scratch file;
    fake_reset();
    if (!scratch_write(&file, "[{}]\n\0x", 7))
        return;
    fake.batch_jobs[0].data_type = "spot_ohlcv";
    struct outcome outcome = run_config(file.path, "--continue_on_error");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("", outcome.err);
    CHECK_INT(7, fake.batch_bytes);
    CHECK_TEXT(file.path, fake.batch_name);
    CHECK_INT(1, fake.ingested);
    CHECK_INT(3, fake.job_count);
    CHECK_TEXT("spot_ohlcv - - - - -", fake.names);
    CHECK_TEXT("batch", fake.run_command);
    CHECK(fake.run.continue_on_error);
    CHECK_INT(1, fake.batches_freed);
    CHECK_INT(1, fake.closed);
    outcome_release(&outcome);
    scratch_remove(&file);
}

TEST(batch_plans_and_stops_by_default)
{
    struct scratch file;
    fake_reset();
    if (!scratch_write(&file, "[]", 2))
        return;
    struct outcome outcome = run_config(file.path, "--dry_run");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(1, fake.planned);
    CHECK_INT(0, fake.ingested);
    CHECK_INT(3, fake.job_count);
    CHECK(!fake.run.continue_on_error);
    outcome_release(&outcome);
    scratch_remove(&file);
}

TEST(batch_a_wrong_file_opens_nothing)
{
    struct scratch file;
    fake_reset();
    if (!scratch_write(&file, "[]", 2))
        return;
    error_set(&fake.batch_error, CCD_USAGE, "b.json:1: no operations");
    struct outcome outcome = run_config(file.path, "--json");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: b.json:1: no operations\n", outcome.err);
    CHECK(contains(outcome.out, "\"status\": \"failed\""));
    CHECK_INT(0, fake.opened);
    CHECK_INT(0, fake.batches_freed);
    outcome_release(&outcome);
    scratch_remove(&file);
}

TEST(batch_a_file_that_cannot_be_read)
{
    fake_reset();
    struct outcome outcome = run_line("batch --config /nowhere/b.json");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: cannot open /nowhere/b.json: No such file or directory\n", outcome.err);
    outcome_release(&outcome);
    outcome = run_line("batch --config /");
    CHECK_INT(2, outcome.exit_code);
    CHECK_TEXT("ccdata: cannot read /: Is a directory\n", outcome.err);
    outcome_release(&outcome);
    outcome = run_line("batch");
    CHECK_INT(2, outcome.exit_code);
    CHECK(contains(outcome.err, "batch needs --config FILE"));
    outcome_release(&outcome);
    CHECK_INT(0, fake.opened);
}

/* However long it is: the library says that it is too large. */
TEST(batch_reading_is_bounded)
{
    fake_reset();
    struct outcome outcome = run_line("batch --config /dev/zero");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(CCD_BATCH_MAX_BYTES + 1, fake.batch_bytes);
    outcome_release(&outcome);
}

TEST(batch_dash_is_the_standard_input)
{
    struct scratch file;
    fake_reset();
    if (!scratch_write(&file, "[ 1 ]", 5))
        return;
    if (!CHECK(freopen(file.path, "r", stdin) != NULL))
        return;
    struct outcome outcome = run_config("-", "--json");
    CHECK_INT(0, outcome.exit_code);
    CHECK_TEXT("[ 1 ]", fake.batch_text);
    CHECK_TEXT("standard input", fake.batch_name);
    outcome_release(&outcome);
    scratch_remove(&file);
}

TEST(batch_as_markdown)
{
    fake_reset();
    struct outcome outcome = run_line("batch --markdown");
    CHECK_INT(0, outcome.exit_code);
    CHECK_INT(0, fake.opened);
    CHECK(contains(outcome.out, "| `data_type` | text: a data type |  | all, required | what is "
                                "fetched |\n"));
    CHECK(contains(outcome.out, "| `pair_limit` | whole number from 1 to 9 | 100, no limit when a "
                                "market or an instrument is named | `spot_ohlcv` | pairs, the "
                                "highest ranked first |\n"));
    CHECK(contains(outcome.out, "| `min_grade` | text: `AA`, `BB`, `F` | BB | `spot_ohlcv` |"));
    outcome_release(&outcome);
}
