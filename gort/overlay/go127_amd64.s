//go:build go1.27

// Go 1.27: the compiler calls an allocation function for each small size class, unless
// GOEXPERIMENT=nosizespecializedmalloc. Their arguments are mallocgc's: size, type, needzero.
#include "textflag.h"

#define ALLOCATES(name) \
TEXT name<ABIInternal>(SB), NOSPLIT|NOFRAME, $0-32 \
	JMP	·mallocgc<ABIInternal>(SB)

ALLOCATES(·mallocgcTinySC2)
ALLOCATES(·mallocgcSmallNoScanSC1)
ALLOCATES(·mallocgcSmallNoScanSC2)
ALLOCATES(·mallocgcSmallNoScanSC3)
ALLOCATES(·mallocgcSmallNoScanSC4)
ALLOCATES(·mallocgcSmallNoScanSC5)
ALLOCATES(·mallocgcSmallNoScanSC6)
ALLOCATES(·mallocgcSmallNoScanSC7)
ALLOCATES(·mallocgcSmallScanNoHeaderSC1)
ALLOCATES(·mallocgcSmallScanNoHeaderSC2)
ALLOCATES(·mallocgcSmallScanNoHeaderSC3)
ALLOCATES(·mallocgcSmallScanNoHeaderSC4)
ALLOCATES(·mallocgcSmallScanNoHeaderSC5)
ALLOCATES(·mallocgcSmallScanNoHeaderSC6)
ALLOCATES(·mallocgcSmallScanNoHeaderSC7)
