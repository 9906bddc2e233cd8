/* Runs a fuzz target over the files of the folders that are named as arguments. */
#include <dirent.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 4096 };

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    uint8_t *bytes = malloc(INPUT_MAX_BYTES);
    size_t len = bytes ? fread(bytes, 1, INPUT_MAX_BYTES, file) : 0;
    bool is_whole = bytes && !ferror(file) && feof(file);
    fclose(file);
    if (is_whole)
        LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    return is_whole;
}

static void replay_folder(const char *folder, unsigned *passed, unsigned *failed)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        fprintf(stderr, "cannot read %s\n", folder);
        ++*failed;
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_MAX_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        if (str_print(path, sizeof path, "%s/%s", folder, entry->d_name) && replay_file(path)) {
            ++*passed;
        } else {
            fprintf(stderr, "cannot replay %s/%s\n", folder, entry->d_name);
            ++*failed;
        }
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    unsigned passed = 0;
    unsigned failed = 0;
    for (int i = 1; i < argc; i++)
        replay_folder(argv[i], &passed, &failed);
    failed += passed == 0;
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
