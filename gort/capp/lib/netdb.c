/* netdb.c - addresses as text, and names that are known without asking anybody: netdb.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---------- */

static bool four_of(const char *text, uint8_t to[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned v = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
            v = v * 10 + (unsigned)(*text - '0');
        if (!digits || digits > 3 || v > 255 || (digits > 1 && text[-(int)digits] == '0') ||
            *text != (i < 3 ? '.' : 0))
            return false;
        to[i] = (uint8_t)v;
        text++;
    }
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                               : -1;
}

/* Groups of up to four digits; "::" once, for as many zeros as are missing; the last two groups
 * may be an IPv4 address. RFC 4291. */
static bool sixteen_of(const char *p, uint8_t to[16])
{
    uint8_t b[16] = { 0 };
    int n = 0, gap = -1;

    if (p[0] == ':' && *++p != ':')
        return false;
    while (*p) {
        if (*p == ':' && p[-1] == ':' && gap < 0) {
            gap = n;
            p++;
            continue;
        }
        if (n <= 12 && strchr(p, '.') && !strchr(p, ':')) {
            if (!four_of(p, b + n))
                return false;
            n += 4;
            break;
        }
        unsigned v = 0, digits = 0;
        for (; hex(*p) >= 0 && digits < 5; p++, digits++)
            v = v << 4 | (unsigned)hex(*p);
        if (!digits || digits > 4 || n == 16 || (*p && *p != ':') || (*p && !p[1]))
            return false;
        b[n++] = (uint8_t)(v >> 8);
        b[n++] = (uint8_t)v;
        p += *p == ':';
    }
    if (gap < 0 ? n != 16 : n == 16)
        return false;
    if (gap >= 0) {
        memmove(b + 16 - (n - gap), b + gap, (size_t)(n - gap));
        memset(b + gap, 0, (size_t)(16 - n));
    }
    memcpy(to, b, 16);
    return true;
}

int inet_pton(int family, const char *text, void *to)
{
    switch (family) {
    case AF_INET: return four_of(text, to);
    case AF_INET6: return sixteen_of(text, to);
    }
    errno = EAFNOSUPPORT;
    return -1;
}

in_addr_t inet_addr(const char *text)
{
    in_addr_t a;

    return four_of(text, (uint8_t *)&a) ? a : INADDR_NONE;
}

/* The longest run of zero groups, of two or more, is "::". RFC 5952. */
static void six_text(const uint8_t *b, char text[INET6_ADDRSTRLEN])
{
    int best = -1, most = 1;
    char *p = text;

    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && !b[2 * (i + n)] && !b[2 * (i + n) + 1])
            n++;
        if (n > most) {
            best = i;
            most = n;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            p += sprintf(p, "::");
            i += most - 1;
            continue;
        }
        p += sprintf(p, "%s%x", i && i != best + most ? ":" : "", b[2 * i] << 8 | b[2 * i + 1]);
    }
    *p = 0;
}

const char *inet_ntop(int family, const void *from, char *text, socklen_t room)
{
    const uint8_t *b = from;
    char full[INET6_ADDRSTRLEN];

    if (family == AF_INET) {
        sprintf(full, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    } else if (family == AF_INET6) {
        six_text(b, full);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (strlen(full) >= room) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(text, full);
}

/* ---- names ---------- */

struct found {
    struct addrinfo *first, **last;
    const struct addrinfo *hints;
    uint16_t port;
    bool failed;            /* no memory for one of them */
};

static void add_type(struct found *f, int family, const void *ip, int type)
{
    struct { struct addrinfo i; struct sockaddr_storage a; } *e = calloc(1, sizeof *e);

    if (!e) {
        f->failed = true;
        return;
    }
    if (family == AF_INET) {
        struct sockaddr_in *a = (struct sockaddr_in *)&e->a;
        a->sin_family = AF_INET;
        a->sin_port = htons(f->port);
        memcpy(&a->sin_addr, ip, 4);
    } else {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)&e->a;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(f->port);
        memcpy(&a->sin6_addr, ip, 16);
    }
    e->i.ai_family = family;
    e->i.ai_socktype = type;
    e->i.ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
    e->i.ai_addr = (struct sockaddr *)&e->a;
    e->i.ai_addrlen = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    *f->last = &e->i;
    f->last = &e->i.ai_next;
}

static void add(struct found *f, int family, const void *ip)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
    int want = f->hints->ai_socktype;

    if (f->hints->ai_family != AF_UNSPEC && f->hints->ai_family != family)
        return;
    for (int i = 0; i < 2; i++)
        if (!want || want == types[i])
            add_type(f, family, ip, types[i]);
    if (want == SOCK_RAW)
        add_type(f, family, ip, want);
}

static bool add_number(struct found *f, const char *host)
{
    uint8_t ip[16];

    if (four_of(host, ip))
        add(f, AF_INET, ip);
    else if (sixteen_of(host, ip))
        add(f, AF_INET6, ip);
    else
        return false;
    return true;
}

/* Lines of an address and its names. */
static void add_hosts(struct found *f, const char *host)
{
    FILE *hosts = fopen("/etc/hosts", "r");
    char line[512], *rest;

    while (hosts && fgets(line, sizeof line, hosts)) {
        line[strcspn(line, "#\n")] = 0;
        const char *ip = strtok_r(line, " \t", &rest), *name;
        while (ip && (name = strtok_r(NULL, " \t", &rest)))
            if (!strcmp(name, host)) {
                add_number(f, ip);
                break;
            }
    }
    if (hosts)
        fclose(hosts);
}

static void add_own(struct found *f, bool any)
{
    static const uint8_t four[2][4] = { { 127, 0, 0, 1 }, { 0 } };

    add(f, AF_INET, four[any]);
    add(f, AF_INET6, any ? &in6addr_any : &in6addr_loopback);
}

static int port_of(const char *service, uint16_t *port)
{
    char *end;
    unsigned long v = service ? strtoul(service, &end, 10) : 0;

    if (service && (!*service || *end || v > 65535))
        return EAI_SERVICE;
    *port = (uint16_t)v;
    return 0;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    static const struct addrinfo none;
    struct found f = { .hints = hints ? hints : &none };
    int family = f.hints->ai_family, err = port_of(service, &f.port);

    f.last = &f.first;
    if (!host && !service)
        err = EAI_NONAME;
    else if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        err = EAI_FAMILY;
    if (err)
        return err;
    if (!host)
        add_own(&f, f.hints->ai_flags & AI_PASSIVE);
    else if (!add_number(&f, host) && !(f.hints->ai_flags & AI_NUMERICHOST))
        add_hosts(&f, host);
    if (host && !f.first && !strcmp(host, "localhost") && !(f.hints->ai_flags & AI_NUMERICHOST))
        add_own(&f, false);
    *list = f.first;
    if (f.failed)
        freeaddrinfo(f.first);
    return f.failed ? EAI_MEMORY : f.first ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list)
{
    for (struct addrinfo *next; list; list = next) {
        next = list->ai_next;
        free(list);
    }
}

const char *gai_strerror(int err)
{
    switch (err) {
    case 0: return "no error";
    case EAI_BADFLAGS: return "bad flags";
    case EAI_NONAME: return "unknown name";
    case EAI_FAMILY: return "unknown family of addresses";
    case EAI_SOCKTYPE: return "unknown type of socket";
    case EAI_SERVICE: return "a service is a number from 0 to 65535";
    case EAI_MEMORY: return "out of memory";
    default: return "unknown error";
    }
}
