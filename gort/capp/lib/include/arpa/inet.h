/* arpa/inet.h - addresses as text. */
#ifndef _ARPA_INET_H
#define _ARPA_INET_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 1; 0: text is no address; -1: errno EAFNOSUPPORT. */
int inet_pton(int family, const char *text, void *to);
/* text, or NULL with errno ENOSPC or EAFNOSUPPORT. */
const char *inet_ntop(int family, const void *from, char *text, socklen_t room);
in_addr_t inet_addr(const char *text); /* INADDR_NONE: it is none */

#ifdef __cplusplus
}
#endif

#endif
