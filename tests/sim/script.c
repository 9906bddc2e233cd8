#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HITS_MAX = 20000, DRAWS_MAX = 4000, LINE_MAX_BYTES = 64 * 1024, KIND_MAX_BYTES = 12 };

enum work { WORK_NONE, WORK_RECORD, WORK_PLAY };

struct hit {
    struct scene scene;
    enum fault fault;
    uint32_t ask; /* which time the scene asks for this fault */
    bool left_out;
};

struct drawn {
    struct scene scene;
    uint64_t value;
};

struct script {
    enum work work;
    uint64_t seed;
    enum mutant mutant;
    struct hit hits[HITS_MAX];
    size_t hit_count;
    struct drawn draws[DRAWS_MAX]; /* those of a scene stand together, in their order */
    size_t draw_count;
    struct scene scene; /* under way … */
    size_t next_draw;   /* … the next of its draws … */
    uint32_t asks[FAULT_COUNT]; /* … and how often it has asked */
};

static const char *const kinds[] = {
#define SCENE_NAME(name, text) [SCENE_##name] = text,
    SCENE_TABLE(SCENE_NAME)
#undef SCENE_NAME
};

#define FAULT_NAME(name, text) [FAULT_##name] = #name,
static const char *const faults[FAULT_COUNT] = {FAULT_TABLE(FAULT_NAME)};
#undef FAULT_NAME

/* Whose draws are listened to; one simulation at a time does so. */
static struct script *listening;
static const struct rng *heard;

int script_new(struct script **out, struct ccd_error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : error_set(err, CCD_NO_MEMORY, "no memory for a script");
}

void script_free(struct script *script)
{
    free(script);
}

enum mutant script_mutant(const struct script *script)
{
    return script->mutant;
}

/* ---- listening ---- */

static bool same_scene(const struct scene *a, const struct scene *b)
{
    return a->kind == b->kind && a->run == b->run && a->number == b->number;
}

/* Only these are few, and only they are worth to be kept number by number. */
static bool keeps_draws(const struct scene *scene)
{
    return scene->kind == SCENE_WORLD || scene->kind == SCENE_RUN;
}

static void note_draw(struct script *s, const struct scene *scene, uint64_t value)
{
    if (s->draw_count == DRAWS_MAX)
        abort();
    s->draws[s->draw_count++] = (struct drawn){*scene, value};
}

static void enter(struct script *s, const struct scene *scene)
{
    s->scene = *scene;
    s->next_draw = 0;
    memset(s->asks, 0, sizeof(s->asks));
    while (s->next_draw < s->draw_count && !same_scene(&s->draws[s->next_draw].scene, scene))
        s->next_draw++;
}

/* The draw that is written down, when there is one, in place of that of the dice. */
static uint64_t hear(const struct rng *rng, uint64_t value, uint64_t bound)
{
    struct script *s = listening;
    if (!s || rng != heard || !keeps_draws(&s->scene))
        return value;
    if (s->work == WORK_RECORD) {
        note_draw(s, &s->scene, value);
        return value;
    }
    if (s->next_draw == s->draw_count || !same_scene(&s->draws[s->next_draw].scene, &s->scene))
        return value;
    uint64_t written = s->draws[s->next_draw++].value;
    return bound ? written % bound : written;
}

/* The linker sends every draw past here (meson.build). */
uint64_t __real_rng_next(struct rng *rng);
uint64_t __wrap_rng_next(struct rng *rng);
uint64_t __wrap_rng_next(struct rng *rng)
{
    return hear(rng, __real_rng_next(rng), 0);
}

uint64_t __real_rng_below(struct rng *rng, uint64_t bound);
uint64_t __wrap_rng_below(struct rng *rng, uint64_t bound);
uint64_t __wrap_rng_below(struct rng *rng, uint64_t bound)
{
    return hear(rng, __real_rng_below(rng, bound), bound);
}

void sim_scene(struct sim *sim, enum scene_kind kind)
{
    sim->scene = (struct scene){kind, sim->life, ++sim->scene_counts[kind]};
    struct rng of_scene = {sim->seed + kind * UINT64_C(0xa0761d6478bd642f) +
                           sim->life * UINT64_C(0xe7037ed1a0b428db) +
                           sim->scene.number * UINT64_C(0x8ebc6af09c88c6e3)};
    sim->rng.state = __real_rng_next(&of_scene);
    if (listening && heard == &sim->rng)
        enter(listening, &sim->scene);
}

static bool is_listed(const struct script *s, const struct scene *scene, enum fault fault,
                      uint32_t ask)
{
    for (size_t i = 0; i < s->hit_count; i++)
        if (!s->hits[i].left_out && s->hits[i].fault == fault && s->hits[i].ask == ask &&
            same_scene(&s->hits[i].scene, scene))
            return true;
    return false;
}

bool script_hits(struct sim *sim, enum fault fault, bool hits)
{
    struct script *s = listening;
    if (!s || heard != &sim->rng)
        return hits;
    uint32_t ask = ++s->asks[fault];
    if (s->work == WORK_PLAY)
        return is_listed(s, &sim->scene, fault, ask);
    if (hits && s->hit_count < HITS_MAX)
        s->hits[s->hit_count++] = (struct hit){.scene = sim->scene, .fault = fault, .ask = ask};
    return hits;
}

static void listen_to(struct script *script, enum work work, struct sim *sim)
{
    script->work = work;
    listening = work == WORK_NONE ? NULL : script;
    heard = work == WORK_NONE ? NULL : &sim->rng;
}

void script_record(struct script *script, struct sim *sim, uint64_t seed, enum mutant mutant)
{
    struct tally unused = {0};
    *script = (struct script){.seed = seed, .mutant = mutant};
    listen_to(script, WORK_RECORD, sim);
    sim_run(sim, seed, mutant, false, &unused);
    listen_to(script, WORK_NONE, sim);
}

void script_play(struct script *script, struct sim *sim, enum mutant mutant, bool echo)
{
    struct tally unused = {0};
    sim->real_database = mutants_need_mirror(script->mutant);
    listen_to(script, WORK_PLAY, sim);
    sim_run(sim, script->seed, mutant, echo, &unused);
    listen_to(script, WORK_NONE, sim);
    sim->real_database = false;
}

/* ---- shrinking ---- */

/* The invariant's name: what stands before the colon. */
static bool fails_like(struct script *script, struct sim *sim, const char *why)
{
    script_play(script, sim, script->mutant, false);
    size_t len = strcspn(why, ":");
    return sim->failed && strncmp(sim->why, why, len + 1) == 0;
}

static void leave_out(struct script *script, size_t from, size_t count, bool left_out)
{
    for (size_t i = from; i < from + count && i < script->hit_count; i++)
        script->hits[i].left_out = left_out;
}

static void drop_left_out(struct script *script)
{
    size_t kept = 0;
    for (size_t i = 0; i < script->hit_count; i++)
        if (!script->hits[i].left_out)
            script->hits[kept++] = script->hits[i];
    script->hit_count = kept;
}

bool script_shrink(struct script *script, struct sim *sim)
{
    char why[sizeof(sim->why)];
    script_play(script, sim, script->mutant, false);
    memcpy(why, sim->why, sizeof(why));
    if (!sim->failed)
        return false;
    for (size_t part = script->hit_count; part > 0; part /= 2) {
        for (size_t from = 0; from < script->hit_count; from += part) {
            leave_out(script, from, part, true);
            if (!fails_like(script, sim, why))
                leave_out(script, from, part, false);
        }
        drop_left_out(script);
    }
    script_play(script, sim, script->mutant, false);
    return true;
}

/* ---- files ---- */

static void write_scene(FILE *file, const char *what, const struct scene *scene)
{
    fprintf(file, "%s %s %u %u", what, kinds[scene->kind], scene->run, scene->number);
}

bool script_write(const struct script *script, const char *path, const char *why)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file, "# %s\nseed %llu\n", why, (unsigned long long)script->seed);
    if (script->mutant)
        fprintf(file, "mutant %s\n", mutant_options[script->mutant]);
    for (size_t i = 0; i < script->draw_count; i++) {
        const struct drawn *d = &script->draws[i];
        if (i == 0 || !same_scene(&d->scene, &script->draws[i - 1].scene)) {
            fprintf(file, "%s", i ? "\n" : "");
            write_scene(file, "draw", &d->scene);
            fprintf(file, " =");
        }
        fprintf(file, " %llu", (unsigned long long)d->value);
    }
    fprintf(file, "\n");
    for (size_t i = 0; i < script->hit_count; i++) {
        write_scene(file, "fault", &script->hits[i].scene);
        fprintf(file, " %u %s\n", script->hits[i].ask, faults[script->hits[i].fault]);
    }
    bool failed = ferror(file);
    return fclose(file) == 0 && !failed;
}

static int index_of(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* What follows the scene; NULL when there is none. */
static const char *read_scene(const char *text, struct scene *out)
{
    char kind[KIND_MAX_BYTES];
    int end = 0;
    if (sscanf(text, "%11s %u %u%n", kind, &out->run, &out->number, &end) != 3)
        return NULL;
    int found = index_of(kinds, SCENE_COUNT, kind);
    out->kind = (enum scene_kind)found;
    return found < 0 ? NULL : text + end;
}

static bool read_draws(struct script *s, const char *text)
{
    struct scene scene;
    const char *rest = read_scene(text, &scene);
    if (!rest || strncmp(rest, " =", 2) != 0)
        return false;
    for (rest += 2; *rest; rest += strspn(rest, " ")) {
        char *end;
        uint64_t value = strtoull(rest, &end, 10);
        if (end == rest)
            return rest[strspn(rest, " ")] == '\0';
        note_draw(s, &scene, value);
        rest = end;
    }
    return true;
}

static bool read_fault(struct script *s, const char *text)
{
    struct hit hit = {0};
    int end = 0;
    const char *rest = read_scene(text, &hit.scene);
    if (!rest || sscanf(rest, " %u %n", &hit.ask, &end) != 1 || s->hit_count == HITS_MAX)
        return false;
    int fault = index_of(faults, FAULT_COUNT, rest + end);
    hit.fault = (enum fault)fault;
    s->hits[s->hit_count] = hit;
    s->hit_count += fault >= 0;
    return fault >= 0;
}

static bool read_mutant(struct script *s, const char *text)
{
    int mutant = index_of(mutant_options, MUTANT_COUNT, text);
    s->mutant = (enum mutant)mutant;
    return mutant >= 0;
}

static bool read_line(struct script *s, const char *line)
{
    if (line[0] == '#' || line[0] == '\0')
        return true;
    if (strncmp(line, "seed ", 5) == 0)
        return str_to_u64(str_from(line + 5), &s->seed);
    if (strncmp(line, "mutant ", 7) == 0)
        return read_mutant(s, line + 7);
    if (strncmp(line, "draw ", 5) == 0)
        return read_draws(s, line + 5);
    return strncmp(line, "fault ", 6) == 0 && read_fault(s, line + 6);
}

int script_read(struct script *script, const char *path, struct ccd_error *err)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return error_set(err, CCD_USAGE, "cannot open %s", path);
    char *line = malloc(LINE_MAX_BYTES);
    bool understood = line != NULL;
    int number = 0;
    *script = (struct script){0};
    while (understood && fgets(line, LINE_MAX_BYTES, file)) {
        line[strcspn(line, "\n")] = '\0';
        number++;
        understood = read_line(script, line);
    }
    free(line);
    fclose(file);
    return understood ? 0 : error_set(err, CCD_USAGE, "%s:%d is no line of a script", path, number);
}
