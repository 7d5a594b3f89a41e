/* services.c - see services.h. */
#include "gort/capp/services.h"
#include "gort/capp/cgoroutine.h"
#include "gort/sched/background.h"

/* From the start: main may run, and a service be due, before services_start. */
static struct cg_event due = CG_EVENT_INIT("services");

struct call { void (*fn)(void); };

static void call(void *what) { ((struct call *)what)->fn(); }

static void run_services(void *unused)
{
    (void)unused;
    for (;;) {
        cg_event_wait(&due);
        for (unsigned i = 0; i < BACKGROUND_JOBS; i++) {
            struct call c = { background_take(i) };
            if (c.fn)
                cg_call(&c, call);
        }
    }
}

void services_due(void) { cg_event_set(&due); }

void services_start(void) { g_ready_tail(g_new_c(run_services, NULL, 0, true)); }
