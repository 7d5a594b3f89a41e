/* fbcon.h - kernel messages as text on the firmware's framebuffer, if there is one. */
#ifndef DRIVERS_FBCON_H
#define DRIVERS_FBCON_H

#include <stdbool.h>
#include <stddef.h>

struct boot_info;
void fbcon_init(const struct boot_info *bi); /* boot: from here on messages are shown */
bool fbcon_shows(void);                       /* there is a screen */
void fbcon_write(const char *s, size_t n); /* any context; does nothing without one */

#endif
