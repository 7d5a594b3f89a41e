/* lwip.c - the parts of lwIP that gort uses, as one translation unit.
 *
 * The files are Debian's source package lwip, unmodified (scripts/fetch-source); port/lwipopts.h
 * says what of them is built. */
#include <core/def.c>
#include <core/inet_chksum.c>
#include <core/init.c>
#include <core/ip.c>
#include <core/mem.c>
#include <core/memp.c>
#include <core/netif.c>
#include <core/pbuf.c>
#include <core/raw.c>
#include <core/stats.c>
#include <core/udp.c>
#include <core/ipv4/dhcp.c>
#include <core/ipv4/etharp.c>
#include <core/ipv4/icmp.c>
#include <core/ipv4/igmp.c>
#include <core/ipv4/ip4.c>
#include <core/ipv4/ip4_addr.c>
#include <core/ipv4/ip4_frag.c>
#include <core/ipv6/dhcp6.c>
#include <core/ipv6/ethip6.c>
#include <core/ipv6/icmp6.c>
#include <core/ipv6/inet6.c>
#include <core/ipv6/ip6.c>
#include <core/ipv6/ip6_addr.c>
#define reassdatagrams reassdatagrams6      /* ip4_frag.c has one of this name, too */
#include <core/ipv6/ip6_frag.c>
#undef reassdatagrams
#include <core/ipv6/mld6.c>
#include <core/ipv6/nd6.c>
#include <netif/ethernet.c>
