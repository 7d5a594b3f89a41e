/* boot.h - what the kernel adds in boot.c and files.c, which host tests leave out. */
#ifndef NETCTL_BOOT_H
#define NETCTL_BOOT_H

#include "gort/wire/wire.h"

extern const struct wire_control netctl_wire;

/* Writes /etc/resolv.conf and /etc/hosts from the present addresses and resolvers. A file that the
 * bundle or the program has written stays as it is. g0, no locks. */
void netctl_files_write(void);

#endif
