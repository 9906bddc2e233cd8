#include <ccdata/ccdata.h>

#include <inttypes.h>
#include <string.h>

#include "cli/batch.h"
#include "cli/options.h"

static const char HEAD[] =
    "# Batch files\n\n"
    "`ccdata batch --config FILE` runs the operations of a file as one run; `-` is the standard "
    "input. The file is a JSON list:\n\n"
    "```json\n"
    "[\n"
    "  {\"data_type\": \"spot_ohlcv\", \"interval\": \"1d\", \"pair_limit\": 100},\n"
    "  {\"data_type\": \"futures_ohlcv\", \"interval\": \"1d\", \"exchanges\": [\"binance\", "
    "\"okex\"]},\n"
    "  {\"data_type\": \"asset_metadata\"}\n"
    "]\n"
    "```\n\n"
    "or an object, whose `defaults` stand for the keys that an operation leaves away, where its "
    "data type takes them:\n\n"
    "```json\n"
    "{\n"
    "  \"description\": \"every night\",\n"
    "  \"defaults\": {\"interval\": \"1h\", \"exchanges\": [\"binance\"]},\n"
    "  \"operations\": [\n"
    "    {\"data_type\": \"futures_ohlcv\"},\n"
    "    {\"data_type\": \"futures_funding_rate\", \"interval\": \"1d\"}\n"
    "  ]\n"
    "}\n"
    "```\n\n";

static const char RULES[] =
    "* All operations are planned first, then run in the order of the file, with one quota, one "
    "set of connections and one report. What two of them want is fetched once.\n"
    "* The operations behind the first that failed are not started, unless `--continue_on_error` "
    "is given. The exit code is that of the worst.\n"
    "* What is of the whole run (`--parallel_workers`, `--max_calls`, `--dry_run` …) stands on the "
    "command line, not in the file.\n"
    "* An unknown key, a key that the data type does not take, a key that is given twice, a wrong "
    "value, a number written as a text: each ends the program with exit code 2 and the file's "
    "name and line, before anything runs.\n"
    "* In the names of keys and data types `-` and `_` are equal.\n";

static void add_value(struct buf *out, const struct ccd_batch_key *key)
{
    buf_add_text(out, key->form);
    for (size_t i = 0; key->choice_at && key->choice_at(i); i++)
        buf_printf(out, "%s`%s`", i ? ", " : ": ", key->choice_at(i));
    if (key->max > 0)
        buf_printf(out, " from %" PRId64 " to %" PRId64, key->min, key->max);
}

static void add_takers(struct buf *out, size_t key_index)
{
    size_t count = 0;
    for (size_t type = 0; type < ccd_type_count(); type++)
        count += ccd_batch_key_fits(key_index, type);
    if (count == ccd_type_count()) {
        bool is_type = strcmp(ccd_batch_key_at(key_index).name, "data_type") == 0;
        buf_add_text(out, is_type ? "all, required" : "all");
        return;
    }
    const char *separator = "";
    for (size_t type = 0; type < ccd_type_count(); type++) {
        if (!ccd_batch_key_fits(key_index, type))
            continue;
        buf_printf(out, "%s`%s`", separator, ccd_type_at(type).name);
        separator = ", ";
    }
}

static void add_key(struct buf *out, size_t index)
{
    struct ccd_batch_key key = ccd_batch_key_at(index);
    const struct option *option = cli_option_find(str_from(key.name));
    buf_printf(out, "| `%s` | ", key.name);
    add_value(out, &key);
    buf_printf(out, " | %s | ", option && option->default_text ? option->default_text : "");
    add_takers(out, index);
    bool is_type = strcmp(key.name, "data_type") == 0;
    buf_printf(out, " | %s |\n",
               option    ? option->help
               : is_type ? "what is fetched"
                         : "when `ccdata daemon` runs it (docs/operate/schedule.md)");
}

void batch_add_markdown(struct buf *out)
{
    buf_add_text(out, HEAD);
    buf_printf(out, "UTF-8, at most %d bytes, at most %d operations.\n\n", CCD_BATCH_MAX_BYTES,
               CCD_BATCH_OPERATIONS_MAX);
    buf_add_text(out, RULES);
    buf_add_text(out, "\n## Keys of an operation\n\n"
                      "| key | value | default | data types | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ccd_batch_key_count(); i++)
        add_key(out, i);
    buf_add_text(out, "\nPrinted by `ccdata batch --markdown`.\n");
}
