/* Reports that several tests use. */
#ifndef TESTS_UNIT_CLI_REPORTS_H
#define TESTS_UNIT_CLI_REPORTS_H

#include <ccdata/ccdata.h>

/* One operation, spot_ohlcv 1d: kraken BTC-USD complete, kraken XXBT (BTC-EUR) partial for want of
 * the vendor. Exit code 1. */
struct ccd_report partial_report(void);
/* Three operations: exchange_metadata with two lists, one of them unchanged; spot_instruments with
 * a list that shrank and one in which something is unknown; futures_ohlcv 1h, not started. Exit
 * code 1. */
struct ccd_report lists_report(void);
/* The selection of partial_report, planned: one series up to date, one with two windows. */
struct ccd_report planned_report(void);

#endif
