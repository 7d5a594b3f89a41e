/* lwipopts.h - which parts of lwIP are built, and their bounds (lwIP's opt.h says what each means).
 *
 * It is the control plane alone: neither TCP nor sockets, no threads, no timers of its own. Its UDP
 * carries DHCP. All memory is one heap of NETCTL_HEAP bytes at netctl_heap, so packets
 * from the wire cannot use more. */
#ifndef NETCTL_LWIPOPTS_H
#define NETCTL_LWIPOPTS_H

#include "rename.h"

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0
#define LWIP_TCP 0
#define LWIP_UDP 1
#define LWIP_RAW 1

/* ---- memory ---- */
#define MEM_ALIGNMENT 8
#define NETCTL_HEAP (1024 * 1024)
#define MEM_SIZE NETCTL_HEAP
#define MEMP_MEM_MALLOC 1
#ifdef GORT_HOST_TEST           /* so that the address sanitizer sees each block */
#define MEM_LIBC_MALLOC 1
#define mem_clib_malloc netctl_test_malloc
#define mem_clib_calloc netctl_test_calloc
#define mem_clib_free netctl_test_free
#include <stddef.h>
void *netctl_test_malloc(size_t n);
void *netctl_test_calloc(size_t n, size_t size);
void netctl_test_free(void *p);
#else
extern void *netctl_heap;
#define LWIP_RAM_HEAP_POINTER netctl_heap
#endif
#define PBUF_POOL_SIZE 4
#define LWIP_STATS 1
#define MEM_STATS 1
#define MEMP_STATS 0
#define LINK_STATS 0
#define ETHARP_STATS 0
#define IPFRAG_STATS 0
#define IP_STATS 0
#define ICMP_STATS 0
#define IGMP_STATS 0
#define UDP_STATS 0
#define IP6_STATS 0
#define ICMP6_STATS 0
#define IP6_FRAG_STATS 0
#define MLD6_STATS 0
#define ND6_STATS 0

/* ---- Ethernet, ARP ---- */
#define ETH_PAD_SIZE 2          /* IP headers are aligned to 4 bytes */
#define ARP_TABLE_SIZE 256
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 16
#define LWIP_NETIF_HWADDRHINT 0

/* ---- IPv4 ---- */
#define IP_FORWARD 0
#define IP_REASSEMBLY 1
#define IP_FRAG 1
#define IP_REASS_MAXAGE 30      /* seconds, as Linux */
#define IP_REASS_MAX_PBUFS 160  /* fragments that wait, of all datagrams; of each family */
#define LWIP_ICMP 1
#define LWIP_BROADCAST_PING 0
#define LWIP_MULTICAST_PING 0
#define LWIP_IGMP 1
#define LWIP_DHCP 1
#define DHCP_DOES_ARP_CHECK 1
#define LWIP_AUTOIP 0
#define LWIP_NETIF_HOSTNAME 1

/* ---- IPv6 ---- */
#define LWIP_IPV6 1
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 1
#define IPV6_FRAG_COPYHEADER 1
#define IPV6_REASS_MAXAGE 60    /* seconds: RFC 8200 */
#define LWIP_IPV6_MLD 1
#define MEMP_NUM_MLD6_GROUP 32
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 1
#define LWIP_IPV6_DHCP6 1
#define LWIP_IPV6_DHCP6_STATELESS 1
#define LWIP_IPV6_DHCP6_STATEFUL 0
#define LWIP_ND6_NUM_NEIGHBORS 120
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_NUM_PREFIXES 8
#define LWIP_ND6_NUM_ROUTERS 4
#define LWIP_ND6_QUEUEING 1
#define LWIP_ND6_ALLOW_RA_UPDATES 1
#define LWIP_ND6_TCP_REACHABILITY_HINTS 1
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 3

/* ---- DNS: lwIP only tells what servers there are (gort/netctl/dns.c) ---- */
#define LWIP_DNS 1
#define DNS_MAX_SERVERS 3

/* ---- hooks ---- */
#define LWIP_HOOK_FILENAME "hooks.h"
struct lwip_netif;
struct ip6_addr;
const struct ip6_addr *netctl_gateway6(const struct lwip_netif *i);
#define LWIP_HOOK_ND6_GET_GW(i, dest) netctl_gateway6(i)

#endif
