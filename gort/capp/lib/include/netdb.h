/* netdb.h - names of hosts: addresses as text, "localhost" and /etc/hosts. No server is asked for
 * others: EAI_NONAME. Services are numbers. */
#ifndef _NETDB_H
#define _NETDB_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

struct addrinfo {
    int ai_flags, ai_family, ai_socktype, ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;     /* NULL: canonical names are not looked for */
    struct addrinfo *ai_next;
};

enum { AI_PASSIVE = 1, AI_CANONNAME = 2, AI_NUMERICHOST = 4, AI_NUMERICSERV = 0x400 };
enum { EAI_BADFLAGS = -1, EAI_NONAME = -2, EAI_FAMILY = -6, EAI_SOCKTYPE = -7, EAI_SERVICE = -8,
       EAI_MEMORY = -10 };

/* 0, or EAI_*. Every address comes once for each type of socket that fits the hints. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list);
void freeaddrinfo(struct addrinfo *list);
const char *gai_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif
