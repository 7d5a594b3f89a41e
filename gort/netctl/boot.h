/* boot.h - what boot.c and files.c add in the kernel; host tests leave both out. */
#ifndef NETCTL_BOOT_H
#define NETCTL_BOOT_H

#include "gort/wire/wire.h"

extern const struct wire_control netctl_wire;

/* Writes /etc/resolv.conf and /etc/hosts as the addresses and resolvers are now. What the bundle
 * or the program has put there stays. g0, no locks. */
void netctl_files_write(void);

#endif
