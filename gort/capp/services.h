/* services.h - the C goroutine that calls the services of sched/background.h. */
#ifndef GORT_CAPP_SERVICES_H
#define GORT_CAPP_SERVICES_H

/* Boot, with a P. */
void services_start(void);
/* sched_hooks.services_due: a service is due. Before services_start too. g0. */
void services_due(void);

#endif
