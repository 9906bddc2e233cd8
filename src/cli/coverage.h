/* The commands that read the coverage of the stored series, and print it each in its way. */
#ifndef CLI_COVERAGE_H
#define CLI_COVERAGE_H

#include <ccdata/ccdata.h>

struct args;
struct cli;

/* Returns the exit code. */
typedef int coverage_print_fn(struct cli *cli, const struct args *args,
                              const struct ccd_coverage_report *report);
/* Read the coverage of the data type that the operand names, and print it. Returns the exit code.
 */
int coverage_read(struct cli *cli, const struct args *args, coverage_print_fn *print);

#endif
