/* fake_netdev.h - the kernel beneath a network driver, for host tests: memory that is its own
 * physical address but for the direct map, one clock tick for each look, messages that count. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/boot_info.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

unsigned pkt_test_cpu, ncpu = 2;
static int64_t now;
static unsigned messages, held;
static char last_message[300];
static struct netdev *eth;

int64_t clock_mono_ns(void) { return now += 1000; }
void lock(struct lock *l) { held += !l->held++; }
void unlock(struct lock *l) { held -= !--l->held; }
void lock_init(struct lock *l, const char *n, enum lock_rank r) { *l = (struct lock){ 0, r, n }; }
bool mm_can_spare(uint64_t n) { (void)n; return true; }
void *phys_to_virt(uint64_t pa) { return (void *)(pa + DIRECT_MAP_BASE); }
uint64_t frame_alloc(unsigned order)
{
    return (uintptr_t)aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order) - DIRECT_MAP_BASE;
}
void frame_free(uint64_t pa, unsigned order) { (void)order; free(phys_to_virt(pa)); }
void *persistent_alloc(size_t n, size_t align, uint64_t *stat)
{
    (void)stat;
    void *p = aligned_alloc(align, (n + align - 1) & ~(align - 1));
    return memset(p, 0, n);
}
void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(last_message, sizeof last_message, fmt, ap);
    va_end(ap);
    messages++;
}
void boot_log(const char *fmt, ...) { (void)fmt; }
void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    printf("FAIL panic %s:%d %s\n", file, line, fmt);
    exit(1);
}
uint64_t random_fast(void) { return (uint64_t)rand(); }
int random_bytes(void *p, size_t n) { memset(p, 7, n); return 0; }
