/* offsets.c - what cgate.S and capp/lib know of struct cg. */
#include "gort/abi/offset.h"
#include "gort/capp/cgoroutine.h"

void offsets(void);
void offsets(void)
{
    OFFSET(CG_C_PRIVATE, struct cg, c_private);
    OFFSET(CG_GATE_FRAME, struct cg, gate_frame);
}
