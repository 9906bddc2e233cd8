#include "decode/quota.h"

#include "decode/tree.h"

const char *const quota_block_names[QUOTA_BLOCK_COUNT] = {
#define QUOTA_BLOCK_NAME(name, member) member,
    QUOTA_BLOCK_TABLE(QUOTA_BLOCK_NAME)
#undef QUOTA_BLOCK_NAME
};

static const char *const window_names[RATE_WINDOW_COUNT] = {"SECOND", "MINUTE", "HOUR", "DAY",
                                                            "MONTH"};

static int read_figures(const json_t *block, const char *name, int64_t out[RATE_WINDOW_COUNT],
                        struct ccd_error *err)
{
    const json_t *figures = json_object_get(block, name);
    for (int w = 0; w < RATE_WINDOW_COUNT; w++) {
        const json_t *figure = json_object_get(figures, window_names[w]);
        out[w] = -1;
        if (!figure)
            continue;
        if (!json_is_integer(figure))
            return error_set(err, CCD_BAD_REPLY, "%s.%s of the quota is no count", name,
                             window_names[w]);
        int64_t count = json_integer_value(figure);
        out[w] = count > 0 ? count : 0; /* what is overdrawn is spent */
    }
    return CCD_OK;
}

static int read_block(const json_t *block, struct quota_counts *out, struct ccd_error *err)
{
    int status = read_figures(block, "USED", out->used, err);
    if (status == CCD_OK)
        status = read_figures(block, "MAX", out->max, err);
    if (status == CCD_OK)
        status = read_figures(block, "REMAINING", out->remaining, err);
    return status;
}

int quota_decode(struct str body, struct quota_said *out, struct ccd_error *err)
{
    json_t *root = NULL, *data = NULL;
    bool any = false;
    *out = (struct quota_said){0};
    int status = tree_load(body, NULL, &root, &data, err);
    for (int b = 0; b < QUOTA_BLOCK_COUNT && status == CCD_OK; b++) {
        const json_t *block = json_object_get(data, quota_block_names[b]);
        out->has[b] = json_is_object(block);
        any |= out->has[b];
        if (out->has[b])
            status = read_block(block, &out->blocks[b], err);
    }
    if (status == CCD_OK && !any)
        status = error_set(err, CCD_BAD_REPLY, "the reply has neither %s nor %s",
                           quota_block_names[QUOTA_API_KEY], quota_block_names[QUOTA_AUTH_KEY]);
    json_decref(root);
    return status;
}
