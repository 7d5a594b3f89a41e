# abi.mk - gort/abi/goabi.h, from the sources of the installed Go. Its output is committed.
abi:
	go run ./scripts/abigen -overlay gort/overlay/runtime2.go -o gort/abi/goabi.h

.PHONY: abi
