/* UTC seconds, civil dates, the text forms we read and write. Invariant: no time zone, no locale,
 * no libc calendar. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/str.h"

enum { SECONDS_PER_MINUTE = 60, SECONDS_PER_HOUR = 3600, SECONDS_PER_DAY = 86400 };

/* Proleptic Gregorian; year -9999..9999. */
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second);
void time_to_civil(int64_t utc_s, int *out_year, int *out_month, int *out_day, int *out_hour,
                   int *out_minute, int *out_second);

/* "2024-02-29", "2024-02-29T13:05", "…T13:05:07", optional "Z" or "+00:00"; ' ' for 'T'.
 * *out_date_only tells whether there was no time of day. False when malformed or no such day. */
bool time_parse_iso(struct str text, int64_t *out_utc_s, bool *out_date_only);

/* RFC 9110 HTTP-date, all three forms. */
bool time_parse_http(struct str text, int64_t *out_utc_s);

/* "2024-02-29T13:05:07Z" / "2024-02-29" (when midnight and short_form) / HTTP-date; returns out. */
char *time_format_iso(int64_t utc_s, char out[32]);
char *time_format_short(int64_t utc_s, char out[32]);
char *time_format_http(int64_t utc_s, char out[32]);

/* Floor/ceil to a multiple of step_s (> 0), right for negative times too; false on overflow. */
int64_t time_floor(int64_t utc_s, int64_t step_s);
int64_t time_ceil(int64_t utc_s, int64_t step_s);

#endif
