/* A disk for SQLite that forgets: files in memory, registered as SQLite's default file system. What
 * was written is seen at once and is safe when it was synced; a power cut keeps what was synced and
 * any part of the rest. Invariant: no real file, clock or randomness; one thread, one disk in a
 * process. */
#ifndef TESTS_SIM_CRASH_DISK_H
#define TESTS_SIM_CRASH_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct crash_disk;
#define CRASH_DISK_DATABASE "/crash.db"

/* SQLite uses it from now on; *rng (borrowed) is the chance of both. */
int crash_disk_new(struct rng *rng, struct crash_disk **out, struct ccd_error *err);
void crash_disk_free(struct crash_disk *disk);

/* The contents of a disk, to begin another life with. */
struct crash_image;
/* The files as they are, all of it taken for safe; NULL without memory. */
struct crash_image *crash_disk_copy(const struct crash_disk *disk);
void crash_image_free(struct crash_image *image);
/* Nothing but these files; NULL: an empty CRASH_DISK_DATABASE. Memory that processes share (what a
 * write-ahead log needs) is there or not. No file may be open. */
void crash_disk_begin(struct crash_disk *disk, const struct crash_image *image, bool has_memory);

/* The process dies in the change of a file that comes after so many; negative = it lives. */
void crash_disk_kill_after(struct crash_disk *disk, int64_t changes);
/* The process is dead: whatever it still tries fails and changes nothing. */
bool crash_disk_is_dead(const struct crash_disk *disk);

/* Another process starts; every file has been closed. */
void crash_disk_restart(struct crash_disk *disk);
/* The same after a power cut. */
void crash_disk_cut_power(struct crash_disk *disk);

/* Planted bug: what is synced is not safe. */
void crash_disk_lie(struct crash_disk *disk, bool lies);

#endif
