/* ip.h - IP headers, received and sent, between interfaces, UDP and TCP. For files of this
 * folder. */
#ifndef NET_IP_H
#define NET_IP_H

#include "gort/net/net.h"

enum { IPV4_HDR = 20, IPV6_HDR = 40, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP = 1,
       PROTO_ICMP6 = 58 };
enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd };
enum { IP_MIN_MTU = 576, IP6_MIN_MTU = 1280 };

/* What IP tells UDP and TCP about a received packet. The packet's data begins at the transport
 * header, its padding is cut off, and hdr bytes of IP header stand right in front of the data. */
struct ip_rx {
    struct netif *ifp;
    struct net_addr src, dst;
    uint32_t len;           /* of transport header and payload */
    uint16_t hdr;
    uint8_t ttl, tos;
};

void tcp_input(const struct ip_rx *ip, struct pkt *pkt);    /* owns pkt */
void udp_input(const struct ip_rx *ip, struct pkt *pkt);
/* Is there a socket for this multicast or broadcast datagram? pkt's data is at the IP header. */
bool udp_wants(const struct ip_rx *ip, const struct pkt *pkt);

/* What the sender chooses in the IP header. */
struct ip_tx {
    const struct net_path *path;
    const struct net_addr *src, *dst;
    uint8_t proto, ttl, tos;
    bool may_fragment;      /* IPv4: DF is not set */
    uint32_t id;            /* 16 bits for IPv4; of fragments */
    uint32_t flow;          /* IPv6 flow label, 20 bits */
};

/* Sends a packet: data at the transport header, room for IP and link headers in front. len is
 * the length of all pieces together. Owns pkt. */
void ip_output(const struct ip_tx *t, struct pkt *pkt, uint32_t len);
/* Sends a datagram that is larger than the path's MTU in fragments. Owns pkt. */
void ip_output_fragments(const struct ip_tx *t, struct pkt *pkt, uint32_t len);

/* Sends a packet that has its IP header, by that path. Owns pkt. */
void ip_output_whole(const struct net_path *path, struct pkt *pkt);

/* The checksum of a pseudo header without data, folded and not inverted: the start value that
 * PKT_CSUM_PARTIAL requires. */
uint16_t ip_pseudo_sum(const struct net_addr *src, const struct net_addr *dst, uint8_t proto,
                       uint32_t len);
/* Is the transport checksum over len bytes right? */
bool ip_sum_good(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt);
uint16_t ip_header_sum(const uint8_t *h, unsigned len);

/* pmtu.c: MTUs of paths that are smaller than their interface's. */
uint32_t pmtu_get(const struct net_addr *dst, uint32_t limit);
/* Takes an MTU from an ICMP error; 0 = an old router that did not include one. True: the path's
 * MTU has become smaller. */
bool pmtu_lower(const struct net_addr *dst, uint32_t mtu, uint32_t was);

/* What an ICMP error says is wrong with a packet that this host has sent. */
enum icmp_error { ICMP_ERR_PORT, ICMP_ERR_PROTO, ICMP_ERR_HOST, ICMP_ERR_NET, ICMP_ERR_ADMIN,
                  ICMP_ERR_TIME, ICMP_ERR_PARAM, ICMP_ERR_TOOBIG };
int icmp_errno(enum icmp_error e);
void tcp_icmp(const struct net_addr *local, const struct net_addr *remote, uint16_t lport,
              uint16_t rport, uint32_t seq, enum icmp_error e, uint32_t mtu);
void udp_icmp(const struct net_addr *local, const struct net_addr *remote, uint16_t lport,
              uint16_t rport, enum icmp_error e, uint32_t mtu);

void path_init(void);
void pmtu_init(void);
void udp_init(void);
void tcp_init(void);
void tcp_round_end(void); /* sends what connections put off until the end of a list */

#endif
