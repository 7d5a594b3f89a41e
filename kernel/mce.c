/* mce.c - machine checks: errors that the hardware finds in itself.
 *
 * While CR4.MCE is 0 an uncorrected error shuts the CPU down, which resets the machine
 * without a word. So each CPU switches its banks on and takes #MC, which ends in a crash
 * report: no error is repaired. Bank registers survive a reset: what they hold at boot is
 * printed, as it is often the reason of the reset. Corrected errors stay in their banks;
 * nobody looks at them. SDM vol. 3, chapter 16: 16.3 the registers, 16.8 this initialisation. */
#include "kernel/mce.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "kernel/print.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC_CTL(n)    (0x400u + 4 * (n))
#define MSR_MC_STATUS(n) (0x401u + 4 * (n))
#define MSR_MC_ADDR(n)   (0x402u + 4 * (n))
#define MSR_MC_MISC(n)   (0x403u + 4 * (n))

#define MCG_CAP_BANKS  0xffu
#define MCG_CAP_CTL    (1u << 8)
#define STATUS_VALID   (1ull << 63)
#define STATUS_UC      (1ull << 61)
#define STATUS_MISCV   (1ull << 59)
#define STATUS_ADDRV   (1ull << 58)

static unsigned banks(void)
{
    return cpu_features.mca ? (unsigned)(rdmsr(MSR_MCG_CAP) & MCG_CAP_BANKS) : 0;
}

static void bank_print(unsigned n, uint64_t status)
{
    kprintf("machine check bank %u: %s, status %#llx", n,
            status & STATUS_UC ? "uncorrected error" : "corrected error",
            (unsigned long long)status);
    if (status & STATUS_ADDRV)
        kprintf(", address %#llx", (unsigned long long)rdmsr(MSR_MC_ADDR(n)));
    if (status & STATUS_MISCV)
        kprintf(", misc %#llx", (unsigned long long)rdmsr(MSR_MC_MISC(n)));
    kprintf("\n");
}

void mce_print(void)
{
    if (cpu_features.mca)
        kprintf("machine check status %#llx\n", (unsigned long long)rdmsr(MSR_MCG_STATUS));
    for (unsigned i = 0; i < banks(); i++) {
        uint64_t status = rdmsr(MSR_MC_STATUS(i));
        if (status & STATUS_VALID)
            bank_print(i, status);
    }
}

void mce_setup(void)
{
    if (!cpu_features.mce)
        return;
    if (cpu_features.mca && rdmsr(MSR_MCG_CAP) & MCG_CAP_CTL)
        wrmsr(MSR_MCG_CTL, ~0ull);
    for (unsigned i = 0; i < banks(); i++) {
        uint64_t status = rdmsr(MSR_MC_STATUS(i));
        if (status & STATUS_VALID) {
            kprintf("gort: cpu %u, logged before this boot: ", cpu_self()->id);
            bank_print(i, status);
        }
        wrmsr(MSR_MC_CTL(i), ~0ull);
        wrmsr(MSR_MC_STATUS(i), 0);
    }
    write_cr4(read_cr4() | CR4_MCE);
}
