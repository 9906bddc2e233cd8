#include "serve/snapshot.h"

#include <string.h>

#include "base/hooks.h"

struct snapshot *snapshot_new(unsigned http_status, struct str text)
{
    struct snapshot *snapshot = mem_alloc(NULL, sizeof *snapshot + text.len + 1);
    if (!snapshot)
        return NULL;
    atomic_init(&snapshot->holders, 1);
    snapshot->http_status = http_status;
    snapshot->len = text.len;
    memcpy(snapshot->text, text.ptr, text.len);
    snapshot->text[text.len] = '\0';
    return snapshot;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    if (snapshot)
        atomic_fetch_add(&snapshot->holders, 1);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot && atomic_fetch_sub(&snapshot->holders, 1) == 1)
        mem_free(NULL, snapshot);
}
