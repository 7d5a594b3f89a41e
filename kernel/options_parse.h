/* options_parse.h - for kernel_main and the host tests. */
#ifndef KERNEL_OPTIONS_PARSE_H
#define KERNEL_OPTIONS_PARSE_H

#include <stddef.h>
#include "kernel/options.h"

/* Applies words `name`, `name=value` of text (n bytes, or up to a NUL), separated by blanks
 * or newlines. Numbers: decimal or 0x; `memlimit` takes a suffix K, M, G. Each word that is
 * not understood is handed to bad(word, length). */
void options_apply(struct boot_options *o, const char *text, size_t n,
                   void (*bad)(const char *word, size_t len));

#endif
