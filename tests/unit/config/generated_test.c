/* The pages that are printed from the options table stand in the tree as printed. Run with
 * UPDATE_GENERATED=1 to write them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "test.h"

static void check_page(const char *path, const struct buf *expected)
{
    if (!CHECK(!expected->failed)) {
        return;
    }
    if (getenv("UPDATE_GENERATED")) {
        FILE *file = fopen(path, "w");
        if (CHECK(file != NULL)) {
            CHECK_INT(expected->len, fwrite(expected->data, 1, expected->len, file));
            CHECK_INT(0, fclose(file));
        }
        return;
    }
    FILE *file = fopen(path, "r");
    if (!file) {
        CHECK_TEXT(path, NULL);
        return;
    }
    struct buf actual;
    char piece[4096];
    size_t got;
    buf_init(&actual, 1 << 20, NULL);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        CHECK_INT(0, buf_add(&actual, piece, got));
    }
    CHECK_INT(0, fclose(file));
    if (!str_equal(buf_str(expected), buf_str(&actual))) {
        CHECK_TEXT("run this test with UPDATE_GENERATED=1", path);
    }
    buf_release(&actual);
}

TEST(generated_example_file)
{
    struct buf out;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(0, config_write_example(&out, NULL));
    check_page(SOURCE_ROOT "/.env.example", &out);
    buf_release(&out);
}

TEST(generated_reference_page)
{
    struct buf out;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(0, config_write_reference(&out));
    check_page(SOURCE_ROOT "/docs/reference/configuration.md", &out);
    buf_release(&out);
}

TEST(generated_example_loads_as_defaults)
{
    struct config_request request = {
        .directory = "/nonexistent", .env_file = SOURCE_ROOT "/.env.example", .strict = true};
    struct config *config = NULL;
    struct ccd_error err = {0};
    if (!CHECK_INT(0, config_load(&request, &config, &err))) {
        CHECK_TEXT("", err.message);
        return;
    }
    CHECK_INT(0, config_warning_count(config));
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        CHECK(!config_is_given(config, (enum config_id)id));
    }
    CHECK_STR("sqlite:ccdata.db", config_text(config, CONFIG_CCDATA_DATABASE_URL));
    config_free(config);
}

/* Whatever a value holds, the file gives it back. */
TEST(generated_file_with_values)
{
    static const char hostile[] = "postgresql://u@h/d'\"\\ #$ ${HOME} x";
    const char *values[CONFIG_COUNT] = {[CONFIG_CCDATA_API_KEY] = "k$e#y\"1",
                                        [CONFIG_S2_DATABASE] = hostile};
    char path[] = "/tmp/ccdata-env-XXXXXX";
    struct config_request request = {.directory = "/nonexistent", .env_file = path};
    struct config *config = NULL;
    struct ccd_error err = {0};
    struct buf out;
    buf_init(&out, 1 << 20, NULL);
    CHECK_INT(0, config_write_example(&out, values));
    int fd = mkstemp(path);
    CHECK(write(fd, out.data, out.len) == (ssize_t)out.len);
    close(fd);
    if (CHECK_INT(0, config_load(&request, &config, &err))) {
        CHECK_STR("k$e#y\"1", config_secret(config, CONFIG_CCDATA_API_KEY));
        CHECK_STR(hostile, config_text(config, CONFIG_S2_DATABASE));
    }
    unlink(path);
    config_free(config);
    buf_release(&out);
}

TEST(generated_pages_fail_whole)
{
    struct buf out;
    buf_init(&out, 1000, NULL);
    CHECK_INT(-1, config_write_example(&out, NULL));
    buf_clear(&out);
    CHECK_INT(-1, config_write_reference(&out));
    buf_release(&out);
}
