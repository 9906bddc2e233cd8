/* Reports that several tests use. */
#ifndef TESTS_UNIT_CLI_REPORTS_H
#define TESTS_UNIT_CLI_REPORTS_H

#include <ccdata/ccdata.h>

/* One operation, spot_ohlcv 1d: kraken BTC-USD complete, kraken XXBT (BTC-EUR) partial for want of
 * the vendor. Exit code 1. */
struct ccd_report partial_report(void);
/* The same selection, planned: one series up to date, one with two windows. */
struct ccd_report planned_report(void);

#endif
