/* Takes as many blocks as it is told, gives back all but one: what the shim has to see. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 0;
    void *volatile block = NULL;
    for (int i = 0; i < count; i++) {
        free(block);
        block = malloc(16);
    }
    block = NULL;
    return 0;
}
