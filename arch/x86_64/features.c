/* features.c - CPUID, and the control registers that every CPU gets. */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"

struct cpu_features cpu_features;

/* Leaf 0xd: which state components the CPU can save. x87, SSE, AVX and AVX-512 are enabled;
 * MPX, PKRU and AMX are not: nothing here uses them. */
#define XCR0_WANTED 0xe7ull

/* Memory types by PCD and PWT of a page table entry (SDM vol. 3, 12.12; the eight entries are
 * two times four): 00 write-back, 01 (PWT) write-combining, 10 uncached unless an MTRR says
 * write-combining, 11 uncached. The kernel writes it itself, as firmware may have changed it.
 * Only entry 1 differs from the reset value, and no mapping of a loader uses it. */
#define PAT_VALUE 0x0007010600070106ull

static void xsetbv(uint64_t v)
{
    __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

void cpu_detect(void)
{
    struct cpu_features *f = &cpu_features;
    uint32_t r[4], max, maxext;

    cpuid(0, 0, r);
    max = r[0];
    cpuid(0x80000000, 0, r);
    maxext = r[0];
    cpuid(1, 0, r);
    f->pcid = r[2] >> 17 & 1;
    f->x2apic = r[2] >> 21 & 1;
    f->tsc_deadline = r[2] >> 24 & 1;
    f->xsave = r[2] >> 26 & 1;
    f->avx = r[2] >> 28 & 1;
    f->rdrand = r[2] >> 30 & 1;
    f->virtual = r[2] >> 31 & 1;
    f->mce = r[3] >> 7 & 1;
    f->mca = r[3] >> 14 & 1;
    if (max >= 7) {
        cpuid(7, 0, r);
        f->fsgsbase = r[1] & 1;
        f->avx2 = r[1] >> 5 & 1;
        f->smep = r[1] >> 7 & 1;
        f->erms = r[1] >> 9 & 1;
        f->avx512 = r[1] >> 16 & 1;
        f->rdseed = r[1] >> 18 & 1;
        f->smap = r[1] >> 20 & 1;
    }
    if (maxext >= 0x80000001) {
        cpuid(0x80000001, 0, r);
        f->nx = r[3] >> 20 & 1;
        f->gib_pages = r[3] >> 26 & 1;
    }
    if (maxext >= 0x80000007) {
        cpuid(0x80000007, 0, r);
        f->invtsc = r[3] >> 8 & 1;
    }
    if (f->xsave) {
        cpuid(0xd, 0, r);
        f->xcr0 = r[0] & XCR0_WANTED;
        if ((f->xcr0 & 0xe0) != 0xe0) /* AVX-512 comes as three components or not at all */
            f->xcr0 &= ~0xe0ull;
        f->avx = f->avx && f->xcr0 & 4; /* a hypervisor may hide the state and not the feature */
        f->avx2 = f->avx2 && f->avx;
        f->avx512 = f->avx512 && f->avx && f->xcr0 & 0xe0;
    } else {
        f->avx = f->avx2 = f->avx512 = false;
    }
}

/* Of hypervisors: leaf 0x40000010 (VMware's, KVM's and others' after it), kHz of the TSC and of
 * the APIC timer. Of CPUs: leaf 0x15 (SDM vol. 2, CPUID), TSC / crystal as a fraction and the
 * crystal's Hz, at which the APIC timer counts. Leaf 0x16, rounded to MHz, is not precise enough.
 * */
struct cpu_clocks cpu_clocks_said(void)
{
    uint32_t r[4];

    if (cpu_features.virtual) {
        cpuid(0x40000000, 0, r);
        if (r[0] >= 0x40000010 && r[0] < 0x40010000) {
            cpuid(0x40000010, 0, r);
            if (r[0] && r[1])
                return (struct cpu_clocks){ r[0] * 1000ull, r[1] * 1000ull };
        }
    }
    cpuid(0, 0, r);
    if (r[0] < 0x15)
        return (struct cpu_clocks){ 0 };
    cpuid(0x15, 0, r);
    return r[0] && r[1] && r[2] ? (struct cpu_clocks){ (uint64_t)r[2] * r[1] / r[0], r[2] }
                                : (struct cpu_clocks){ 0 };
}

/* The CPU takes cs from STAR, ss is the descriptor behind it; that the caller is in ring 0 already
 * makes no difference to it (SDM vol. 2, SYSCALL). Cleared at the entry: TF, IF, DF, NT, AC. */
#define SYSCALL_CLEARS 0x44700ull

void cpu_syscall_entry(void (*entry)(void))
{
    _Static_assert(SEL_DATA == SEL_CODE + 8, "ss after SYSCALL");
    wrmsr(MSR_STAR, (uint64_t)SEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uintptr_t)entry);
    wrmsr(MSR_FMASK, SYSCALL_CLEARS);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

void cpu_setup(void)
{
    struct cpu_features *f = &cpu_features;
    uint32_t r[4];

    if (f->nx)
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS | CR0_NW | CR0_CD)) | CR0_MP | CR0_NE | CR0_WP);
    write_cr4(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (f->fsgsbase ? CR4_FSGSBASE : 0) |
              (f->xsave ? CR4_OSXSAVE : 0) | (f->smep ? CR4_SMEP : 0));
    wrmsr(MSR_PAT, PAT_VALUE);
    __asm__ volatile("fninit");
    __asm__ volatile("ldmxcsr %0" ::"m"((const uint32_t){ 0x1f80 }));
    if (f->xsave) {
        xsetbv(f->xcr0);
        cpuid(0xd, 0, r);
        f->xsave_size = r[1]; /* the same on every CPU */
    } else {
        f->xsave_size = 512;
    }
}
