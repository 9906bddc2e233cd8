#include "model/request.h"

#include <inttypes.h>

static const char unit_mark[] = "{unit}";

static int result_of(const struct buf *out)
{
    return out->failed ? -1 : 0;
}

static void add_parameter(struct buf *out, const char *separator_and_name, struct str value)
{
    buf_add_text(out, separator_and_name);
    buf_add_char(out, '=');
    buf_add_url_text(out, value);
}

int request_candles(struct buf *out, const struct data_type *type, enum interval interval,
                    struct str market, struct str instrument, struct period_range window)
{
    const struct interval_info *info = &interval_infos[interval];
    struct str path = str_from(type->path);
    size_t mark = str_find(path, STR(unit_mark));
    if (mark == SIZE_MAX || window.from_ts >= window.to_ts || window.from_ts % info->step_s != 0 ||
        window.to_ts % info->step_s != 0) {
        return -1;
    }
    uint64_t periods = ((uint64_t)window.to_ts - (uint64_t)window.from_ts) / (uint64_t)info->step_s;
    if (periods > (uint64_t)info->page_max) {
        return -1;
    }
    buf_add(out, path.ptr, mark);
    buf_add_text(out, info->path_unit);
    buf_add_text(out, path.ptr + mark + STR(unit_mark).len);
    add_parameter(out, "?market", market);
    add_parameter(out, "&instrument", instrument);
    buf_printf(out, "&limit=%" PRIu64 "&to_ts=%" PRId64, periods, window.to_ts - 1);
    return result_of(out);
}

/* Without the list the vendor leaves out everything that no longer trades. A comma
 * is legal in a query (RFC 3986 §3.4) and is how the vendor separates the items of a list. */
int request_catalogue(struct buf *out, const struct data_type *type, struct str market)
{
    buf_add_text(out, type->path);
    add_parameter(out, "?market", market);
    buf_add_text(out, "&instrument_status=ACTIVE,IGNORED,RETIRED,EXPIRED,READY_FOR_DECOMMISSIONING,"
                      "RETIRED_UNMAPPED");
    return result_of(out);
}

int request_markets(struct buf *out, const struct data_type *type)
{
    if (!type->markets_path) {
        return -1;
    }
    buf_add_text(out, type->markets_path);
    return result_of(out);
}

int request_records(struct buf *out, const struct data_type *table, int page, int page_size)
{
    bool is_page = page >= 1 && page_size >= 10 && page_size <= 100;
    if (table->shape != SHAPE_RECORDS || (table->is_listed && !is_page)) {
        return -1;
    }
    buf_add_text(out, table->path);
    if (table->is_listed) {
        buf_printf(out, "?page=%d&page_size=%d", page, page_size);
    }
    if (table->query) {
        buf_printf(out, "%c%s", table->is_listed ? '&' : '?', table->query);
    }
    return result_of(out);
}

int request_top_assets(struct buf *out, int page, int page_size)
{
    return request_records(out, metadata_table_find(STR("ccdata_top_assets")), page, page_size);
}

int request_quota(struct buf *out)
{
    return buf_add_text(out, "/admin/v2/rate/limit");
}
