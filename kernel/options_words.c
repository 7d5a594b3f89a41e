/* options_words.c - the kernel's half of option parsing: options.c is pure. */
#include <string.h>
#include "kernel/options_parse.h"
#include "kernel/print.h"

static void unknown(const char *word, size_t n)
{
    kprintf("gort: boot option \"%.*s\" is not understood, ignored\n", (int)n, word);
}

void options_parse(const char *text)
{
    options_apply(&options, text, strlen(text), unknown);
}
