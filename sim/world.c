/* Building a world and finding a series in it. */
#include "sim/world.h"

#include <string.h>

#include "base/time.h"
#include "sim/world_private.h"

enum { WORLD_MAX_BYTES = 256 << 20 };

const struct world_config world_defaults = {
    .seed = 1,
    .first_ts = 1262304000, /* 2010-01-01: before the first market */
    .idle_permille = 10,    /* 10 of 1,000 rows of the recorded minute page */
    .restate_permille = 1,
    .cache_s = 300, /* the vendor's documentation: history is cached that long */
};

static uint64_t series_hash(const struct data_type *type, struct str market, struct str name)
{
    uint64_t h = 0xcbf29ce484222325ULL ^ (uint64_t)(uintptr_t)type->name[0];
    for (size_t i = 0; i < market.len; i++)
        h = (h ^ (unsigned char)market.ptr[i]) * 0x100000001b3ULL;
    h = (h ^ '/') * 0x100000001b3ULL;
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ (unsigned char)name.ptr[i]) * 0x100000001b3ULL;
    return dice_mix(h);
}

static void index_add(struct world *w, size_t number, const char *name)
{
    const struct world_series *s = &w->series[number].pub;
    size_t at = series_hash(s->type, str_from(s->market), str_from(name));
    while (w->index[at &= w->index_capacity - 1])
        at++;
    w->index[at] = (uint32_t)number + 1;
}

static int index_build(struct world *w, struct ccd_error *err)
{
    w->index_capacity = 16;
    while (w->index_capacity < w->series_count * 4)
        w->index_capacity *= 2;
    w->index = arena_alloc(&w->arena, w->index_capacity * sizeof *w->index);
    if (!w->index)
        return error_set(err, CCD_NO_MEMORY, "no memory for the world's index");
    for (size_t i = 0; i < w->series_count; i++) {
        const struct world_series *s = &w->series[i].pub;
        index_add(w, i, s->instrument);
        if (s->mapped && strcmp(s->mapped, s->instrument) != 0)
            index_add(w, i, s->mapped);
    }
    return 0;
}

int world_new(const struct world_config *config, const struct allocator *allocator,
              struct world **out, struct ccd_error *err)
{
    struct world *w = mem_new(allocator, 1, sizeof *w);
    *out = NULL;
    if (!w)
        return error_set(err, CCD_NO_MEMORY, "no memory for a world");
    w->config = *config;
    w->allocator = allocator;
    arena_init(&w->arena, WORLD_MAX_BYTES, allocator);
    int status = 0;
    for (unsigned kind = 0; kind < KIND_COUNT && status == 0; kind++)
        status = plan_init(&w->plans[kind], &world_kinds[kind], err);
    if (status == 0)
        status = records_build(w, err);
    if (status == 0)
        status = names_build(w, err);
    if (status == 0)
        status = index_build(w, err);
    if (status != 0) {
        world_free(w);
        return status;
    }
    *out = w;
    return 0;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    arena_release(&world->arena);
    mem_free(world->allocator, world);
}

size_t world_series_count(const struct world *world)
{
    return world->series_count;
}

const struct world_series *world_series_at(const struct world *world, size_t index)
{
    return index < world->series_count ? &world->series[index].pub : NULL;
}

const struct world_series *world_find(const struct world *world, const struct data_type *type,
                                      struct str market, struct str name)
{
    const struct world_series *by_native = NULL;
    for (size_t at = series_hash(type, market, name);; at++) {
        uint32_t number = world->index[at &= world->index_capacity - 1];
        if (number == 0)
            return by_native;
        const struct world_series *s = &world->series[number - 1].pub;
        if (s->type != type || !str_equal(str_from(s->market), market))
            continue;
        /* As the vendor does by default: a mapped id goes before another instrument's native one.
         */
        if (s->mapped && str_equal(str_from(s->mapped), name))
            return s;
        if (str_equal(str_from(s->instrument), name))
            by_native = s;
    }
}
