/* config.c - the boot option ip=, and addresses as text. */
#include <string.h>
#include "gort/netctl/private.h"

enum { TOKEN = 64 };

/* Parses four numbers up to 255 without leading zeros; returns the text behind them, or NULL. */
static const char *parse_v4(const char *s, struct net_addr *a)
{
    uint8_t b[4];

    for (int i = 0; i < 4; i++) {
        unsigned v = 0, digits = 0;
        if (i && *s++ != '.')
            return NULL;
        for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
            v = v * 10 + (unsigned)(*s - '0');
        if (!digits || v > 255 || (digits > 1 && s[-(int)digits] == '0'))
            return NULL;
        b[i] = (uint8_t)v;
    }
    *a = addr_v4(b);
    return s;
}

static const char *parse_v6(const char *s, struct net_addr *a)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF:.");
    char text[TOKEN];
    ip6_addr_t ip;

    if (n >= sizeof text)
        return NULL;
    memcpy(text, s, n);
    text[n] = 0;
    if (!ip6addr_aton(text, &ip))
        return NULL;
    *a = publish_addr6(&ip);
    return addr_is_v4(a) ? NULL : s + n;
}

bool netctl_addr_parse(const char *s, const char **end, struct net_addr *a)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF.");
    const char *e = s[n] == ':' ? parse_v6(s, a) : parse_v4(s, a);

    if (e)
        *end = e;
    return e != NULL;
}

static char *print_number(char *out, unsigned v)
{
    if (v >= 10)
        out = print_number(out, v / 10);
    *out++ = (char)('0' + v % 10);
    return out;
}

char *netctl_addr_print(const struct net_addr *a, char *out)
{
    char *p = out;
    ip6_addr_t ip;

    if (!addr_is_v4(a)) {
        memset(&ip, 0, sizeof ip);
        memcpy(ip.addr, a->b, 16);
        ip6addr_ntoa_r(&ip, out, 46);
        for (; *p; p++)         /* RFC 5952: lower case */
            if (*p >= 'A' && *p <= 'F')
                *p = (char)(*p + 32);
        return out;
    }
    for (int i = 0; i < 4; i++) {
        if (i)
            *p++ = '.';
        p = print_number(p, a->b[12 + i]);
    }
    *p = 0;
    return out;
}

/* ---- ip= -------------------------------------------------------------------------------- */

static const char *expected = "expected dhcp, none or ADDR/LEN[,gw=ADDR][,dns=ADDR]";

static const char *take_gateway(const char *s, struct netctl_config *c)
{
    struct net_addr a;
    const char *end;

    if (!netctl_addr_parse(s, &end, &a) || *end)
        return "gw= wants an address";
    if (addr_is_v4(&a))
        c->gw4 = a;
    else
        c->gw6 = a;
    return NULL;
}

static const char *take_dns(const char *s, struct netctl_config *c)
{
    const char *end;

    if (c->ndns == NETCTL_DNS)
        return "more than three dns=";
    if (!netctl_addr_parse(s, &end, &c->dns[c->ndns]) || *end)
        return "dns= wants an address";
    c->ndns++;
    return NULL;
}

/* Parses LEN of /LEN; returns it as bits of 128 (IPv4: 96 more). 0: it is out of range. */
static unsigned take_prefix(const char *s, bool v4)
{
    unsigned n = 0, digits = 0, most = v4 ? 32 : 128;

    for (; s[digits + 1] >= '0' && s[digits + 1] <= '9' && digits < 3; digits++)
        n = n * 10 + (unsigned)(s[digits + 1] - '0');
    if (*s != '/' || !digits || s[digits + 1] || n > most || !n)
        return 0;
    return n + (v4 ? 96 : 0);
}

static const char *take_address(const char *s, struct netctl_config *c)
{
    struct net_addr a;
    const char *end;

    if (!netctl_addr_parse(s, &end, &a))
        return expected;
    bool v4 = addr_is_v4(&a);
    unsigned prefix = take_prefix(end, v4);
    if (!prefix)
        return v4 ? "an address wants its length: ADDR/LEN, LEN 1 to 32"
                  : "an address wants its length: ADDR/LEN, LEN 1 to 128";
    if (addr_any(&a) || addr_multicast(&a))
        return "this is no address of a machine";
    if (v4 ? c->has4 : c->has6)
        return "two addresses of one family";
    *(v4 ? &c->addr4 : &c->addr6) = a;
    *(v4 ? &c->prefix4 : &c->prefix6) = (uint8_t)prefix;
    *(v4 ? &c->has4 : &c->has6) = true;
    return NULL;
}

static const char *take_word(const char *s, struct netctl_config *c)
{
    if (!strcmp(s, "dhcp"))
        return c->dhcp = true, NULL;
    if (!strncmp(s, "gw=", 3))
        return take_gateway(s + 3, c);
    if (!strncmp(s, "dns=", 4))
        return take_dns(s + 4, c);
    return take_address(s, c);
}

const char *netctl_config_parse(const char *text, struct netctl_config *c)
{
    char word[TOKEN];

    memset(c, 0, sizeof *c);
    c->gw4 = publish_addr4(ip_2_ip4(IP4_ADDR_ANY));
    c->dhcp = !*text;
    if (!*text || !strcmp(text, "none"))
        return NULL;
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n >= sizeof word)
            return expected;
        memcpy(word, text, n);
        word[n] = 0;
        const char *bad = take_word(word, c);
        if (bad)
            return bad;
        text += n + (text[n] == ',');
    }
    if (c->dhcp && c->has4)
        return "dhcp and an IPv4 address";
    if (!c->has4 && !c->has6)
        c->dhcp = true;     /* dns= alone */
    if (!addr_any(&c->gw4) && !c->has4)
        return "gw= without an address of its family";
    if (!addr_any(&c->gw6) && !c->has6)
        return "gw= without an address of its family";
    return NULL;
}
