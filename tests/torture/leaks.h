/* Blocks that the program, or a library on its behalf, has taken and not given back. */
#ifndef TORTURE_LEAKS_H
#define TORTURE_LEAKS_H

/* Once, before other threads run. */
void leaks_begin(void);

/* `caller`: the return address of the call that took the block. */
void leaks_add(void *block, void *caller);

/* The caller that was given to leaks_add, NULL for a block that is not watched. */
void *leaks_remove(void *block);

/* Blocks that are left, of the program itself and of libraries; names some of the first on
 * standard error. */
void leaks_count(long *out_own, long *out_of_libraries);

#endif
