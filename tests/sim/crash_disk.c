#include "crash_disk.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

enum {
    FILES_MAX = 4, /* the database, its log or journal, and one to spare */
    NAME_BYTES = 64,
    SECTOR_BYTES = 512, /* what a disk writes at once */
    REGIONS_MAX = 64,
    GARBAGE_ONE_IN = 8, /* sectors that the power cut met */
};

struct bytes {
    uint8_t *data;
    size_t len, capacity;
};

/* A change that is seen but not safe. Its bytes stand in the file's `unsafe`. */
struct change {
    size_t offset, len;
    size_t from; /* of its bytes; SIZE_MAX: the file was cut or grown to `offset` */
};

struct file {
    char name[NAME_BYTES];
    bool exists, exists_safely;
    struct bytes seen, safe, unsafe;
    struct change *changes;
    size_t change_count, change_capacity;
    /* what processes hold of it */
    int shared;
    const void *reserved, *exclusive; /* whose */
    uint8_t *regions[REGIONS_MAX];
    int memory_users;
    int memory_shared[SQLITE_SHM_NLOCK];
    const void *memory_exclusive[SQLITE_SHM_NLOCK];
};

struct crash_disk {
    struct file files[FILES_MAX];
    sqlite3_vfs vfs;
    struct rng *rng;
    bool has_memory, dead, lies;
    int64_t changes_left; /* until it dies; negative = for ever */
};

struct crash_image {
    struct file files[FILES_MAX];
};

/* What SQLite holds. */
struct handle {
    sqlite3_file base; /* must be first */
    struct crash_disk *disk;
    struct file *file;
    int level; /* SQLITE_LOCK_ */
    bool uses_memory;
    uint32_t memory_shared, memory_exclusive; /* bits by slot */
};

/* ---- bytes ---- */

static void make_room(struct bytes *b, size_t len)
{
    if (len <= b->capacity)
        return;
    size_t capacity = len > 2 * b->capacity ? len : 2 * b->capacity;
    b->data = realloc(b->data, capacity);
    if (!b->data)
        abort(); /* a simulator has no use for half a disk */
    b->capacity = capacity;
}

static void resize(struct bytes *b, size_t len)
{
    make_room(b, len);
    if (len > b->len)
        memset(b->data + b->len, 0, len - b->len);
    b->len = len;
}

static void put(struct bytes *b, size_t offset, const uint8_t *data, size_t len)
{
    if (offset + len > b->len)
        resize(b, offset + len);
    memcpy(b->data + offset, data, len);
}

static void copy(struct bytes *to, const struct bytes *from)
{
    make_room(to, from->len);
    if (from->len)
        memcpy(to->data, from->data, from->len);
    to->len = from->len;
}

/* ---- changes ---- */

static void note_change(struct file *f, size_t offset, const void *data, size_t len)
{
    if (f->change_count == f->change_capacity) {
        f->change_capacity = f->change_capacity ? 2 * f->change_capacity : 64;
        f->changes = realloc(f->changes, f->change_capacity * sizeof(*f->changes));
        if (!f->changes)
            abort();
    }
    struct change *c = &f->changes[f->change_count++];
    *c = (struct change){offset, len, data ? f->unsafe.len : SIZE_MAX};
    if (data)
        put(&f->unsafe, f->unsafe.len, data, len);
}

static void forget_changes(struct file *f)
{
    f->change_count = 0;
    f->unsafe.len = 0;
}

static void apply(struct file *f, const struct change *c)
{
    if (c->from == SIZE_MAX)
        resize(&f->safe, c->offset);
    else
        put(&f->safe, c->offset, f->unsafe.data + c->from, c->len);
}

static void make_safe(struct file *f)
{
    for (size_t i = 0; i < f->change_count; i++)
        apply(f, &f->changes[i]);
    forget_changes(f);
    f->exists_safely = f->exists;
}

/* Whether the process lives to see the end of this change. */
static bool survives_change(struct crash_disk *disk)
{
    if (disk->dead || disk->changes_left == 0) {
        disk->dead = true;
        return false;
    }
    disk->changes_left -= disk->changes_left > 0;
    return true;
}

/* ---- a power cut ---- */

/* A part of a write, sector by sector: there, not there, or neither. */
static void tear(struct crash_disk *disk, struct file *f, const struct change *c)
{
    size_t at = 0;
    while (at < c->len) {
        size_t len = SECTOR_BYTES - (c->offset + at) % SECTOR_BYTES;
        len = len < c->len - at ? len : c->len - at;
        uint8_t sector[SECTOR_BYTES];
        memcpy(sector, f->unsafe.data + c->from + at, len);
        bool garbage = rng_below(disk->rng, GARBAGE_ONE_IN) == 0;
        for (size_t i = 0; i < len && garbage; i += sizeof(uint64_t)) {
            uint64_t noise = rng_next(disk->rng);
            memcpy(sector + i, &noise, len - i < sizeof(noise) ? len - i : sizeof(noise));
        }
        if (garbage || rng_below(disk->rng, 2))
            put(&f->safe, c->offset + at, sector, len);
        at += len;
    }
}

/* The disk had its own order: of each change it is chance whether it was in time. */
static void keep_some_changes(struct crash_disk *disk, struct file *f)
{
    uint64_t mood = rng_below(disk->rng, 4);
    for (size_t i = 0; i < f->change_count; i++) {
        const struct change *c = &f->changes[i];
        bool kept = mood == 0 || (mood > 1 && rng_below(disk->rng, 2));
        if (!kept)
            continue;
        if (mood == 3 && c->from != SIZE_MAX)
            tear(disk, f, c);
        else
            apply(f, c);
    }
    forget_changes(f);
}

void crash_disk_cut_power(struct crash_disk *disk)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &disk->files[i];
        if (!f->name[0])
            continue;
        keep_some_changes(disk, f);
        copy(&f->seen, &f->safe);
        /* A name that was made or removed, and whose folder was not synced. */
        if (f->exists != f->exists_safely && rng_below(disk->rng, 2))
            f->exists = f->exists_safely;
        f->exists_safely = f->exists;
    }
    crash_disk_restart(disk);
}

void crash_disk_restart(struct crash_disk *disk)
{
    disk->dead = false;
    disk->changes_left = -1;
}

/* ---- files ---- */

static struct file *find(struct crash_disk *disk, const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (strcmp(disk->files[i].name, name) == 0)
            return &disk->files[i];
    return NULL;
}

static struct file *find_or_make(struct crash_disk *disk, const char *name)
{
    struct file *f = find(disk, name);
    if (!f && (f = find(disk, "")))
        str_copy(f->name, sizeof(f->name), str_from(name));
    return f;
}

static int disk_read(sqlite3_file *file, void *out, int len, sqlite3_int64 offset)
{
    const struct handle *h = (struct handle *)file;
    const struct bytes *b = &h->file->seen;
    size_t from = (size_t)offset < b->len ? (size_t)offset : b->len;
    size_t there = b->len - from < (size_t)len ? b->len - from : (size_t)len;
    if (h->disk->dead)
        return SQLITE_IOERR_READ;
    if (there)
        memcpy(out, b->data + from, there);
    memset((uint8_t *)out + there, 0, (size_t)len - there);
    return there == (size_t)len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int disk_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    const struct handle *h = (struct handle *)file;
    bool was_dead = h->disk->dead;
    bool survives = survives_change(h->disk);
    size_t done = survives ? (size_t)len : was_dead ? 0 : rng_below(h->disk->rng, (size_t)len + 1);
    if (done) {
        put(&h->file->seen, (size_t)offset, data, done);
        note_change(h->file, (size_t)offset, data, done);
    }
    return survives ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const struct handle *h = (struct handle *)file;
    if (!survives_change(h->disk))
        return SQLITE_IOERR_TRUNCATE;
    if ((size_t)size < h->file->seen.len) {
        resize(&h->file->seen, (size_t)size);
        note_change(h->file, (size_t)size, NULL, 0);
    }
    return SQLITE_OK;
}

static int disk_sync(sqlite3_file *file, int flags)
{
    const struct handle *h = (struct handle *)file;
    (void)flags;
    if (!survives_change(h->disk))
        return SQLITE_IOERR_FSYNC;
    if (!h->disk->lies)
        make_safe(h->file);
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((struct handle *)file)->file->seen.len;
    return SQLITE_OK;
}

/* ---- locks between connections: nobody waits, there is one thread ---- */

static int disk_lock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;
    struct file *f = h->file;
    if (h->level >= level)
        return SQLITE_OK;
    if (h->level == SQLITE_LOCK_NONE) {
        if (f->exclusive)
            return SQLITE_BUSY;
        f->shared++;
        h->level = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        if (f->reserved && f->reserved != h)
            return SQLITE_BUSY;
        f->reserved = h;
        h->level = SQLITE_LOCK_RESERVED;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (f->shared > 1)
            return SQLITE_BUSY;
        f->exclusive = h;
        h->level = SQLITE_LOCK_EXCLUSIVE;
    }
    return SQLITE_OK;
}

static int disk_unlock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;
    struct file *f = h->file;
    if (h->level <= level)
        return SQLITE_OK;
    f->exclusive = f->exclusive == h ? NULL : f->exclusive;
    f->reserved = f->reserved == h ? NULL : f->reserved;
    f->shared -= level == SQLITE_LOCK_NONE;
    h->level = level;
    return SQLITE_OK;
}

static int disk_close(sqlite3_file *file)
{
    disk_unlock(file, SQLITE_LOCK_NONE);
    ((struct handle *)file)->base.pMethods = NULL;
    return SQLITE_OK;
}

static int disk_is_reserved(sqlite3_file *file, int *out)
{
    *out = ((struct handle *)file)->file->reserved != NULL;
    return SQLITE_OK;
}

static int disk_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int disk_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

/* As SQLite takes it for the disks of a Unix host: a power cut damages nothing beside what was
 * being written. */
static int disk_character(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory ---- */

static int memory_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    struct handle *h = (struct handle *)file;
    struct file *f = h->file;
    *out = NULL;
    if (h->disk->dead || region >= REGIONS_MAX)
        return SQLITE_IOERR_SHMMAP;
    if (!h->uses_memory && f->memory_users++ == 0) { /* whoever is first finds it empty */
        for (size_t i = 0; i < REGIONS_MAX; i++) {
            free(f->regions[i]);
            f->regions[i] = NULL;
        }
    }
    h->uses_memory = true;
    if (!f->regions[region] && extend && !(f->regions[region] = calloc(1, (size_t)size)))
        return SQLITE_NOMEM;
    *out = f->regions[region];
    return SQLITE_OK;
}

static int take_memory_lock(struct handle *h, int slot, bool exclusive)
{
    struct file *f = h->file;
    uint32_t bit = 1u << slot;
    bool others = f->memory_shared[slot] > ((h->memory_shared & bit) != 0);
    if ((f->memory_exclusive[slot] && f->memory_exclusive[slot] != h) || (exclusive && others))
        return SQLITE_BUSY;
    if (exclusive) {
        f->memory_exclusive[slot] = h;
        h->memory_exclusive |= bit;
    } else if (!(h->memory_shared & bit)) {
        f->memory_shared[slot]++;
        h->memory_shared |= bit;
    }
    return SQLITE_OK;
}

static void give_memory_lock(struct handle *h, int slot)
{
    uint32_t bit = 1u << slot;
    if (h->memory_exclusive & bit)
        h->file->memory_exclusive[slot] = NULL;
    h->file->memory_shared[slot] -= (h->memory_shared & bit) != 0;
    h->memory_exclusive &= ~bit;
    h->memory_shared &= ~bit;
}

static int memory_lock(sqlite3_file *file, int first, int count, int flags)
{
    struct handle *h = (struct handle *)file;
    for (int slot = first; slot < first + count; slot++) {
        if (flags & SQLITE_SHM_UNLOCK) {
            give_memory_lock(h, slot);
            continue;
        }
        if (take_memory_lock(h, slot, flags & SQLITE_SHM_EXCLUSIVE) == SQLITE_OK)
            continue;
        while (--slot >= first)
            give_memory_lock(h, slot);
        return SQLITE_BUSY;
    }
    return SQLITE_OK;
}

static void memory_barrier(sqlite3_file *file)
{
    (void)file;
}

static int memory_unmap(sqlite3_file *file, int delete_it)
{
    struct handle *h = (struct handle *)file;
    (void)delete_it;
    h->file->memory_users -= h->uses_memory;
    h->uses_memory = false;
    return SQLITE_OK;
}

/* Without shared memory SQLite keeps a rollback journal: version 1 has none. */
#define METHODS(version)                                                                           \
    {                                                                                              \
        .iVersion = (version), .xClose = disk_close, .xRead = disk_read, .xWrite = disk_write,     \
        .xTruncate = disk_truncate, .xSync = disk_sync, .xFileSize = disk_size,                    \
        .xLock = disk_lock, .xUnlock = disk_unlock, .xCheckReservedLock = disk_is_reserved,        \
        .xFileControl = disk_control, .xSectorSize = disk_sector_size,                             \
        .xDeviceCharacteristics = disk_character, .xShmMap = memory_map, .xShmLock = memory_lock,  \
        .xShmBarrier = memory_barrier, .xShmUnmap = memory_unmap,                                  \
    }
static const sqlite3_io_methods with_memory = METHODS(2);
static const sqlite3_io_methods without_memory = METHODS(1);

/* ---- the file system ---- */

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    struct crash_disk *disk = vfs->pAppData;
    struct handle *h = (struct handle *)file;
    *h = (struct handle){.disk = disk};
    struct file *f = name ? find_or_make(disk, name) : NULL;
    if (disk->dead || !f || (!f->exists && !(flags & SQLITE_OPEN_CREATE)))
        return SQLITE_CANTOPEN;
    if (!f->exists && !survives_change(disk))
        return SQLITE_CANTOPEN;
    if (!f->exists) { /* another file than the one that had the name before */
        f->seen.len = f->safe.len = 0;
        f->exists_safely = false;
        forget_changes(f);
    }
    f->exists = true;
    h->file = f;
    h->base.pMethods = disk->has_memory ? &with_memory : &without_memory;
    if (out_flags)
        *out_flags = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct crash_disk *disk = vfs->pAppData;
    struct file *f = find(disk, name);
    if (!survives_change(disk))
        return SQLITE_IOERR_DELETE;
    if (!f || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    f->exists = false;
    if (sync_folder && !disk->lies)
        f->exists_safely = false;
    return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct file *f = find(vfs->pAppData, name);
    (void)flags;
    *out = f && f->exists;
    return SQLITE_OK;
}

static int disk_full_path(sqlite3_vfs *vfs, const char *name, int capacity, char *out)
{
    (void)vfs;
    return str_copy(out, (size_t)capacity, str_from(name)) ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int disk_random(sqlite3_vfs *vfs, int len, char *out)
{
    struct crash_disk *disk = vfs->pAppData;
    for (int i = 0; i < len; i++)
        out[i] = (char)rng_next(disk->rng);
    return len;
}

static int disk_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int disk_time(sqlite3_vfs *vfs, double *out_days)
{
    (void)vfs;
    *out_days = 2460676.5; /* 2025-01-01 as a Julian day: nothing that is stored asks */
    return SQLITE_OK;
}

static int disk_last_error(sqlite3_vfs *vfs, int capacity, char *out)
{
    (void)vfs;
    (void)capacity;
    (void)out;
    return 0;
}

/* ---- life ---- */

static void release_file(struct file *f)
{
    free(f->seen.data);
    free(f->safe.data);
    free(f->unsafe.data);
    free(f->changes);
    for (size_t i = 0; i < REGIONS_MAX; i++)
        free(f->regions[i]);
}

int crash_disk_new(struct rng *rng, struct crash_disk **out, struct ccd_error *err)
{
    struct crash_disk *disk = calloc(1, sizeof(*disk));
    if (!disk)
        return error_set(err, CCD_NO_MEMORY, "no memory for a disk");
    disk->rng = rng;
    disk->changes_left = -1;
    disk->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = NAME_BYTES - 1,
        .zName = "crash",
        .pAppData = disk,
        .xOpen = disk_open,
        .xDelete = disk_delete,
        .xAccess = disk_access,
        .xFullPathname = disk_full_path,
        .xRandomness = disk_random,
        .xSleep = disk_sleep,
        .xCurrentTime = disk_time,
        .xGetLastError = disk_last_error,
    };
    if (sqlite3_vfs_register(&disk->vfs, 1) != SQLITE_OK) {
        free(disk);
        return error_set(err, CCD_INTERNAL, "SQLite does not take a disk");
    }
    *out = disk;
    return 0;
}

void crash_disk_free(struct crash_disk *disk)
{
    if (!disk)
        return;
    sqlite3_vfs_unregister(&disk->vfs);
    for (size_t i = 0; i < FILES_MAX; i++)
        release_file(&disk->files[i]);
    free(disk);
}

struct crash_image *crash_disk_copy(const struct crash_disk *disk)
{
    struct crash_image *image = calloc(1, sizeof(*image));
    for (size_t i = 0; image && i < FILES_MAX; i++) {
        const struct file *f = &disk->files[i];
        if (!f->exists)
            continue;
        str_copy(image->files[i].name, NAME_BYTES, str_from(f->name));
        copy(&image->files[i].safe, &f->seen);
    }
    return image;
}

void crash_image_free(struct crash_image *image)
{
    for (size_t i = 0; image && i < FILES_MAX; i++)
        release_file(&image->files[i]);
    free(image);
}

void crash_disk_begin(struct crash_disk *disk, const struct crash_image *image, bool has_memory)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &disk->files[i];
        forget_changes(f);
        f->name[0] = '\0';
        f->exists = f->exists_safely = false;
        f->seen.len = f->safe.len = 0;
        if (!image || !image->files[i].name[0])
            continue;
        str_copy(f->name, NAME_BYTES, str_from(image->files[i].name));
        f->exists = f->exists_safely = true;
        copy(&f->seen, &image->files[i].safe);
        copy(&f->safe, &image->files[i].safe);
    }
    if (!image) {
        struct file *f = find_or_make(disk, CRASH_DISK_DATABASE);
        f->exists = f->exists_safely = true;
    }
    disk->has_memory = has_memory;
    disk->lies = false;
    crash_disk_restart(disk);
    sqlite3_randomness(0, NULL); /* its next chance comes from this disk */
}

void crash_disk_kill_after(struct crash_disk *disk, int64_t changes)
{
    disk->changes_left = changes;
}

bool crash_disk_is_dead(const struct crash_disk *disk)
{
    return disk->dead;
}

void crash_disk_lie(struct crash_disk *disk, bool lies)
{
    disk->lies = lies;
}

/* What the driver asks of the operating system before it opens a file: the linker sends it here. */
int __wrap_stat64(const char *path, struct stat64 *out);
int __wrap_stat64(const char *path, struct stat64 *out)
{
    (void)path;
    *out = (struct stat64){.st_mode = S_IFREG | 0600};
    return 0;
}
