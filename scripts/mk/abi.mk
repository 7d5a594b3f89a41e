# abi.mk - layouts and numbers that C shares with Go's toolchain: gort/abi/facts has a file for each
# release line, gort/abi/goabi.h merges them. Both are committed; a usual build makes neither.
# `make abi` asks go for each line's toolchain (it fetches those that are not there).
abi:
	@for v in $$(scripts/gort lines); do echo "  ABI $$v"; \
	    GOTOOLCHAIN=$$v go run ./scripts/abigen -o gort/abi/facts/$${v%.*}.json || exit 1; done
	go run ./scripts/abigen -overlay gort/overlay -o gort/abi/facts/overlay.json
	scripts/gen-goabi -header gort/abi/goabi.h

.PHONY: abi
