/* go_line.c - the release lines of Go whose programs this kernel runs. */
#include <string.h>
#include "gort/abi/goabi.h"

static const struct go_line lines[] = { GO_LINES };

/* Before a program is loaded there are no structures of a line to look into. */
const struct go_line *go_line;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

const struct go_line *go_line_of(const char *version, int64_t len)
{
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        int64_t n = (int64_t)strlen(lines[i].release);
        if (len >= n && memcmp(version, lines[i].release, (size_t)n) == 0 &&
            (len == n || !is_digit(version[n])))
            return &lines[i];
    }
    return NULL;
}
