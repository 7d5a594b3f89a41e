# kernel.mk - build/gort.elf: kernel and runtime, linked twice (the second time with the
# table of its own function names for crash reports).
NM      ?= nm
LD      ?= ld
KBUILD  := $(BUILD)/kernel
ifeq ($(DEBUG),1)
KDEBUG   := -DGORT_DEBUG
KBUILD   := $(BUILD)/kernel-debug
endif
NEWLIB_INC ?= $(NEWLIB)/include

KERNEL_DIRS := arch/x86_64 kernel mm drivers boot boot/common boot/pvh
KERNEL_SRC  := $(wildcard $(KERNEL_DIRS:%=%/*.c) $(KERNEL_DIRS:%=%/*.S))
# gort/capp/lib is the app's side: libgort.mk. Of the files offsets.c only the assembly is read.
OFFSETS_SRC := $(wildcard gort/*/offsets.c)
GORT_SRC    := $(filter-out $(OFFSETS_SRC), \
               $(wildcard gort/*.c gort/*/*.c gort/*/*.S gort/os/fs/*.c))
GEN_SRC     := $(GEN)/rt_table.c

KERNEL_OBJ := $(patsubst %,$(KBUILD)/%.o,$(KERNEL_SRC))
GORT_OBJ   := $(patsubst %,$(KBUILD)/%.o,$(GORT_SRC) $(GEN_SRC))

KWARN    := -Wall -Wextra -Werror
KFLAGS   := -std=c17 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
            -fno-stack-protector -fno-omit-frame-pointer -fno-strict-aliasing \
            -fno-asynchronous-unwind-tables $(KWARN) -I. -I$(GEN) -isystem $(NEWLIB_INC) $(KDEBUG)
KAFLAGS  := -g -I. -I$(GEN) -fno-pic
LIBGCC   := $(shell $(CC) -print-libgcc-file-name)
KLDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments \
            -T arch/x86_64/kernel.ld

$(KERNEL_OBJ): KFLAGS += -mgeneral-regs-only
# A loop must not be turned into a call of the function that it implements.
NOLOOPS  := $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
$(KBUILD)/arch/x86_64/string.c.o: KFLAGS += -fno-builtin $(NOLOOPS)

$(GEN)/offsets.h: $(OFFSETS_SRC) gort/abi/offset.h $(wildcard arch/x86_64/*.h) gort/g.h \
		gort/sched/mp.h gort/capp/cgoroutine.h
	@mkdir -p $(GEN)
	@{ echo '/* Generated from $(OFFSETS_SRC). */'; \
	   for f in $(OFFSETS_SRC); do \
	       $(CC) $(filter-out -g,$(KFLAGS)) -S -o $(GEN)/offsets.s $$f || exit 1; \
	       sed -n 's/^[[:blank:]]*#OFFSET \([A-Z0-9_]*\) \$$*\([0-9]*\).*/#define \1 \2/p' \
	           $(GEN)/offsets.s; \
	   done; } > $@

# Generated headers come before anything is compiled.
KGEN := $(GEN)/.stamp $(GEN)/offsets.h

$(KBUILD)/%.c.o: %.c | $(KGEN) $(NEWLIB)/lib/libc.a
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(KFLAGS) -MMD -MP -c -o $@ $<
$(KBUILD)/%.S.o: %.S | $(KGEN)
	@mkdir -p $(@D)
	@echo "  AS $<"
	@$(CC) $(KAFLAGS) -MMD -MP -c -o $@ $<
$(KBUILD)/$(GEN)/rt_table.c.o: $(GEN)/rt_table.c

KLINK = $(LD) $(KLDFLAGS) -o $@ $(filter %.o,$^) $(NEWLIB)/lib/libc.a $(LIBGCC)

# One kernel: $(1) = final ELF, $(2) = its name under build/kernel, $(3) = objects.
define KERNEL_RULES
$(KBUILD)/$(2).pass1: $(3) arch/x86_64/kernel.ld | $(NEWLIB)/lib/libc.a
	@$$(KLINK)
$(KBUILD)/$(2).ksyms.S: $(KBUILD)/$(2).pass1 scripts/gen-ksyms
	@scripts/gen-ksyms $(NM) $$< > $$@
$(KBUILD)/$(2).ksyms.o: $(KBUILD)/$(2).ksyms.S
	@$(CC) $(KAFLAGS) -c -o $$@ $$<
$(1): $(3) $(KBUILD)/$(2).ksyms.o arch/x86_64/kernel.ld | $(NEWLIB)/lib/libc.a
	@echo "  LD $$@"
	@$$(KLINK)
endef
$(eval $(call KERNEL_RULES,$(BUILD)/gort.elf,gort,$(KERNEL_OBJ) $(GORT_OBJ)))

# A collector that is wrong on purpose: the check modes of the tests must notice.
NOBARRIER_OBJ := $(patsubst %/wbbuf.c.o,%/wbbuf-omit.c.o,$(KERNEL_OBJ) $(GORT_OBJ))
$(KBUILD)/gort/gc/wbbuf-omit.c.o: gort/gc/wbbuf.c | $(KGEN) $(NEWLIB)/lib/libc.a
	@mkdir -p $(@D)
	@echo "  CC $< (without a barrier)"
	@$(CC) $(KFLAGS) -DGORT_OMIT_BULK_BARRIER -Wno-unused -MMD -MP -c -o $@ $<
$(eval $(call KERNEL_RULES,$(BUILD)/gort-nobarrier.elf,nobarrier,$(NOBARRIER_OBJ)))

# The kernel without a runtime, and with a test program in the runtime's place.
TESTK_OBJ := $(patsubst %,$(KBUILD)/%.o,$(wildcard tests/kernels/machine*.c))
$(eval $(call KERNEL_RULES,$(BUILD)/bare.elf,bare,$(KERNEL_OBJ)))
$(eval $(call KERNEL_RULES,$(BUILD)/machine.elf,machine,$(KERNEL_OBJ) $(TESTK_OBJ)))

-include $(KERNEL_OBJ:.o=.d) $(GORT_OBJ:.o=.d) $(TESTK_OBJ:.o=.d) $(KBUILD)/gort/gc/wbbuf-omit.c.d

# lwIP's sources are Debian's, as fetched; it sees no header of ours but its port's.
$(LWIP)/core/init.c:
	scripts/fetch-source lwip
$(KBUILD)/gort/netctl/%.c.o: KFLAGS += -Igort/netctl/port -isystem $(LWIP) -isystem $(LWIP)/include
$(patsubst %,$(KBUILD)/%.o,$(wildcard gort/netctl/*.c)): | $(LWIP)/core/init.c

# Called from interrupt handlers.
IRQ_SRC  := net/wheel sched/preempt sched/stall sched/fault sched/background stack/symtab \
            stack/unwind time/timer heap/lazy capp/cgtrap observe/cpuprof \
            os/fault os/userfault wire/irq
$(IRQ_SRC:%=$(KBUILD)/gort/%.c.o): KFLAGS += -mgeneral-regs-only
