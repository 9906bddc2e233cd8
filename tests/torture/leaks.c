/* A table of the watched blocks, by address. It allocates nothing and has room for all that a run
 * of the tests holds at once; one that is full aborts, so that no leak goes unseen. */
#include "leaks.h"

#include <link.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 1 << 16, MODULES_MAX = 8, NAMED_MAX = 4 };

/* Handles of these are ours to give back. The program itself has no name, and comes first. */
static const char *const libraries[] = {"libsqlite3.", "libcurl.",    "libjansson.",
                                        "libpq.",      "libmariadb.", "libdeflate."};

struct module {
    uintptr_t base, end;
    bool own;
};
static struct module modules[MODULES_MAX];
static size_t module_count;

struct block {
    void *address, *caller;
};
static struct block table[PLACES];
static size_t taken;
static atomic_flag lock = ATOMIC_FLAG_INIT;

static bool is_watched(const char *name)
{
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (strstr(name, libraries[i]))
            return true;
    return name[0] == '\0';
}

static int note_module(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    bool own = module_count == 0;
    if (module_count == MODULES_MAX || !is_watched(own ? "" : info->dlpi_name) ||
        (!own && !info->dlpi_name[0]))
        return 0;
    struct module *m = &modules[module_count++];
    *m = (struct module){.base = info->dlpi_addr, .own = own};
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
        if (part->p_type == PT_LOAD && end > m->end)
            m->end = end;
    }
    return 0;
}

void leaks_begin(void)
{
    dl_iterate_phdr(note_module, NULL);
}

static const struct module *module_of(const void *caller)
{
    for (size_t i = 0; i < module_count; i++)
        if ((uintptr_t)caller >= modules[i].base && (uintptr_t)caller < modules[i].end)
            return &modules[i];
    return NULL;
}

static size_t home_of(const void *address)
{
    return ((uintptr_t)address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
}

/* Where it stands, or the free place where it would. */
static size_t find(const void *address)
{
    size_t place = home_of(address);
    while (table[place].address && table[place].address != address)
        place = (place + 1) % PLACES;
    return place;
}

/* What stands behind a place that becomes free moves up, unless its home lies between. */
static void close_up(size_t hole)
{
    for (size_t place = (hole + 1) % PLACES; table[place].address; place = (place + 1) % PLACES) {
        size_t home = home_of(table[place].address);
        if ((place - home) % PLACES < (place - hole) % PLACES)
            continue;
        table[hole] = table[place];
        hole = place;
    }
    table[hole] = (struct block){0};
}

static void take_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        sched_yield();
}

static void give_lock(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

void leaks_add(void *block, void *caller)
{
    if (!block || !module_of(caller))
        return;
    take_lock();
    if (++taken == PLACES)
        abort();
    table[find(block)] = (struct block){block, caller};
    give_lock();
}

void *leaks_remove(void *block)
{
    if (!block)
        return NULL;
    take_lock();
    size_t place = find(block);
    void *caller = table[place].caller;
    if (table[place].address) {
        close_up(place);
        taken--;
    }
    give_lock();
    return caller;
}

void leaks_count(long *out_own, long *out_of_libraries)
{
    *out_own = *out_of_libraries = 0;
    for (size_t i = 0; i < PLACES; i++) {
        const struct module *m = table[i].address ? module_of(table[i].caller) : NULL;
        if (m && m->own && ++*out_own <= NAMED_MAX)
            dprintf(STDERR_FILENO, "torture: left behind, taken at +0x%zx\n",
                    (size_t)((uintptr_t)table[i].caller - m->base));
        if (m && !m->own)
            ++*out_of_libraries;
    }
}
