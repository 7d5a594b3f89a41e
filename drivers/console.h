/* console.h - the byte channels' set-up; print.h is what everybody else uses. */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

void console_init(void);       /* output works from here on */
void console_input_init(void); /* needs irq_init */

#endif
