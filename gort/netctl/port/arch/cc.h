/* cc.h - what lwIP asks of compiler and platform: names that its sources use (lwIP's doc/sys_arch).
 * Asserts are tests' alone: in the kernel a packet must not be able to end the machine. */
#ifndef NETCTL_CC_H
#define NETCTL_CC_H

#include <stdint.h>
#include <limits.h>
#include <sys/types.h>

#ifndef SSIZE_MAX               /* so that lwIP makes no ssize_t of its own */
#define SSIZE_MAX LONG_MAX
#endif

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1

#define X8_F  "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

uint32_t netctl_random(void);
#define LWIP_RAND() netctl_random()

#define LWIP_PLATFORM_DIAG(x)
#ifdef GORT_HOST_TEST
#include "kernel/check.h"
#define LWIP_PLATFORM_ASSERT(x) PANIC("lwIP: %s", x)
#else
#define LWIP_NOASSERT 1
#define LWIP_PLATFORM_ASSERT(x)
#endif

#endif
