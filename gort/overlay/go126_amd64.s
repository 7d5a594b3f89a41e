//go:build !go1.27

// Go 1.26: the hash functions that compiled code calls are assembly of package runtime's own.
#include "textflag.h"

TEXT ·memhash<ABIInternal>(SB), NOSPLIT, $0-32
	JMP	·memhashFallback<ABIInternal>(SB)

TEXT ·strhash<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·strhashFallback<ABIInternal>(SB)

TEXT ·memhash32<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·memhash32Fallback<ABIInternal>(SB)

TEXT ·memhash64<ABIInternal>(SB), NOSPLIT, $0-24
	JMP	·memhash64Fallback<ABIInternal>(SB)
