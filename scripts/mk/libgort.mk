# libgort.mk - gort/capp/lib -> build/libgort.a: what every C app is linked with, beside newlib.
LIBGORT_OBJ := $(patsubst gort/capp/lib/%,$(BUILD)/libgort/%.o,$(wildcard gort/capp/lib/*.c))
# As scripts/lib/cbuild.py compiles C apps.
CAPP_FLAGS := -std=gnu17 -O2 -g -fno-pic -fno-stack-protector -fno-omit-frame-pointer \
	-fstack-clash-protection -fcf-protection=none -U__linux__ -Ulinux -U__unix__ -Uunix \
	-U__gnu_linux__ -D__DYNAMIC_REENT__ -D_POSIX_TIMERS=200809L \
	-D_POSIX_MONOTONIC_CLOCK=200809L -nostdinc -isystem gort/capp/lib/include \
	-isystem $(NEWLIB)/include -isystem $(shell $(CC) -print-file-name=include) -Igort/capp/lib

$(BUILD)/libgort/%.c.o: gort/capp/lib/%.c | $(GEN)/.stamp $(GEN)/offsets.h $(NEWLIB)/lib/libc.a
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CAPP_FLAGS) -Wall -Wextra -Werror -I. -I$(GEN) -MMD -MP -c -o $@ $<
$(BUILD)/libgort.a: $(LIBGORT_OBJ)
	@echo "  AR $@"
	@rm -f $@; ar rc $@ $(LIBGORT_OBJ)
libgort: $(BUILD)/libgort.a
.PHONY: libgort
-include $(LIBGORT_OBJ:.o=.d)
