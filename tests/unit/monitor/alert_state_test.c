#include "monitor/alert_state.h"

#include <string.h>

#include "test.h"

static struct alert_state *new_state(void)
{
    return mem_new(NULL, 1, sizeof(struct alert_state));
}

static struct alert_state *new_filled_state(struct buf *text)
{
    struct alert_state *state = new_state();
    struct alert_entry *entry = alert_state_entry(state, ALERT_STALE, STR("spot_ohlcv 1d"));
    (void)alert_update(&entry->history, ALERT_FIRING, 100, 60);
    alert_state_queue(state, entry, false, 100, 5, STR("7 \xc3\xa9\n\x7f of it"));
    (void)alert_state_entry(state, ALERT_RUN_FAILED, STR("a\nb\x80"));
    buf_init(text, ALERT_STATE_MAX_BYTES, NULL);
    alert_state_print(state, text);
    CHECK(!text->failed);
    return state;
}

TEST(alert_state_reads_back_what_it_printed)
{
    struct buf text;
    struct buf again;
    struct alert_state *state = new_filled_state(&text);
    struct alert_state *read = new_state();
    CHECK_INT(CCD_OK, alert_state_parse(read, buf_str(&text), NULL));
    buf_init(&again, ALERT_STATE_MAX_BYTES, NULL);
    alert_state_print(read, &again);
    CHECK(str_equal(buf_str(&text), buf_str(&again)));
    CHECK_INT(1, read->pending[0].id);
    CHECK_TEXT("spot_ohlcv 1d", read->pending[0].subject);
    CHECK_TEXT("7 \xc3\xa9?? of it", read->pending[0].detail);
    CHECK_INT(100, read->entries[0].history.opened_utc_s);
    CHECK_TEXT("a?b?", read->entries[1].subject);
    buf_release(&text);
    buf_release(&again);
    mem_free(NULL, state);
    mem_free(NULL, read);
}

TEST(alert_state_refuses_every_cut_and_every_changed_byte)
{
    struct buf text;
    struct alert_state *state = new_filled_state(&text);
    for (size_t i = 0; i < text.len; i++) {
        CHECK_INT(CCD_BAD_REPLY, alert_state_parse(state, (struct str){text.data, i}, NULL));
        text.data[i] ^= 1;
        CHECK_INT(CCD_BAD_REPLY, alert_state_parse(state, buf_str(&text), NULL));
        text.data[i] ^= 1;
    }
    CHECK_INT(0, state->entry_count);
    CHECK_INT(CCD_OK, alert_state_parse(state, buf_str(&text), NULL));
    buf_release(&text);
    mem_free(NULL, state);
}

TEST(alert_state_keeps_a_notice_until_every_receiver_has_it)
{
    struct buf text;
    struct alert_state *state = new_filled_state(&text);
    alert_state_delivered(state, 1, 0);
    alert_state_delivered(state, 2, 2);
    CHECK_INT(1, state->pending_count);
    CHECK_INT(4, state->pending[0].receivers);
    alert_state_delivered(state, 1, 2);
    CHECK_INT(0, state->pending_count);
    alert_state_queue(state, &state->entries[0], true, 100, 1, STR(""));
    CHECK_INT(2, state->pending[0].id);
    buf_release(&text);
    mem_free(NULL, state);
}

TEST(alert_state_is_bounded)
{
    struct alert_state *state = new_state();
    char subject[200];
    char detail[2 * ALERT_DETAIL_BYTES];
    memset(subject, 'x', sizeof subject);
    memset(detail, 'y', sizeof detail);
    for (int i = 0; i <= ALERT_ENTRIES_MAX; i++) {
        (void)str_print(subject, 5, "%04d", i);
        subject[4] = 'x';
        struct alert_entry *entry = alert_state_entry(state, ALERT_CONSECUTIVE_FAILURES,
                                                      (struct str){subject, sizeof subject});
        CHECK(i == ALERT_ENTRIES_MAX ? entry == NULL : entry != NULL);
        if (entry) {
            entry->history = (struct alert_history){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                                                    true};
            alert_state_queue(state, entry, false, INT64_MAX, UINT64_MAX,
                              (struct str){detail, sizeof detail});
        }
    }
    CHECK_INT(ALERT_PENDING_MAX, state->pending_count);
    CHECK_INT(ALERT_ENTRIES_MAX - ALERT_PENDING_MAX + 1, state->pending[0].id);
    struct buf text;
    buf_init(&text, ALERT_STATE_MAX_BYTES, NULL);
    alert_state_print(state, &text);
    CHECK(!text.failed);
    CHECK_INT(CCD_OK, alert_state_parse(state, buf_str(&text), NULL));
    state->entries[7].history.opened_utc_s = 0;
    CHECK(alert_state_entry(state, ALERT_STALE, STR("new")) == &state->entries[7]);
    buf_release(&text);
    mem_free(NULL, state);
}
