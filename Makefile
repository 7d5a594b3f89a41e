# gort - make run: boots apps/hello under UEFI; make test: all tests; make test-slow: more.
#
# make install: puts the command `gort` on the PATH (PREFIX=~/.local).
#
# Rules for the kernel are in scripts/mk/kernel.mk, for the loader in scripts/mk/boot.mk.
# Everything that is built goes under build/.
ifeq ($(origin CC),default)
CC := gcc
endif
BUILD   := build
GEN     := $(BUILD)/gen
NEWLIB  := $(shell scripts/build-newlib --path)
LWIP    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gort/sources/lwip/src
SMP     ?= 2
APP     ?= ./apps/hello
BOOTS   ?= sched_token

all: kernel loader libgort

include $(wildcard scripts/mk/*.mk)

# What is built; scripts/mk/*.mk say how.
kernel: $(BUILD)/gort.elf
loader: $(BUILD)/BOOTX64.EFI

# ---- generated sources ----------------------------------------------------------------
GEN_FILES := $(GEN)/rt_frames.h $(GEN)/rt_table.c $(GEN)/zgates_amd64.s $(GEN)/rt_entries.json \
	$(GEN)/zregs_amd64.s $(GEN)/zcalls.go $(GEN)/zmoduledata_go126.go

$(GEN)/.stamp: scripts/gen-abi scripts/lib/abiregs.py gort/abi/registers.def \
		scripts/gen-goabi $(wildcard gort/abi/entries/*.def gort/abi/facts/*.json)
	@mkdir -p $(GEN)
	scripts/gen-abi -o $(GEN)
	scripts/gen-goabi -go $(GEN)
	@touch $@
$(GEN_FILES): $(GEN)/.stamp ;
gen: $(GEN)/.stamp

$(NEWLIB)/lib/libc.a:
	scripts/build-newlib
newlib: $(NEWLIB)/lib/libc.a

# ---- running and testing --------------------------------------------------------------
setup:
	@scripts/setup run
setup-test:
	@scripts/setup test
build-all: setup
	@$(MAKE) --no-print-directory -j2 all

# The command in $(PREFIX)/bin is a link: it uses this directory and what was built in it.
PREFIX ?= $(HOME)/.local
install: build-all
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	ln -sfn $(CURDIR)/scripts/gort $(DESTDIR)$(PREFIX)/bin/gort
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; \
	    *) echo "gort is in $(PREFIX)/bin, which is not in your PATH" ;; esac
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/gort

run: build-all
	scripts/gort run -smp $(SMP) $(APP)

# Programs: Go's newest line whole, a sample of the others. Go's own programs come with an installed
# go alone, so they are those of its line. The count of tests/run is the last line.
test: build-tests
	@$(MAKE) --no-print-directory lint
	scripts/conformance -sample 60
	scripts/conformance-std -sample
	scripts/zoo -sample
	tests/run -go all
# The same on the host's own CPU: docs/HARDWARE.md says what only this reaches.
test-kvm: kvm-there build-tests
	GORT_ACCEL=kvm tests/run
kvm-there:
	@test -r /dev/kvm -a -w /dev/kvm || { echo "make test-kvm: /dev/kvm is missing, or you may" \
	    "not open it: KVM needs Linux on real hardware (or nested virtualisation) and the" \
	    "group kvm" >&2; exit 1; }
test-slow: build-tests
	@scripts/setup slow
	tests/run -slow
# Hours: 500 boots of a mixed load, then the same programs with long arguments.
soak: build-tests
	tests/run soak
# Two hundred boots of a program that uses both CPUs: 200 equal results.
boots: build-tests
	tests/run programs -smp 2 -count 200 -k '^$(BOOTS)$$'
# TCP against the host's Linux over a tap, in a network namespace of its own: needs root. Then a
# service in a guest: several queues, floods, churn.
test-tap: all
	tests/tap/run
	tests/tap/guest
build-tests: setup-test
	@$(MAKE) --no-print-directory -j2 all $(BUILD)/machine.elf $(BUILD)/gort-nobarrier.elf \
		$(BUILD)/tests/bootinfo.elf

conformance: setup-test
	@$(MAKE) --no-print-directory all
	scripts/conformance

# Suites of other people's modules, fetched by Go's module proxy: hours. docs/ZOO.md is its table.
zoo: setup-test
	@$(MAKE) --no-print-directory all
	scripts/zoo

# Ratios against the same programs on Linux in the same QEMU: rounds of some minutes.
ROUNDS ?= 3
bench-setup:
	@scripts/setup bench
	@$(MAKE) --no-print-directory -j2 all
bench: bench-setup
	scripts/bench -n $(ROUNDS) all
bench-gc bench-sched: bench-%: bench-setup
	scripts/bench -n $(ROUNDS) $*
# As root: a tap in a namespace of its own.
bench-net: bench-setup
	scripts/bench-net -linux -o docs/BENCH-NET.md

conformance-std: setup-test
	@$(MAKE) --no-print-directory all
	scripts/conformance-std

# Another release of Go, say a beta: what differs, then std and hello are built with it.
# NEXT is its GOROOT, PREVIOUS that of a release that gort is for.
PREVIOUS ?= $(shell GOTOOLCHAIN=$(NEWEST_GO) go env GOROOT)
go-next: build-all
	@test -n "$(NEXT)" || { echo "make go-next NEXT=GOROOT"; exit 1; }
	scripts/go-surface -v $(PREVIOUS) $(NEXT)
	scripts/gort try-go $(NEXT) std
	scripts/gort try-go $(NEXT) -o $(BUILD)/next.elf ./apps/hello

# Go's compiler, assembler and linker, built by themselves on gort: hours. It goes on where it was.
selfhost: build-all
	scripts/selfhost $(SELFHOST)

# A profile taken on gort against one taken on Linux: half an hour. It goes on where it was.
pgo: bench-setup
	scripts/pgo -o docs/PGO.md

# Collectors, schedulers, stacks as they were, in charts: twenty minutes. It goes on where it was.
history:
	@scripts/setup history
	@$(MAKE) --no-print-directory -j2 all
	scripts/history

gdb: build-all
	scripts/gort debug -smp $(SMP) $(APP)

# ---- habits ---------------------------------------------------------------------------
lint: format-check includes unused docs-check own-lines size-report
format-check:
	scripts/check-format
includes: $(BUILD)/gort.elf
	scripts/check-includes
unused: $(BUILD)/gort.elf
	scripts/check-unused
docs-check:
	scripts/check-docs
own-lines:
	scripts/check-own
size-report:
	scripts/size-report

clean:
	rm -rf $(BUILD)

.PHONY: all zoo kernel loader gen newlib setup setup-test build-all build-tests install uninstall \
	run test test-kvm kvm-there test-slow test-tap soak boots conformance conformance-std \
	bench bench-setup bench-gc bench-sched bench-net go-next gdb lint format-check includes \
	selfhost pgo history unused docs-check own-lines size-report clean
.DELETE_ON_ERROR:
