/* The vendor and the network between: takes a request, decides its fate, makes the bytes of the
 * reply, and keeps the log of what arrived when. Invariant: no window of the configured limits ever
 * holds more arrivals than allowed, or the run fails (I5). */
#ifndef TESTS_SIM_VENDOR_H
#define TESTS_SIM_VENDOR_H

#include "sim.h"

/* Make the limits of this seed and forget the log. */
void vendor_begin(struct sim *sim);
/* A new life of the engine: outage, revoked key, unknown series. */
void vendor_begin_life(struct sim *sim);
/* Send a request of a slot; its EVENT_REPLY names the exchange. */
void vendor_send(struct sim *sim, uint32_t slot, size_t series, const char *path);
/* EVENT_ARRIVAL. */
void vendor_arrive(struct sim *sim, uint32_t index);
/* The client is done with a reply, or is dead. */
void vendor_release(struct sim *sim, uint32_t index);
/* The client died: nobody waits for its replies any more. Returns how many requests were in flight.
 */
int vendor_abandon(struct sim *sim);

/* Whether the record of a period is impossible whenever it is served. */
bool vendor_is_sick(const struct sim *sim, const struct sim_series *s, int64_t ts);

#endif
