/* dns.c - the resolvers that DHCP, router advertisements and the boot option name. lwIP's own
 * resolver is not built: these are the functions that its parsers call. */
#include <string.h>
#include "gort/netctl/private.h"

/* One list per source. lwIP's parsers write from index 0: DHCP IPv4 addresses, RA and DHCPv6
 * those of IPv6. [netctl_lock] */
static struct net_addr given[NETCTL_DNS], v4[DNS_MAX_SERVERS], v6[DNS_MAX_SERVERS];
static unsigned ngiven;
static bool changed;

static struct net_addr *last(struct net_addr *list, unsigned n, const struct net_addr *a)
{
    for (unsigned i = 0; i < n; i++)
        if (addr_equal(&list[i], a))
            return &list[i];
    return NULL;
}

void dns_add_static(const struct net_addr *a, unsigned n)
{
    for (unsigned i = 0; i < n && ngiven < NETCTL_DNS; i++)
        if (!last(given, ngiven, &a[i]))
            given[ngiven++] = a[i];
    changed |= n != 0;
}

void dns_note_change(void)
{
    changed = true;
}

bool dns_take_change(void)
{
    bool was = changed;

    changed = false;
    return was;
}

void dns_init(void)
{
    memset(v4, 0, sizeof v4);
    memset(v6, 0, sizeof v6);
    ngiven = 0;
    changed = true;
}

/* addr NULL removes server n. */
void dns_setserver(u8_t n, const ip_addr_t *server)
{
    struct net_addr a = {0}, *list = server && IP_IS_V4(server) ? v4 : v6;

    if (n >= DNS_MAX_SERVERS)
        return;
    if (server)
        a = IP_IS_V4(server) ? publish_addr4(ip_2_ip4(server)) : publish_addr6(ip_2_ip6(server));
    changed |= !addr_equal(&list[n], &a);
    list[n] = a;
}

/* Called for IPv6 only, when a router withdraws its resolver (lifetime 0). */
const ip_addr_t *dns_getserver(u8_t n)
{
    static ip_addr_t a;

    memset(&a, 0, sizeof a);
    IP_SET_TYPE(&a, IPADDR_TYPE_V6);
    if (n < DNS_MAX_SERVERS)
        memcpy(ip_2_ip6(&a)->addr, v6[n].b, 16);
    return &a;
}

static size_t add_domain(char *out, size_t at, size_t max)
{
    for (unsigned i = 0; i < NETIF_MAX; i++) {
        const char *d = netctl_ifaces[i].lease.domain;
        size_t n = strlen(d);
        if (!n || at + n + 9 > max)
            continue;
        memcpy(out + at, "search ", 7);
        memcpy(out + at + 7, d, n);
        memcpy(out + at + 7 + n, "\n", 2);
        return at + n + 8;
    }
    return at;
}

static size_t add_line(char *out, size_t at, size_t max, const struct net_addr *a)
{
    static const char word[] = "nameserver ";
    char text[48];
    size_t n;

    if (addr_any(a))
        return at;
    netctl_addr_print(a, text);
    n = strlen(text);
    if (at + sizeof word + n + 1 > max)
        return at;
    memcpy(out + at, word, sizeof word - 1);
    at += sizeof word - 1;
    memcpy(out + at, text, n);
    at += n;
    out[at++] = '\n';
    out[at] = 0;
    return at;
}

size_t netctl_resolv_conf(char *out, size_t max)
{
    size_t at = 0;

    out[0] = 0;
    lock(&netctl_lock);
    for (unsigned i = 0; i < ngiven; i++)
        at = add_line(out, at, max, &given[i]);
    for (unsigned i = 0; i < DNS_MAX_SERVERS && !ngiven; i++)
        at = add_line(out, at, max, &v4[i]);
    for (unsigned i = 0; i < DNS_MAX_SERVERS && !ngiven; i++)
        at = add_line(out, at, max, &v6[i]);
    at = add_domain(out, at, max);
    unlock(&netctl_lock);
    return at;
}
