/* mirror.c - C's structures against what the overlay declares of them, by way of goabi.h.
 *
 * Go code, the linker's DWARF and debuggers see the overlay's declarations. Nothing is compiled
 * here but comparisons. */
#include <stddef.h>
#include "gort/abi/goabi.h"
#include "gort/abi/app.h"
#include "gort/g.h"
#include "gort/hchan.h"
#include "gort/sched/mp.h"

#define SAME(type, field, macro) _Static_assert(offsetof(struct type, field) == (macro), #macro)

SAME(g, stack, OVERLAY_G_STACK);
SAME(g, stackguard0, OVERLAY_G_STACKGUARD0);
SAME(g, stackguard1, OVERLAY_G_STACKGUARD1);
SAME(g, panic, OVERLAY_G_PANIC);
SAME(g, defer, OVERLAY_G_DEFER);
SAME(g, m, OVERLAY_G_M);
SAME(g, sched, OVERLAY_G_SCHED);
SAME(g, goid, OVERLAY_G_GOID);
SAME(g, param, OVERLAY_G_PARAM);
SAME(g, labels, OVERLAY_G_LABELS);
SAME(g, coroarg, OVERLAY_G_COROARG);
SAME(g, bubble, OVERLAY_G_BUBBLE);
SAME(g, fips_indicator, OVERLAY_G_FIPS_INDICATOR);
SAME(g, paniconfault, OVERLAY_G_PANICONFAULT);
SAME(g, sigcode0, OVERLAY_G_SIGCODE0);
SAME(g, sigpc, OVERLAY_G_SIGPC);
SAME(g, writebuf, OVERLAY_G_WRITEBUF);
SAME(g, left_bits, OVERLAY_G_LEFT_BITS);
SAME(g, left_slots, OVERLAY_G_LEFT_SLOTS);

SAME(m, g0p, OVERLAY_M_G0);
SAME(m, curg, OVERLAY_M_CURG);
SAME(m, locks, OVERLAY_M_LOCKS);
SAME(m, dying, OVERLAY_M_DYING);
SAME(m, printlock, OVERLAY_M_PRINTLOCK);
SAME(m, mallocing, OVERLAY_M_MALLOCING);

SAME(sudog, g, OVERLAY_SUDOG_G);
SAME(sudog, next, OVERLAY_SUDOG_NEXT);
SAME(sudog, prev, OVERLAY_SUDOG_PREV);
SAME(sudog, elem, OVERLAY_SUDOG_ELEM);
SAME(sudog, acquiretime, OVERLAY_SUDOG_ACQUIRETIME);
SAME(sudog, releasetime, OVERLAY_SUDOG_RELEASETIME);
SAME(sudog, ticket, OVERLAY_SUDOG_TICKET);
SAME(sudog, is_select, OVERLAY_SUDOG_IS_SELECT);
SAME(sudog, success, OVERLAY_SUDOG_SUCCESS);
SAME(sudog, waiters, OVERLAY_SUDOG_WAITERS);
SAME(sudog, parent, OVERLAY_SUDOG_PARENT);
SAME(sudog, waitlink, OVERLAY_SUDOG_WAITLINK);
SAME(sudog, waittail, OVERLAY_SUDOG_WAITTAIL);
SAME(sudog, c, OVERLAY_SUDOG_C);

SAME(hchan, qcount, OVERLAY_HCHAN_QCOUNT);
SAME(hchan, dataqsiz, OVERLAY_HCHAN_DATAQSIZ);
SAME(hchan, buf, OVERLAY_HCHAN_BUF);
SAME(hchan, elemsize, OVERLAY_HCHAN_ELEMSIZE);
SAME(hchan, closed, OVERLAY_HCHAN_CLOSED);
SAME(hchan, sendx, OVERLAY_HCHAN_SENDX);
SAME(hchan, recvx, OVERLAY_HCHAN_RECVX);
SAME(hchan, recvq, OVERLAY_HCHAN_RECVQ);
SAME(hchan, sendq, OVERLAY_HCHAN_SENDQ);
SAME(hchan, lock, OVERLAY_HCHAN_LOCK);
_Static_assert(sizeof(struct hchan) == OVERLAY_HCHAN__SIZE, "hchan");

SAME(app_debug, clobberfree, OVERLAY_DEBUG_CLOBBERFREE);
SAME(app_debug, gccheckmark, OVERLAY_DEBUG_GCCHECKMARK);
SAME(app_debug, gcpacertrace, OVERLAY_DEBUG_GCPACERTRACE);
SAME(app_debug, gcshrinkstackoff, OVERLAY_DEBUG_GCSHRINKSTACKOFF);
SAME(app_debug, gcstoptheworld, OVERLAY_DEBUG_GCSTOPTHEWORLD);
SAME(app_debug, gctrace, OVERLAY_DEBUG_GCTRACE);
SAME(app_debug, invalidptr, OVERLAY_DEBUG_INVALIDPTR);
SAME(app_debug, scavtrace, OVERLAY_DEBUG_SCAVTRACE);
SAME(app_debug, scheddetail, OVERLAY_DEBUG_SCHEDDETAIL);
SAME(app_debug, schedtrace, OVERLAY_DEBUG_SCHEDTRACE);
SAME(app_debug, tracebackancestors, OVERLAY_DEBUG_TRACEBACKANCESTORS);
SAME(app_debug, asyncpreemptoff, OVERLAY_DEBUG_ASYNCPREEMPTOFF);
SAME(app_debug, inittrace, OVERLAY_DEBUG_INITTRACE);
SAME(app_debug, sbrk, OVERLAY_DEBUG_SBRK);
SAME(app_debug, checkfinalizers, OVERLAY_DEBUG_CHECKFINALIZERS);
SAME(app_debug, profstackdepth, OVERLAY_DEBUG_PROFSTACKDEPTH);
SAME(app_debug, dontfreezetheworld, OVERLAY_DEBUG_DONTFREEZETHEWORLD);
SAME(app_debug, gotraceback, OVERLAY_DEBUG_GOTRACEBACK);
SAME(app_debug, gogc, OVERLAY_DEBUG_GOGC);
SAME(app_debug, labelform, OVERLAY_DEBUG_LABELFORM);
SAME(app_debug, memlimit, OVERLAY_DEBUG_MEMLIMIT);
SAME(app_debug, panicnil, OVERLAY_DEBUG_PANICNIL);
SAME(app_debug, asynctimerchan, OVERLAY_DEBUG_ASYNCTIMERCHAN);
SAME(app_debug, tracebacklabels, OVERLAY_DEBUG_TRACEBACKLABELS);

_Static_assert(STACK_GUARD == GO_STACK_GUARD && STACK_PREEMPT == GO_STACK_PREEMPT &&
               STACK_MIN == GO_STACK_MIN, "stack constants");
/* The compiler lays out _defer; gort/stack/stack.c follows its links. */
_Static_assert(GO_DEFER_SP == OVERLAY_DEFER_SP && GO_DEFER_FN == OVERLAY_DEFER_FN &&
               GO_DEFER_LINK == OVERLAY_DEFER_LINK, "_defer");
