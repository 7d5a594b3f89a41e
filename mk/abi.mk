# abi.mk - runtime/abi/goabi.h, from the sources of the installed Go. Its output is committed.
abi:
	go run ./scripts/abigen -overlay runtime/overlay/runtime2.go -o runtime/abi/goabi.h

.PHONY: abi
