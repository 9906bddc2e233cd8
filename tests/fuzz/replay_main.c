/* Runs a fuzz target over the files of a folder, then over changed copies of them.
 *
 * replay_NAME FOLDER [EXECUTIONS [SEED [FIRST]]]: the seed is drawn and printed when it is not
 * given; execution number FIRST and those behind it are the same for the same seed and folder. A
 * child does the work, so that the one that ends it can be named. */
#include <dirent.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 16, FILES_MAX = 1000, PATH_MAX_BYTES = 4096, CHANGES_MAX = 6 };

struct input {
    uint8_t *bytes;
    uint32_t len; /* at most INPUT_MAX_BYTES */
};

struct corpus {
    struct input inputs[FILES_MAX];
    size_t count;
};

/* What the child has come to, in memory that outlives it. */
struct progress {
    unsigned long files, executions;
};

/* ---- the corpus ---- */

static bool read_file(const char *path, struct input *out)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    out->bytes = malloc(INPUT_MAX_BYTES);
    out->len = out->bytes ? (uint32_t)fread(out->bytes, 1, INPUT_MAX_BYTES, file) : 0;
    bool is_whole = out->bytes && !ferror(file) && fgetc(file) == EOF;
    fclose(file);
    return is_whole;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of names, so that a seed means the same everywhere. */
static bool read_folder(const char *folder, struct corpus *out)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_visible, by_name);
    bool is_whole = count > 0 && count <= FILES_MAX;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX_BYTES];
        if (is_whole && (!str_print(path, sizeof path, "%s/%s", folder, entries[i]->d_name) ||
                         !read_file(path, &out->inputs[out->count++]))) {
            fprintf(stderr, "cannot read %s/%s\n", folder, entries[i]->d_name);
            is_whole = false;
        }
        free(entries[i]);
    }
    free(entries);
    return is_whole;
}

static void free_corpus(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        free(corpus->inputs[i].bytes);
    corpus->count = 0;
}

/* ---- changed copies ---- */

/* SplitMix64: one addition and three mixes, equal on every machine. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
    return limit ? (uint32_t)(draw(state) % limit) : 0;
}

/* Bytes that mean something to one of the grammars. */
static uint8_t telling_byte(uint64_t *state)
{
    static const uint8_t telling[] = "\0\n\r\t \"'\\{}[],:;=#%&?/@+-.0123456789eE$\x7f\x80\xc0\xff";
    return telling[below(state, sizeof telling - 1)];
}

/* Make room for `len` bytes at a place, as far as there is room. */
static uint8_t *open_gap(struct input *input, uint32_t at, uint32_t *len)
{
    if (*len > INPUT_MAX_BYTES - input->len)
        *len = INPUT_MAX_BYTES - input->len;
    memmove(input->bytes + at + *len, input->bytes + at, input->len - at);
    input->len += *len;
    return input->bytes + at;
}

static void flip_a_bit(struct input *input, uint64_t *state)
{
    if (input->len)
        input->bytes[below(state, input->len)] ^= (uint8_t)(1u << below(state, 8));
}

static void set_a_byte(struct input *input, uint64_t *state)
{
    if (input->len)
        input->bytes[below(state, input->len)] = telling_byte(state);
}

static void cut_out(struct input *input, uint64_t *state)
{
    uint32_t at = below(state, input->len);
    uint32_t behind = input->len - at;
    uint32_t kept = behind - below(state, behind / 2 + 2);
    if (kept > behind) /* one byte was left, and two were to go */
        kept = 0;
    memmove(input->bytes + at, input->bytes + input->len - kept, kept);
    input->len = at + kept;
}

static void put_in(struct input *input, uint64_t *state)
{
    uint32_t len = 1 + below(state, 4);
    uint8_t *gap = open_gap(input, below(state, input->len + 1), &len);
    for (uint32_t i = 0; i < len; i++)
        gap[i] = telling_byte(state);
}

static void repeat_a_part(struct input *input, uint64_t *state)
{
    uint8_t part[64];
    uint32_t from = below(state, input->len), len = below(state, sizeof part) + 1;
    if (len > input->len - from)
        len = input->len - from;
    memcpy(part, input->bytes + from, len);
    for (uint32_t times = 1 + below(state, 40); times > 0; times--) {
        uint32_t room = len;
        memcpy(open_gap(input, from, &room), part, room);
    }
}

static void (*const changes[])(struct input *, uint64_t *) = {flip_a_bit, set_a_byte, cut_out,
                                                              put_in, repeat_a_part};

/* A part of one file into a place of another. */
static void cross(struct input *input, const struct corpus *corpus, uint64_t *state)
{
    const struct input *other = &corpus->inputs[below(state, (uint32_t)corpus->count)];
    uint32_t from = below(state, other->len), len = below(state, other->len - from + 1);
    uint8_t *gap = open_gap(input, below(state, input->len + 1), &len);
    memcpy(gap, other->bytes + from, len);
}

static void change(const struct corpus *corpus, uint64_t number, struct input *input)
{
    uint64_t state = number;
    const struct input *model = &corpus->inputs[below(&state, (uint32_t)corpus->count)];
    memcpy(input->bytes, model->bytes, model->len);
    input->len = model->len;
    if (below(&state, 4) == 0)
        cross(input, corpus, &state);
    for (uint32_t times = 1 + below(&state, CHANGES_MAX); times > 0; times--)
        changes[below(&state, sizeof changes / sizeof changes[0])](input, &state);
}

/* What is handed over is exactly as long as its block: a sanitizer sees a byte too far. */
static bool execute(const struct input *input)
{
    uint8_t *exact = malloc(input->len ? input->len : 1);
    if (!exact)
        return false;
    memcpy(exact, input->bytes, input->len);
    LLVMFuzzerTestOneInput(exact, input->len);
    free(exact);
    return true;
}

static bool search(const struct corpus *corpus, unsigned long first, unsigned long executions,
                   uint64_t seed, struct progress *progress)
{
    struct input changed = {.bytes = malloc(INPUT_MAX_BYTES)};
    bool done = changed.bytes != NULL;
    for (size_t i = 0; done && i < corpus->count; i++) {
        done = execute(&corpus->inputs[i]);
        progress->files++;
    }
    progress->executions = first;
    for (; done && progress->executions < first + executions; progress->executions++) {
        uint64_t number = seed ^ progress->executions * UINT64_C(0xd1342543de82ef95);
        change(corpus, number, &changed);
        done = execute(&changed);
    }
    free(changed.bytes);
    return done;
}

/* ---- the parent ---- */

static bool child_succeeds(pid_t child)
{
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static unsigned long argument(int argc, char **argv, int at, unsigned long otherwise)
{
    return argc > at ? strtoul(argv[at], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    unsigned long drawn = 0;
    struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED || getrandom(&drawn, sizeof drawn, 0) != sizeof drawn || argc < 2 ||
        !read_folder(argv[1], &corpus)) {
        fprintf(stderr, "%s: no corpus\n", argv[0]);
        free_corpus(&corpus);
        return 1;
    }
    unsigned long executions = argument(argc, argv, 2, 0), first = argument(argc, argv, 4, 0);
    unsigned long seed = argument(argc, argv, 3, drawn);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool done = search(&corpus, first, executions, seed, progress);
        free_corpus(&corpus);
        return !done;
    }
    bool passed = child_succeeds(child);
    if (!passed)
        fprintf(stderr, "file %lu of %zu, execution %lu: to repeat it: %s %s 1 %#lx %lu\n",
                progress->files, corpus.count, progress->executions, argv[0], argv[1], seed,
                progress->executions);
    printf("figure: %lu fuzz executions, seed %#lx\n%lu passed, %d failed\n",
           progress->executions - first, seed, passed ? progress->files : 0, !passed);
    free_corpus(&corpus);
    return !passed;
}
