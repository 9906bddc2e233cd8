#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/log_file.h"
#include "cli/log_line.h"
#include "cli/log_sink.h"
#include "test.h"

enum { NOW = 1767268800 };

static const struct ccd_log_line LINE = {
    .level = CCD_LOG_WARNING,
    .text = "two\nlines \033[2J \"quoted\"",
    .run_id = "run-7",
    .data_type = "spot_ohlcv",
    .interval = "1d",
    .market = "kraken",
    .instrument = "BTC\xE2\x80\xAE",
};

static void check_line(enum log_form form, bool with_run, const char *expected)
{
    struct buf text;
    buf_init(&text, 4096, NULL);
    log_line_add(&text, form, &LINE, NOW, with_run);
    CHECK_TEXT(expected, buf_str(&text).ptr);
    buf_release(&text);
}

TEST(log_line_forms)
{
    check_line(LOG_FORM_TEXT, false,
               "2026-01-01T12:00:00Z WARNING spot_ohlcv 1d kraken BTC\\u202e: two\\x0alines "
               "\\x1b[2J \"quoted\"");
    check_line(LOG_FORM_TEXT, true,
               "2026-01-01T12:00:00Z WARNING [run-7] spot_ohlcv 1d kraken BTC\\u202e: "
               "two\\x0alines \\x1b[2J \"quoted\"");
    check_line(LOG_FORM_JOURNAL, false,
               "<4>spot_ohlcv 1d kraken BTC\\u202e: two\\x0alines \\x1b[2J \"quoted\"");
    check_line(LOG_FORM_JSON, false,
               "{\"time\": \"2026-01-01T12:00:00Z\",\"level\": \"WARNING\",\"message\": "
               "\"two\\nlines \\u001b[2J \\\"quoted\\\"\",\"run\": \"run-7\",\"data_type\": "
               "\"spot_ohlcv\",\"interval\": \"1d\",\"market\": \"kraken\",\"instrument\": "
               "\"BTC\\u202e\"}");
}

struct folder {
    char path[64];
    char file[128];
};

static void folder_open(struct folder *f)
{
    strcpy(f->path, "log-test-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL);
    snprintf(f->file, sizeof f->file, "%s/logs/deep/a.log", f->path);
}

static void folder_remove(struct folder *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    CHECK_INT(0, system(command));
}

static void read_file(const struct folder *f, const char *suffix, char out[256])
{
    char path[160];
    snprintf(path, sizeof path, "%s%s", f->file, suffix);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(out, 1, 255, file) : 0;
    out[len] = '\0';
    if (file)
        fclose(file);
    else
        strcpy(out, "(none)");
}

static void check_file(const struct folder *f, const char *suffix, const char *expected)
{
    char text[256];
    read_file(f, suffix, text);
    CHECK_TEXT(expected, text);
}

TEST(log_file_makes_its_folders_and_keeps_so_many_backups)
{
    struct folder f;
    struct log_file log;
    struct ccd_error err = {0};
    struct stat st;
    folder_open(&f);
    CHECK_INT(0, log_file_init(&log, str_from(f.file), 12, 2, &err));
    CHECK_INT(0, log_file_write(&log, STR("one\n"), &err));
    CHECK_INT(0, log_file_write(&log, STR("two\n"), &err));
    check_file(&f, "", "one\ntwo\n");
    CHECK_INT(0, log_file_write(&log, STR("three\n"), &err));
    CHECK_INT(0, log_file_write(&log, STR("four\n"), &err));
    CHECK_INT(0, log_file_write(&log, STR("longer than a file\n"), &err));
    check_file(&f, "", "longer than a file\n");
    check_file(&f, ".1", "three\nfour\n");
    check_file(&f, ".2", "one\ntwo\n");
    CHECK_INT(0, log_file_write(&log, STR("six\n"), &err));
    check_file(&f, ".2", "three\nfour\n");
    check_file(&f, ".3", "(none)");
    CHECK_INT(0, stat(f.file, &st));
    CHECK_INT(0, st.st_mode & 077);
    log_file_close(&log);
    folder_remove(&f);
}

TEST(log_file_follows_its_name_and_no_link)
{
    struct folder f;
    struct log_file log;
    struct ccd_error err = {0};
    char moved[160];
    folder_open(&f);
    CHECK_INT(0, log_file_init(&log, str_from(f.file), 1000, 0, &err));
    CHECK_INT(0, log_file_write(&log, STR("one\n"), &err));
    snprintf(moved, sizeof moved, "%s.moved", f.file);
    CHECK_INT(0, rename(f.file, moved));
    CHECK_INT(0, log_file_write(&log, STR("two\n"), &err));
    check_file(&f, "", "two\n");
    check_file(&f, ".moved", "one\n");
    CHECK_INT(0, unlink(f.file));
    CHECK_INT(0, symlink("a.log.moved", f.file));
    CHECK_INT(CCD_DISK, log_file_write(&log, STR("three\n"), &err));
    check_file(&f, ".moved", "one\n");
    log_file_close(&log);
    folder_remove(&f);
}

/* What the sink leaves on the console and in the file. */
static void sink_lines(const struct log_settings *settings, struct folder *f, char out[256])
{
    struct log_sink sink;
    struct log_file log;
    struct ccd_error err = {0};
    char *console_text = NULL;
    size_t console_len = 0;
    struct console console = {.err = open_memstream(&console_text, &console_len)};
    CHECK_INT(0, log_file_init(&log, str_from(f->file), 1 << 20, 1, &err));
    log_sink_init(&sink, &console);
    log_sink_write(&sink, &(struct ccd_log_line){.level = CCD_LOG_INFO, .text = "held"});
    log_sink_start(&sink, settings, &log);
    log_sink_write(&sink, &(struct ccd_log_line){.level = CCD_LOG_DEBUG, .text = "fine"});
    log_sink_write(&sink,
                   &(struct ccd_log_line){
                       .level = CCD_LOG_ERROR, .text = "told", .market = "m", .is_reported = true});
    log_sink_close(&sink);
    fclose(console.err);
    snprintf(out, 256, "%s", console_text);
    free(console_text);
}

static int count(const char *text, const char *part)
{
    int found = 0;
    while ((text = strstr(text, part)) != NULL) {
        found++;
        text += strlen(part);
    }
    return found;
}

TEST(log_sink_keeps_for_the_file_what_the_report_says)
{
    struct folder f;
    char console[256], file[256];
    struct log_settings settings = {
        .threshold = CCD_LOG_INFO, .console_enabled = true, .file_enabled = true};
    folder_open(&f);
    sink_lines(&settings, &f, console);
    CHECK_INT(1, count(console, "INFO held\n"));
    CHECK_INT(1, count(console, "\n"));
    read_file(&f, "", file);
    CHECK_INT(1, count(file, "INFO held\n"));
    CHECK_INT(1, count(file, "ERROR m: told\n"));
    CHECK_INT(2, count(file, "\n"));
    settings.console_enabled = false;
    sink_lines(&settings, &f, console);
    CHECK_TEXT("", console);
    folder_remove(&f);
}

TEST(log_sink_goes_on_without_a_file)
{
    struct folder f;
    char console[256];
    const struct log_settings settings = {
        .threshold = CCD_LOG_INFO, .console_enabled = true, .file_enabled = true};
    folder_open(&f);
    strcpy(f.file, "/dev/null/a.log");
    sink_lines(&settings, &f, console);
    CHECK_INT(1, count(console, "INFO held\n"));
    CHECK_INT(1, count(console, "cannot open the log file /dev/null/a.log"));
    CHECK_INT(2, count(console, "\n"));
    folder_remove(&f);
}

static void info(struct log_sink *sink, const char *text)
{
    log_sink_write(sink, &(struct ccd_log_line){.level = CCD_LOG_INFO, .text = text});
}

TEST(log_sink_comes_back_to_its_file)
{
    struct folder f;
    struct log_sink sink;
    struct log_file log;
    struct ccd_error err = {0};
    char *console_text = NULL, file[256];
    size_t console_len = 0;
    struct console console = {.err = open_memstream(&console_text, &console_len)};
    const struct log_settings settings = {
        .threshold = CCD_LOG_INFO, .console_enabled = true, .file_enabled = true};
    folder_open(&f);
    snprintf(f.file, sizeof f.file, "%s/a.log", f.path);
    CHECK_INT(0, log_file_init(&log, str_from(f.file), 1 << 20, 1, &err));
    log_sink_init(&sink, &console);
    log_sink_start(&sink, &settings, &log);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(0, mkdir(f.file, 0700)); /* where the file belongs */
        info(&sink, "one");
        info(&sink, "two");
        CHECK_INT(0, rmdir(f.file));
        info(&sink, "three");
        read_file(&f, "", file);
        CHECK(strstr(file, "INFO three\n") && !strstr(file, "INFO two"));
        unlink(f.file);
    }
    log_sink_close(&sink);
    fclose(console.err);
    CHECK_INT(2, count(console_text, "cannot open the log file"));
    free(console_text);
    folder_remove(&f);
}

TEST(log_sink_cuts_a_flood_but_no_error)
{
    struct log_sink sink;
    char *text = NULL;
    size_t len = 0;
    struct console console = {.err = open_memstream(&text, &len)};
    const struct log_settings settings = {.threshold = CCD_LOG_INFO, .console_enabled = true};
    log_sink_init(&sink, &console);
    log_sink_start(&sink, &settings, &(struct log_file){.fd = -1});
    for (int i = 0; i < 20000; i++)
        log_sink_write(&sink, &(struct ccd_log_line){.level = CCD_LOG_INFO, .text = "flood"});
    log_sink_write(&sink, &(struct ccd_log_line){.level = CCD_LOG_ERROR, .text = "error"});
    log_sink_close(&sink);
    fclose(console.err);
    CHECK(count(text, "flood") < 20000);
    CHECK_INT(1, count(text, "ERROR error"));
    CHECK(count(text, "log lines of one second were left out") >= 1);
    free(text);
}
