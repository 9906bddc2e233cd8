#include <string.h>

#include "config/options.h"
#include "config/value.h"
#include "test.h"

TEST(options_rows_are_sound)
{
    unsigned group = 0;
    for (unsigned id = 0; id < CONFIG_COUNT; id++) {
        const struct config_option *option = config_option((enum config_id)id);
        struct config_value value;
        const char *reason = NULL;
        CHECK(str_is_utf8(str_from(option->meaning)));
        CHECK(strlen(option->meaning) > 5 && option->meaning[strlen(option->meaning) - 1] != '.');
        CHECK(strlen(option->name) + 6 < CONFIG_NAME_BYTES);
        CHECK(option->group == group || option->group == group + 1); /* groups stand together */
        group = option->group;
        CHECK_INT(CCD_OK,
                  config_value_parse(&value, option, str_from(option->fallback), NULL, &reason));
        CHECK_TEXT(NULL, reason);
        config_value_release(&value, NULL);
        if (option->type == CONFIG_TYPE_SECRET || option->type == CONFIG_TYPE_PASSWORD) {
            CHECK_INT(CONFIG_SECRET, option->flags & CONFIG_SECRET);
            CHECK_TEXT("", option->fallback);
        }
        bool ranged = option->type == CONFIG_TYPE_INTEGER || option->type == CONFIG_TYPE_NUMBER ||
                      option->type == CONFIG_TYPE_SECONDS;
        CHECK(ranged ? option->least < option->most : option->least == 0 && option->most == 0);
        for (unsigned other = 0; other < id; other++) {
            CHECK(strcmp(option->name, config_option((enum config_id)other)->name) != 0);
        }
    }
    CHECK_INT(CONFIG_GROUP_COUNT - 1, group);
}

TEST(options_find)
{
    enum config_id id = CONFIG_COUNT;
    bool is_file = true;
    CHECK(config_option_find(STR("S2_PORT"), &id, &is_file));
    CHECK_INT(CONFIG_S2_PORT, id);
    CHECK(!is_file);
    CHECK(config_option_find(STR("CCDATA_API_KEY_FILE"), &id, &is_file));
    CHECK_INT(CONFIG_CCDATA_API_KEY, id);
    CHECK(is_file);
    CHECK(!config_option_find(STR("S2_PORT_FILE"), &id, &is_file)); /* no secret */
    CHECK(!config_option_find(STR("s2_port"), &id, &is_file));
    CHECK(!config_option_find(STR("_FILE"), &id, &is_file));
    CHECK(!config_option_find(STR(""), &id, &is_file));
}

TEST(options_nearest)
{
    char name[CONFIG_NAME_BYTES];
    CHECK_INT(2, config_option_nearest(STR("CCDATA_API_KYE"), name));
    CHECK_TEXT("CCDATA_API_KEY", name);
    CHECK_INT(0, config_option_nearest(STR("ccdata_api_key"), name));
    CHECK_TEXT("CCDATA_API_KEY", name);
    CHECK_INT(1, config_option_nearest(STR("CCDATA_API_KEY_FIL"), name));
    CHECK_TEXT("CCDATA_API_KEY_FILE", name);
    CHECK(config_option_nearest(STR("GRAFANA_ADMIN_USER"), name) > 2);
    char long_name[300];
    memset(long_name, 'A', sizeof long_name);
    CHECK_INT(255, config_option_nearest((struct str){long_name, sizeof long_name}, name));
}

TEST(options_range_texts)
{
    char out[128];
    CHECK_TEXT("1 to 64 requests",
               config_option_range(config_option(CONFIG_INGESTION_PARALLEL_WORKERS), out));
    CHECK_TEXT("1 to 65535", config_option_range(config_option(CONFIG_S2_PORT), out));
    CHECK_TEXT("text, json", config_option_range(config_option(CONFIG_LOG_FORMAT), out));
    CHECK_TEXT("", config_option_range(config_option(CONFIG_CCDATA_API_KEY), out));
    CHECK_TEXT("disabled, preferred, required, verify-ca, verify-identity",
               config_option_range(config_option(CONFIG_S2_SSL_MODE), out));
}
