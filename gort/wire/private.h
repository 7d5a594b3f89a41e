/* private.h - between the files of gort/wire. */
#ifndef GORT_WIRE_PRIVATE_H
#define GORT_WIRE_PRIVATE_H

#include "gort/wire/wire.h"

void wire_queues_init(void);        /* poll.c: who polls what; interrupts are on afterwards */
/* fault.c: what of the list comes, and when. */
struct pkt *wire_fault(struct netdev *d, struct pkt *list);

#endif
