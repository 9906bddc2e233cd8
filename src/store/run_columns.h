/* The columns of ccdata_runs, ccdata_run_operations and ccdata_run_series, each with the member of
 * store_run, store_run_operation or store_run_series that it keeps. */
#ifndef STORE_RUN_COLUMNS_H
#define STORE_RUN_COLUMNS_H

#include "store/dialect.h"
#include "store/value.h"

enum { RUN_COLUMNS_MAX = 18 };

struct run_column {
    const char *name;
    enum ddl_type type; /* DDL_I64: an int64_t, else a const char * */
    size_t offset;      /* of the member */
    bool is_key;
    bool optional; /* 0 or no text is NULL */
};

struct run_table {
    const char *name;
    const struct run_column *columns;
    size_t count;
};
extern const struct run_table runs_table;
extern const struct run_table run_operations_table;
extern const struct run_table run_series_table;

/* The values of a record, one per column; texts are the record's. */
void run_values(const struct run_table *table, const void *record, struct value *out);
/* A record from values; texts are copied to the scratch, which is cleared first. False when there
 * is no memory or the values are not of these columns. */
bool run_record(const struct run_table *table, const struct value *values, size_t count,
                struct buf *scratch, void *out_record);

#endif
