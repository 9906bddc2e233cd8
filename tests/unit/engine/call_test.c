#include "engine/call.h"

#include "test.h"

static enum permit_answer answer(enum permit_answer given, int64_t wait_s)
{
    const struct permit permit = {.answer = given};
    return call_permit_answer(&permit, wait_s * 1000000);
}

TEST(call_waits_a_minute_for_a_long_window_and_an_hour_for_the_rest)
{
    CHECK_INT(PERMIT_GRANTED, answer(PERMIT_GRANTED, 0));
    CHECK_INT(PERMIT_WAIT, answer(PERMIT_SPENT, 60));
    CHECK_INT(PERMIT_SPENT, answer(PERMIT_SPENT, 61));
    CHECK_INT(PERMIT_WAIT, answer(PERMIT_WAIT, 3600));
    CHECK_INT(PERMIT_SPENT, answer(PERMIT_WAIT, 3601));
}
