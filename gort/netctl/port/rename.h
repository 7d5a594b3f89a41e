/* rename.h - names that both lwIP and gort/net have: lwIP's get a prefix while its sources and
 * headers are read. private.h takes the macros away again, so that our own code says lwip_... */
#define netif       lwip_netif
#define netif_add   lwip_netif_add
#define udp_bind    lwip_udp_bind
#define udp_connect lwip_udp_connect
#define udp_init    lwip_udp_init
#define udp_input   lwip_udp_input
#define udp_new     lwip_udp_new
#define udp_recv    lwip_udp_recv
#define udp_send    lwip_udp_send
