/* hooks.c - who is called from below: hooks.h. */
#include "gort/hooks.h"
#include "gort/dying.h"
#include "gort/observe/dying.h"

void hooks_install(void)
{
    dying_report = dying_print;
}
