/* capp_env.h - what the environment says to the runtime, for programs in C: GOGC, GOMEMLIMIT,
 * GOTRACEBACK, GODEBUG, with Go's meanings (`go doc runtime`). A Go program reads them itself. */
#ifndef GORT_CAPP_CAPP_ENV_H
#define GORT_CAPP_CAPP_ENV_H

#include "gort/abi/app.h"

/* get: NULL for what is not set. NULL; or what the program is to end with, *value being the
 * malformed value. Pure. */
const char *capp_env(struct app_debug *d, const char *(*get)(const char *name),
                     const char **value);

#endif
