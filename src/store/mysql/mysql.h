/* What tests may ask of the MySQL-family driver: to leave a way unused, so that the one behind it
 * is taken. Bits of struct sql_target's disabled_paths. */
#ifndef STORE_MYSQL_MYSQL_H
#define STORE_MYSQL_MYSQL_H

enum mysql_path {
    MYSQL_PATH_ARRAYS = 1u << 0,      /* MariaDB's bulk execution of a prepared INSERT */
    MYSQL_PATH_LOAD = 1u << 1,        /* LOAD DATA LOCAL from memory */
    MYSQL_PATH_PREPARE = 1u << 2,     /* prepared statements; values become literals */
    MYSQL_PATH_NAMED_LOCKS = 1u << 3, /* GET_LOCK; a locked row takes its place */
};

#endif
