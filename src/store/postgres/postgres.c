/* PostgreSQL 10 or newer, over libpq. */
#include "store/postgres/internal.h"

const struct sql_driver sql_driver_postgres = {
    .scheme = "postgresql",
    .capabilities = STORE_PERSISTS | STORE_PARALLEL_WRITERS,
    .open = postgres_open,
    .close = postgres_close,
    .run = postgres_run,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .insert_rows = postgres_insert_rows,
    .lock = postgres_lock,
    .unlock = postgres_unlock,
};
