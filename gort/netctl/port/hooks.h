/* hooks.h - hooks of lwIP's DHCP client: more options are requested and read by lease.c. */
#ifndef NETCTL_HOOKS_H
#define NETCTL_HOOKS_H

struct dhcp_msg;

void lease_ask(struct netif *lw, struct dhcp_msg *m, u8_t type, u16_t *len);
void lease_take(struct netif *lw, u8_t type, u8_t option, u8_t len, struct pbuf *p, u16_t at);

#define LWIP_HOOK_DHCP_APPEND_OPTIONS(lw, dhcp, state, m, type, len) lease_ask(lw, m, type, len)
#define LWIP_HOOK_DHCP_PARSE_OPTION(lw, dhcp, state, m, type, option, len, p, at) \
    do {                                                                          \
        (void)(m);                                                                \
        lease_take(lw, type, option, len, p, at);                                 \
    } while (0)

#endif
