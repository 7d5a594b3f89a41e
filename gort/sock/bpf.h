/* bpf.h - classic BPF: programs that say of a packet how much of it a socket takes
 * (SO_ATTACH_FILTER). The machine is that of McCanne and Jacobson, "The BSD Packet Filter" (USENIX
 * 1993), with what Linux adds (Documentation/networking/filter.rst): of that, EtherType, interface,
 * CPU, a random number and A ^ X. Pure: no locks, no memory of its own. */
#ifndef GORT_SOCK_BPF_H
#define GORT_SOCK_BPF_H

#include <stdbool.h>
#include <stdint.h>

#define BPF_PROGRAM_MAX 4096    /* instructions */

/* struct sock_filter of linux/filter.h. */
struct bpf_insn {
    uint16_t code;
    uint8_t  jt, jf;    /* instructions that a conditional jump skips */
    uint32_t k;
};

/* What a filter sees. Its bytes are read by a function, since they lie in several pieces. */
struct bpf_packet {
    uint32_t len;               /* bytes, less than 2^31 */
    /* Copies n bytes that there are. */
    bool (*read)(const void *bytes, uint32_t at, void *to, uint32_t n);
    const void *bytes;
    uint32_t protocol;          /* EtherType, as in SKF_AD_PROTOCOL; 0: no packet of IP */
    uint32_t ifindex;           /* 0: it came by none, and a program that asks takes nothing */
    uint32_t cpu;
    uint32_t (*random)(void);
};

/* May the program be run? Each jump leads forward to an instruction, the last one returns, no
 * word of the scratch memory is read on a path that has not written it, and there is only what
 * bpf_run has a true answer for. `scratch` has room for n words. False: EINVAL. */
bool bpf_valid(const struct bpf_insn *prog, uint32_t n, uint16_t *scratch);
/* How many bytes of the packet are taken: 0, none. More than it has: all. Ends, since jumps only
 * lead forward. The program is valid. */
uint32_t bpf_run(const struct bpf_insn *prog, const struct bpf_packet *p);

#endif
