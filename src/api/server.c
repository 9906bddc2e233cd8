/* The listener as the settings have it. */
#include <ccdata/serve.h>

#include "api/client.h"

enum { NAMES_MAX = 32 };

int ccd_server_start_configured(struct ccd_client *client, struct ccd_server **out_server,
                                struct ccd_error *err)
{
    const struct config *c = client->config;
    const struct str *names = NULL;
    const char *texts[NAMES_MAX];
    size_t count = config_list(c, CONFIG_CCDATA_SERVE_NAMES, &names);
    if (count > NAMES_MAX)
        return error_set(err, CCD_CONFIG, "CCDATA_SERVE_NAMES has more than %d names", NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        texts[i] = names[i].ptr;
    const struct ccd_server_options options = {
        .size = sizeof(options),
        .host = config_text(c, CONFIG_PROMETHEUS_HOST).ptr,
        .port = (int)config_i64(c, CONFIG_PROMETHEUS_PORT),
        .token = config_secret(c, CONFIG_CCDATA_SERVE_TOKEN).ptr,
        .names = texts,
        .name_count = count,
    };
    return ccd_server_start(&options, out_server, err);
}
