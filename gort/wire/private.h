/* private.h - shared by the files of gort/wire. */
#ifndef GORT_WIRE_PRIVATE_H
#define GORT_WIRE_PRIVATE_H

#include "gort/wire/wire.h"

void wire_queues_init(void);        /* poll.c: queues and interrupts of all devices */
/* fault.c: returns the list as netfault delivers it: packets dropped, doubled, delayed. */
struct pkt *wire_fault(struct netdev *d, struct pkt *list);

#endif
