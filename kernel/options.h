/* options.h - boot options, spelled once (kernel/options.c parses the command line and the
 * bundle's .gort/options: words `name` or `name=value`, unknown ones are named on stderr). */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_TEXT = 192 };

struct boot_options {
    bool     verbose;        /* boot log with timings */
    bool     lockrank;       /* check lock order */
    bool     preemptstress;  /* preempt at every tick of a very short timer */
    uint64_t preempttick;    /* us: the tick of preemptstress; 0 = 200 */
    bool     conserve;       /* a CPU idles while work waits for 20 ms: a crash */
    bool     stackstress;    /* move a running goroutine's stack at every preemption */
    bool     stackmove;      /* move every parked goroutine's stack at every collection */
    bool     globalqueue;    /* one run queue for all CPUs, none of their own: gort/sched/globq.h */
    bool     stallwatch;     /* measure how long a CPU could not be preempted: gort/sched/stall.h */
    bool     lazystress;     /* every large object without pointers is lazy: gort/heap/lazy.h */
    uint64_t ipifault;       /* one IPI in so many is lost, doubled or goes astray too; 0 = off */
    uint64_t netfault;       /* one received packet in so many is lost, doubled or late; 0 = off */
    uint64_t gcstress;       /* collect at every Nth allocation, 0 = off */
    uint64_t forcegc;        /* ms after which a collection is due anyway; 0 = two minutes */
    uint64_t allocfail;      /* every Nth allocation or commit of heap pages fails; 0 = off */
    uint64_t seed;           /* random numbers and scheduling choices follow from it; 0 = off */
    uint64_t maxcpus;        /* use at most this many CPUs; 0 = all */
    uint64_t tscskew;        /* ticks: CPU 1's TSC is behind by so many, CPU 2's ahead, ... */
    uint64_t deadcpu;        /* the CPU with this APIC id is started too late; 0 = none */
    char     ip[OPTION_TEXT];  /* addresses of the network interfaces (gort/netctl/netctl.h) */
    uint64_t memlimit;       /* use at most this many bytes of RAM; 0 = all */
};

/* Applies words `name`, `name=value` of text (n bytes, or up to a NUL), separated by blanks
 * or newlines. Numbers: decimal or 0x; `memlimit` takes a suffix K, M, G; a text is shorter than
 * OPTION_TEXT. Each word that is not understood is handed to bad(word, length). */
void options_apply(struct boot_options *o, const char *text, size_t n,
                   void (*bad)(const char *word, size_t len));

/* Applies the words of a NUL-terminated text; unknown ones are named. kernel_main has done so
 * with the command line and, silently, with the bundle's .gort/options; the bundle's reader
 * calls it again for the messages. */
void options_parse(const char *text);

extern struct boot_options options; /* [const after boot] */

#endif
