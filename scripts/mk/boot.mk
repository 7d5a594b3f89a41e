# boot.mk - the UEFI loader: build/BOOTX64.EFI, from GNU-EFI's start code and linker script.

EFI_LIB      ?= /usr/lib
EFI_INC      ?= /usr/include/efi
EFI_CC       ?= gcc
EFI_CFLAGS   := -std=c17 -Os -g -ffreestanding -fpic -fshort-wchar -mno-red-zone \
	-fno-stack-protector -fno-strict-aliasing -fno-builtin -mgeneral-regs-only \
	-fcf-protection=none -fno-asynchronous-unwind-tables -DGNU_EFI_USE_MS_ABI \
	-Wall -Wextra -Werror -I. -isystem $(EFI_INC) -isystem $(EFI_INC)/x86_64
EFI_SECTIONS := .text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

EFI_SRCS := $(wildcard boot/uefi/*.c) boot/uefi/handoff.S boot/uefi/la57.S \
	boot/pvh/memmap.c boot/common/elf.c boot/common/cpio.c
EFI_OBJS := $(EFI_SRCS:%=build/uefi/%.o)

build/uefi/%.c.o: %.c
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_CFLAGS) -MMD -MP -c $< -o $@

build/uefi/%.S.o: %.S
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_CFLAGS) -MMD -MP -c $< -o $@

build/uefi/loader.so: $(EFI_OBJS)
	ld -nostdlib -znocombreloc -shared -Bsymbolic --no-undefined -T $(EFI_LIB)/elf_x86_64_efi.lds \
		$(EFI_LIB)/crt0-efi-x86_64.o $(EFI_OBJS) -L$(EFI_LIB) -lgnuefi -o $@

build/BOOTX64.EFI: build/uefi/loader.so
	objcopy $(EFI_SECTIONS:%=-j %) --target efi-app-x86_64 --subsystem 10 $< $@.tmp
	mv $@.tmp $@

.PHONY: loader
loader: build/BOOTX64.EFI

-include $(EFI_OBJS:.o=.d)

# A kernel that prints what it was booted with: for tests of the loader.
build/tests/bootinfo.elf: tests/kernels/bootinfo.c tests/kernels/bootinfo.lds boot/boot_info.h
	@mkdir -p $(@D)
	gcc -std=c17 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
		-fno-stack-protector -fcf-protection=none -Wall -Wextra -Werror -I. -nostdlib -static \
		-Wl,-T,tests/kernels/bootinfo.lds -Wl,--build-id=none -Wl,-z,max-page-size=4096 $< -o $@
