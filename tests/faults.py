#!/usr/bin/env python3
"""Which test shows that which fault is survived: the table, the check that it is true, and the page made from it.

  faults.py check RESULTS            every test of the table is there and passed in the run that wrote RESULTS (run.py does)
  faults.py page RESULTS             write docs/internals/faults.md from it
  faults.py stale                    the page lists what the table lists

A test is named as it is defined: TEST(name) or CONTRACT(name) in tests/unit, test_name in tests/e2e, "sim NAME" for a fault that the
simulator injects. A row without tests says why.
"""
import datetime
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/internals/faults.md"
DASHBOARD = "comes with the page"

# (id, of the floor, fault, tests[, what is not shown, and why])
FAULTS = [
    ("N1", False, "names that do not resolve", "unknown_host test_nobody_at_the_port"),
    ("N2", False, "an address that changes in mid-run", "address_that_changes_is_looked_up_again_after_a_failure"),
    ("N3", True, "connections refused or swallowed", "no_connection total_deadline sim REFUSED sim LOST_REQUEST"),
    ("N4", True, "reset at each byte of a reply", "cut_by_reset_at_every_byte sim RESET"),
    ("N5", True, "accepted, then silence", "too_slow total_deadline sim LOST_REPLY"),
    ("N6", False, "a byte at a time", "byte_by_byte too_slow sim SLOW"),
    ("N7", False, "a kept connection closed before its reuse",
     "connection_closed_before_reuse tls_connection_closed_before_reuse test_a_dead_connection_costs_exactly_what_is_reported"),
    ("N8", True, "certificates and protocols that prove nothing", "tls_bad_certificates tls_bad_peers test_certificates_that_prove_nothing"),
    ("N9", True, "an outage of minutes, hours, days",
     "sim OUTAGE breaker_probe_slot_is_freed_on_every_way_out session_breaker_lets_one_probe_out session_long_outage_ends_the_run"),
    ("H1", True, "429 with Retry-After", "test_retry_after_is_obeyed session_429_pauses_the_key session_429_is_not_a_failed_attempt sim THROTTLED"),
    ("H2", True, "Retry-After as a date, or odd",
     "headers_read_retry_after_in_both_forms headers_measure_a_retry_date_against_the_senders_clock test_an_endless_retry_after_ends_the_run "
     "sim THROTTLED"),
    ("H3", True, "429 without a time", "session_429_without_a_time_waits_a_second_at_least session_429_waits_for_the_violated_window sim THROTTLED"),
    ("H4", True, "an error in a 200",
     "reply_classifies_by_status_then_text_then_number test_refused_replies_leave_nothing sim ERROR_IN_200 sim THROTTLED_IN_200"),
    ("H5", True, "a key revoked in mid-run", "test_key_revoked_in_mid_run session_bad_key_stops_at_once sim KEY_REVOKED"),
    ("H6", True, "one instrument unknown", "test_one_bad_series_of_several session_bad_series_is_skipped_and_others_go_on sim DELISTED"),
    ("H7", True, "bursts of 5xx", "retry_budget_adds_at_most_a_share session_failure_is_retried_with_backoff_and_given_up sim SERVER_ERROR"),
    ("H8", True, "bodies cut short", "body_shorter_than_declared cut_by_close_at_every_byte body_without_an_end sim TRUNCATED"),
    ("H9", False, "gzip that is cut, damaged, a bomb",
     "inflate_refuses_a_body_that_is_cut_at_any_byte inflate_refuses_damage_in_any_byte_that_matters reply_refuses_a_bomb sim DAMAGED sim H9_REFUSED"),
    ("H10", False, "a page of HTML with 200", "test_refused_replies_leave_nothing sim HTML sim H10_REFUSED"),
    ("H11", True, "redirects", "test_redirects_are_not_followed one_request_whatever_the_status"),
    ("H12", True, "empty bodies, 204, an empty list in the middle of history",
     "test_an_empty_list_is_no_proof session_empty_list_is_asked_in_halves empty_replies sim EMPTY_LIST sim NO_CONTENT"),
    ("H13", False, "the answer to another request",
     "judge_wrong_echoes_refuse_the_page excess_is_not_the_next_reply sim OTHER_SERIES sim OTHER_WINDOW sim H13_REFUSED"),
    ("H14", True, "a restart within a window", "server_shared_file_and_crashes processes_killed_while_drawing_lose_no_permit sim CRASH"),
    ("H15", True, "sends that arrive closer than they were sent", "limiter_window_opens_just_after_the_oldest_reply sim LATE_ARRIVAL sim SLOW"),
    ("H16", False, "several processes or hosts on one key",
     "test_three_processes_share_the_quota test_many_processes_stay_within_fixed_windows_and_use_them processes_keep_one_window_together "
     "server_foreign_calls"),
    ("H17", False, "a smaller plan than configured", "server_smaller_plan limiter_headers_lower_the_limit sim LOWER_LIMIT"),
    ("J1", True, "JSON cut at every byte", "page_that_is_cut_at_any_byte_is_refused sim TRUNCATED sim J1_REFUSED"),
    ("J2", False, "text that is no text",
     "page_reads_long_and_escaped_texts_in_every_row page_refuses_a_nul_byte_wherever_it_stands str_utf8_validity "
     "decoder_and_jansson_agree_on_generated_documents sim J2_REFUSED"),
    ("J3", True, "too deep, too large, too many",
     "page_takes_a_depth_of_32_and_no_more page_takes_as_many_rows_as_asked_for_and_no_more page_takes_a_text_of_a_mebibyte_and_no_more body_cap sim J3_REFUSED"),
    ("J4", True, "numbers at the edge",
     "number_takes_what_the_grammar_allows number_rounds_hard_cases_like_strtod number_rounds_two_million_random_tokens_like_strtod "
     "page_refuses_bad_numbers_on_the_fast_path sim J4_REFUSED sim ODD_NUMBERS"),
    ("J5", True, "members twice, unknown, absent, of another type",
     "page_refuses_records_and_says_where page_counts_unknown_members_and_names_the_first page_takes_records_in_every_legal_form sim J5_REFUSED sim NEW_KEYS"),
    ("J6", False, "a locale with a decimal comma", "number_ignores_the_locale"),
    ("D1", True, "the open candle in a reply", "judge_open_period_is_dropped judge_open_bucket_behind_the_window_is_dropped sim OPEN_ROW"),
    ("D2", True, "a young candle from the vendor's cache", "test_young_candles_are_looked_at_again judge_provisional_and_final sim STALE_DATE"),
    ("D3", True, "restated candles",
     "test_a_restated_value_is_found_by_the_call_for_the_next_day test_repair_of_all_finds_every_restatement_and_keeps_what_the_vendor_lost "
     "test_what_the_vendor_says_now older_version_does_not_overwrite_a_newer"),
    ("D4", False, "a candle that comes days later",
     "test_a_candle_that_comes_late_is_found test_a_confirmed_hole_is_asked_again_ever_more_rarely_when_nothing_else_is"),
    ("D5", True, "a gap of the market, or a lost page",
     "test_holes_are_asked_again_and_confirmed judge_hole_is_confirmed_after_an_hour_and_not_before test_no_trade_rows_have_null_trade_fields"),
    ("D6", True, "pages that overlap or leave a period out", "test_calls_are_the_fewest_possible plan_agrees_with_brute_force judge_random_pages sim OLDER_ROW sim EDGE_LOST"),
    ("D7", False, "a period twice in a page",
     "judge_equal_duplicates_collapse judge_conflicting_duplicates_keep_the_larger_in_any_order sim DUPLICATED"),
    ("D8", True, "rows in any order", "judge_shuffled_rows sim SHUFFLED"),
    ("D9", True, "the same page for ever", "judge_only_younger_rows_are_refused lists_whose_pages_are_all_the_same_end_with_the_second sim OTHER_WINDOW sim STUCK"),
    ("D10", True, "times that cannot be", "judge_absurd_times_refuse_the_page times_before_1970_and_after_2038 time_rounding_at_the_ends sim D10_REFUSED"),
    ("D11", False, "impossible prices and volumes",
     "test_impossible_records_are_set_apart test_what_the_database_alone_shows rejected_rows_are_not_stored"),
    ("D12", True, "time zones",
     "test_mariadb_equals_sqlite_in_every_time_zone test_postgres_equals_sqlite_in_every_time_zone rows_on_a_lax_server_of_another_zone"),
    ("D13", False, "names that move, look alike, or are long",
     "mapped_id_moves_to_another_series names_differ_by_case longest_names_are_kept awkward_names_are_kept"),
    ("D14", False, "a list that shrank", "test_a_list_shrinks_by_a_fifth_and_no_more list_that_shrinks_too_much_is_refused"),
    ("D15", False, "history deeper than expected, or none", "session_unknown_start_is_fetched_one_by_one session_start_by_404_ends_the_series"),
    ("B1", True, "down at the start, or a wrong password",
     "test_server_that_is_not_there test_wrong_password_is_said_and_kept_secret test_databases_that_cannot_be_used"),
    ("B2", True, "killed at any statement", "test_mariadb_killed test_postgres_killed the_server_dies_at_each_step a_server_that_is_killed sim UNREACHABLE"),
    ("B3", True, "a commit without an answer",
     "test_mariadb_commit_without_an_answer test_postgres_commit_without_an_answer test_mariadb_commit_lost test_postgres_commit_lost "
     "sim UNKNOWN_APPLIED sim UNKNOWN_LOST"),
    ("B4", True, "a server that became read-only", "a_read_only_server a_server_that_is_read_only hosts_in_order hosts_are_tried_in_order"),
    ("B5", True, "deadlocks, lock time-outs, busy",
     "a_deadlock rows_locked_by_others_are_busy writers_in_opposite_orders_both_end session_rolled_back_commit_is_repeated sim BUSY"),
    ("B6", True, "a row or a right that is refused",
     "session_refused_row_skips_the_series session_missing_permission_ends_the_run_at_once a_reader_cannot_write sim ROW_REFUSED"),
    ("B7", False, "statements that are too large", "rows_within_a_small_packet a_row_larger_than_the_packet largest_page_of_the_widest_type"),
    ("B8", True, "values that are changed in silence",
     "a_bad_value_is_refused rows_on_a_lax_server_of_another_zone test_selftest_finds_a_database_that_changes_values a_row_that_a_trigger_swallows"),
    ("B9", True, "tables of another shape", "test_every_difference_is_named test_a_shape_that_does_not_fit_is_refused a_table_of_another_form"),
    ("B10", False, "counts of affected rows that differ", "affected_rows rows_that_a_statement_took"),
    ("B11", False, "a slow database", "session_slow_store_holds_the_fetching_back sim SLOW_COMMIT"),
    ("B12", True, "a reader that pins the log of SQLite", "test_a_reader_that_stays_does_not_keep_the_log_of_sqlite"),
    ("B13", False, "somebody else changes our rows", "test_rows_that_somebody_deleted_come_back test_what_the_database_alone_shows"),
    ("C1", True, "Redis down, slow, refusing",
     "test_servers_that_are_dead_slow_or_refuse cache_server_that_is_silent_costs_its_deadline_once cache_server_that_is_away "
     "test_a_server_that_cannot_prove_its_name_is_not_used session_answers_from_a_cache_say_nothing_of_the_vendor"),
    ("C2", False, "an entry that is damaged or foreign",
     "cache_entry_that_is_damaged_anywhere_is_a_miss cache_entry_of_another_key_is_a_miss test_the_same_with_every_back_end_and_none "
     "cache_entry_with_the_right_check_sum_is_a_miss_when_it_is_not_ours"),
    ("C3", False, "Redis full, read-only, moving", "cache_answers_that_are_none_are_misses test_servers_that_are_dead_slow_or_refuse test_what_a_server_refuses_alone_costs_nothing_else"),
    ("C4", True, "killed between cache and commit", "test_killed_between_commit_and_cache"),
    ("C5", False, "an error or an open candle in the cache", "test_open_periods_holes_and_errors_are_not_kept "
     "test_a_cache_keeps_no_list_that_was_not_taken_whole test_what_is_too_old_or_from_the_future_is_not_used test_a_repair_renews_what_the_cache_has"),
    ("C6", False, "keys without end", "cache_in_memory_drops_what_was_used_longest_ago cache_is_bounded_in_bytes cache_is_bounded_in_files"),
    ("G1", True, "settings unknown, twice, out of range",
     "config_unknown_names_in_a_file config_messages_name_variable_value_source_range test_wrong_input test_config_prints_what_holds"),
    ("G2", True, "files of settings that are no files of settings", "config_bad_files env_refused_lines env_file_limit"),
    ("G3", False, "a key with white space", "key_refused value_secrets"),
    ("P1", True, "killed before, in and after each write",
     "test_every_point test_killed_anywhere_resumes_without_loss test_clients_of_mariadb_killed test_clients_of_postgres_killed sim CRASH_IN_COMMIT"),
    ("P2", True, "interrupted at any moment, twice",
     "test_ctrl_c_commits_and_resumes test_signals_end_every_wait test_a_lock_of_somebody_else_does_not_hold_up_the_end test_copy_interrupted session_stop_drains_what_is_in_flight sim STOP"),
    ("P3", True, "an allocation that fails",
     "test_every_point records_survive_every_failed_allocation batch_survives_every_failed_allocation inflate_survives_failed_allocations "
     "page_allocates_for_texts_only_and_survives_failure memory_runs_out"),
    ("P4", True, "a call of the C library that fails", "test_every_point ledger_write_that_fails interim_replies"),
    ("P5", False, "out of descriptors, memory, file size, stack", "test_a_full_disk_is_an_error_not_a_death test_no_descriptors_left"),
    ("P6", True, "killed while recovering", "sim CRASH test_every_point test_killed_anywhere_resumes_without_loss"),
    ("P7", True, "a second instance, and locks of the dead",
     "lock_is_held_by_another_process_until_its_death a_killed_holder_lets_go a_lock_of_a_process_that_is_killed "
     "test_two_processes_exclude_each_other"),
    ("P8", False, "an older or a newer schema", "sqlite_processes_migrate_one_database status_of_an_older_schema_is_healthy"),
    ("K1", True, "a full disk", "test_a_full_disk_is_an_error_not_a_death test_a_log_that_cannot_be_written_ends_no_run session_full_disk_stops sim DISK_FULL"),
    ("K2", True, "read, write or fsync fails", "test_every_point ledger_write_that_fails session_full_disk_stops"),
    ("K3", True, "a power cut", "sim POWER_CUT sim DATABASE_KILLED sim KILLED_RECOVERING"),
    ("K4", False, "folders that cannot be written, or are links",
     "test_places_that_cannot_hold_state log_file_follows_its_name_and_no_link ledger_refuses_what_is_not_its_file "
     "test_only_a_regular_file_is_replaced"),
    ("K5", False, "files with flipped bits", "ledger_survives_noise ledger_corrupt_file_is_set_aside test_databases_that_cannot_be_used"),
    ("K6", False, "a log that is moved, or flooded",
     "log_file_follows_its_name_and_no_link log_sink_cuts_a_flood_but_no_error test_processes_share_a_file_line_by_line"),
    ("T1", True, "a clock that jumps", "ledger_wall_clock_jumps_while_it_runs limiter_clock_that_goes_back_frees_nothing sim CLOCK_JUMP "
     "test_a_clock_that_was_wrong_does_not_silence_it"),
    ("T2", True, "a clock ahead of the vendor's", "test_a_wrong_clock_is_not_complete judge_vendor_clock_far_behind sim HOST_AHEAD sim HOST_BEHIND"),
    ("T3", False, "a machine that slept", "limiter_long_pauses ledger_over_a_reboot"),
    ("T4", False, "fixed and sliding windows",
     "server_full_use_with_fixed_headers server_full_use_with_sliding_headers test_many_processes_stay_within_fixed_windows_and_use_them"),
    ("X1", True, "workers in any order", "sim SLOW writers_of_the_same_rows_converge pool_limits_hold_in_a_crowd"),
    ("X2", False, "full queues, and what is in flight at the end", "session_slow_store_holds_the_fetching_back session_stop_drains_what_is_in_flight"),
    ("X3", False, "scrapes in the middle of an update",
     "metrics_scraped_while_threads_count serve_never_shows_half_a_page test_load_slow_scrapers_see_whole_snapshots "
     "test_a_real_prometheus_scrapes_a_run"),
    ("S1", True, "clients that hold the listener",
     "test_slow_head_has_a_deadline test_load_ten_thousand_idle_sockets test_pipelining_is_answered_in_order_and_bounded "
     "test_heads_have_a_maximum test_bad_chunks test_ambiguous_lengths_are_refused test_odd_headers_are_refused test_methods "
     "test_versions test_load_bytes_that_are_no_http test_load_readers_that_stop_reading_are_ended test_one_peer_takes_few_places"),
    ("S2", True, "rebinding of names", "test_twenty_hosts_on_every_route"),
    ("S3", False, "requests across sites", "test_other_sites_are_refused test_token test_other_addresses_need_a_token"),
    ("S4", True, "scripts in names", "", DASHBOARD),
    ("S5", False, "paths that climb", "test_paths_reach_no_file"),
    ("S6", False, "lines and escapes in names", "test_hostile_names_reach_json_unharmed_and_terminals_harmless log_line_forms "
     "test_nothing_sent_comes_back_in_a_header test_hostile_names_become_no_labels "
     "alert_body_slack_has_no_mention_and_no_line_from_outside alert_body_discord_has_no_mention_no_link_and_no_mark_up"),
    ("S7", True, "SQL in names", "test_hostile_names awkward_names_are_kept dialect_upserts_take_names_of_ours_only"),
    ("S8", True, "requests in names", "test_hostile_names_in_requests request_candles_encodes_names request_path_refused"),
    ("S9", True, "secrets in what is written",
     "test_no_way_to_run_shows_a_secret test_masked_behind_any_prefix test_the_process_hides_them test_secrets_are_masked_in_what_others_wrote "
     "test_each_credential_goes_where_it_must_and_nowhere_else test_every_secret_is_known_here redact_masks_to_the_end_of_the_secret"),
    ("S10", True, "hooks into private nets",
     "deliver_address_table deliver_connects_to_no_address_that_is_not_allowed deliver_never_goes_to_link_local_or_plain_to_others "
     "deliver_judges_answers_and_follows_no_redirect deliver_refuses_other_schemes_and_line_ends test_addresses_and_redirects"),
    ("S11", False, "hooks that hang",
     "test_a_hook_that_hangs_does_not_delay_a_run test_told_once_until_it_is_resolved test_works_without_a_database_and_when_killed_while_sending "
     "test_a_hook_that_hangs_takes_no_time_of_the_others test_two_runs_that_end_together_tell_once test_many_operations_that_fail_make_few_notices "
     "alert_history_storm_of_failures_makes_one_notice alert_history_flapping_makes_one_pair_of_notices_in_a_cooldown deliver_ends_at_its_deadline"),
    ("S12", False, "a vendor without end", "test_answers_without_an_end header_cap body_cap lists_without_an_end_are_refused"),
    ("S13", False, "a server that asks for files", "a_rogue_server_gets_no_file files_are_never_read"),
    ("S14", False, "metrics without end", "metrics_are_bounded test_hostile_names_become_no_labels"),
]
NAME = re.compile(r"sim [A-Z_0-9]+|\w+")


def definitions():
    """name of a test -> the file that defines it."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in (".c", ".h", ".py") or "fuzz" in path.parts:
            continue
        text = path.read_text(errors="replace")
        for name in re.findall(r"^(?:TEST|CONTRACT|SQL_CONTRACT|SERVER_CONTRACT)\((\w+)", text, re.M):
            found.setdefault(name, path)
        for name in re.findall(r"^def (test_\w+)", text, re.M):
            found.setdefault(name, path)
        if path.name == "tables.h":
            found.update({f"sim {name}": path.with_suffix(".c") for name in re.findall(r"^    X\(([A-Z_0-9]+),", text, re.M)})
    return found


def rows():
    for fault, floor, what, tests, *note in FAULTS:
        yield fault, floor, what, NAME.findall(tests), "".join(note)


def state_of(test, path, results):
    """"passed", or what is wrong: a program has passed when no test of it failed and this one was not skipped."""
    programs = [name for name, result in results.items() if str(path) in result["sources"]]
    if not programs:
        return "did not run"
    if any(results[name]["failed"] for name in programs):
        return "failed"
    if any(test in skip for name in programs for skip in results[name]["skipped"]):
        return "skipped"
    return "passed"


def check(results):
    where = definitions()
    wrong = []
    for fault, _, _, tests, note in rows():
        if not tests and not note:
            wrong.append(f"{fault}: neither a test nor a reason")
        for test in tests:
            state = state_of(test, where[test], results) if test in where else "is not there"
            if state != "passed":
                wrong.append(f"{fault}: {test}: {state}")
    return wrong


def last_change(path):
    return subprocess.run(["git", "log", "-1", "--format=%h", "--", str(path)], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def summary():
    floor = [not note for _, is_floor, _, _, note in rows() if is_floor]
    return f"{sum(map(bool, floor))} of {len(floor)} faults of the floor shown in full, {sum(1 for row in rows() if row[3])} of {len(FAULTS)} in all"


def write_page(results):
    where = definitions()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    lines = ["# Faults and the tests that show them", "",
             f"Made by `make faults` from the run of {datetime.date.today()} at {commit}: {summary()}. ● = of the floor for a first release. The commit is",
             "the last one that changed the test's file. A test named `sim NAME` is a fault that the simulator injects in a random share of its lives.", "",
             "| | fault | test | commit | result |", "|---|---|---|---|---|"]
    for fault, floor, what, tests, note in rows():
        first = f"| {'●' if floor else ''}{fault} | {what}{f' ({note})' if note and tests else ''} |"
        if not tests:
            lines.append(f"{first} - | | {note} |")
        for test in tests:
            path = where[test]
            lines.append(f"{first} `{test}` | {last_change(path)} | {state_of(test, path, results)} |")
            first = "| | |"
    PAGE.write_text("\n".join(lines) + "\n")


def stale():
    """Whether the page names other faults and tests than the table."""
    named = re.findall(r"^\| [^|]*\| [^|]*\| (?:`([^`]+)`|-) \|", PAGE.read_text(), re.M) if PAGE.exists() else []
    wanted = [test for _, _, _, tests, _ in rows() for test in (tests or [""])]
    defined = definitions()
    missing = [f"{row[0]}: {test} is not there" for row in rows() for test in row[3] if test not in defined]
    return missing + (["docs/internals/faults.md is stale: run make faults"] if named != wanted else [])


def main():
    command = sys.argv[1]
    results = json.loads(pathlib.Path(sys.argv[2]).read_text()) if len(sys.argv) > 2 else {}
    if command == "page":
        write_page(results)
    wrong = stale() if command == "stale" else check(results)
    for line in wrong:
        print(line, file=sys.stderr)
    if command != "stale":
        print(summary())
    print(f"{0 if wrong else 1} passed, {1 if wrong else 0} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
