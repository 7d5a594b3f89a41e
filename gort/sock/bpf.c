/* bpf.c - see bpf.h. */
#include "gort/sock/bpf.h"

/* linux/bpf_common.h: class | size | mode, and class | operation | source. */
enum { LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, RET = 6, MISC = 7 };
enum { W = 0x00, H = 0x08, B = 0x10 };
enum { IMM = 0x00, ABS = 0x20, IND = 0x40, MEM = 0x60, LEN = 0x80, MSH = 0xa0 };
enum { ADD = 0x00, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50, LSH = 0x60,
       RSH = 0x70, NEG = 0x80, MOD = 0x90, XOR = 0xa0 };
enum { JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40 };
enum { K = 0x00, X = 0x08, A = 0x10 };     /* where an operand is; A only in RET */
enum { TAX = 0x00, TXA = 0x80 };
#define CLASS(code) ((code) & 7)
#define OP(code)    ((code) & 0xf0)

#define SCRATCH 16      /* words of scratch memory */
/* linux/filter.h: loads from AD_OFF on ask for what the packet does not contain, those from LL_OFF
 * on for the headers of the link and of IP, those between 2^31 and LL_OFF for nothing. */
#define AD_OFF 0xfffff000u
#define LL_OFF 0xffe00000u
enum { AD_PROTOCOL = 0, AD_IFINDEX = 8, AD_CPU = 36, AD_ALU_XOR_X = 40, AD_RANDOM = 56 };

/* ---- which programs ------------------------------------------------------------------------ */

static bool is_load(uint16_t code)
{
    uint16_t mode = code & 0xe0, size = code & 0x18;

    if (code & 0xff00)
        return false;
    if (CLASS(code) == LDX)
        return code == (LDX | W | IMM) || code == (LDX | W | MEM) || code == (LDX | W | LEN) ||
               code == (LDX | B | MSH);
    if (mode == ABS || mode == IND)
        return size == W || size == H || size == B;
    return size == W && (mode == IMM || mode == MEM || mode == LEN);
}

static bool is_known(uint16_t code)
{
    switch (CLASS(code)) {
    case LD:
    case LDX:
        return is_load(code);
    case ST:
    case STX:
        return code == ST || code == STX;
    case ALU:
        return code == (ALU | NEG) || (code <= (ALU | XOR | X) && OP(code) != NEG);
    case JMP:
        return code == (JMP | JA) || (code >= (JMP | JEQ) && code <= (JMP | JSET | X));
    case RET:
        return code == (RET | K) || code == (RET | A);
    default:
        return code == (MISC | TAX) || code == (MISC | TXA);
    }
}

static bool is_answered(uint32_t k)
{
    switch (k - AD_OFF) {
    case AD_PROTOCOL: case AD_IFINDEX: case AD_CPU: case AD_ALU_XOR_X: case AD_RANDOM:
        return true;
    }
    return false;
}

/* Headers in front of what the filter sees are not at hand. An indirect load that comes to them is
 * only seen when it runs: it fails. */
static bool is_operand_valid(const struct bpf_insn *i)
{
    uint16_t op = OP(i->code);

    switch (CLASS(i->code)) {
    case LD:
        if ((i->code & 0xe0) == ABS)
            return i->k < LL_OFF || is_answered(i->k);
        return i->code != (LD | W | MEM) || i->k < SCRATCH;
    case LDX:
        return i->code != (LDX | W | MEM) || i->k < SCRATCH;
    case ST:
    case STX:
        return i->k < SCRATCH;
    case ALU:
        if (i->code & X)
            return true;
        return !((op == DIV || op == MOD) && i->k == 0) &&
               !((op == LSH || op == RSH) && i->k >= 32);
    }
    return true;
}

static bool is_jump_valid(const struct bpf_insn *i, uint32_t left)
{
    if (CLASS(i->code) != JMP)
        return true;
    if (OP(i->code) == JA)
        return i->k < left;
    return i->jt < left && i->jf < left;
}

/* The words that are written on all paths to each instruction, as bits: known once those before it
 * are looked at, since jumps lead forward. As for Linux, what follows a return is looked at as if
 * it went on there. `on` is what the jumps to an instruction bring. */
static bool is_memory_written(const struct bpf_insn *prog, uint32_t n, uint16_t *on)
{
    static const uint16_t all = 0xffff;
    uint16_t now = 0;

    for (uint32_t pc = 0; pc < n; pc++)
        on[pc] = all;
    for (uint32_t pc = 0; pc < n; pc++) {
        const struct bpf_insn *i = &prog[pc];
        now &= on[pc];
        switch (CLASS(i->code)) {
        case ST:
        case STX:
            now |= (uint16_t)(1u << i->k);
            break;
        case LD:
        case LDX:
            if ((i->code & 0xe0) == MEM && !(now >> i->k & 1))
                return false;
            break;
        case JMP:
            if (OP(i->code) == JA) {
                on[pc + 1 + i->k] &= now;
            } else {
                on[pc + 1 + i->jt] &= now;
                on[pc + 1 + i->jf] &= now;
            }
            now = all;
            break;
        }
    }
    return true;
}

bool bpf_valid(const struct bpf_insn *prog, uint32_t n, uint16_t *scratch)
{
    if (n == 0 || n > BPF_PROGRAM_MAX || CLASS(prog[n - 1].code) != RET)
        return false;
    for (uint32_t pc = 0; pc < n; pc++)
        if (!is_known(prog[pc].code) || !is_operand_valid(&prog[pc]) ||
            !is_jump_valid(&prog[pc], n - pc - 1))
            return false;
    return is_memory_written(prog, n, scratch);
}

/* ---- running them -------------------------------------------------------------------------- */

/* `size` bytes at `at`, in network order. False: not all of them are there. */
static bool packet_load(const struct bpf_packet *p, uint32_t at, unsigned size, uint32_t *v)
{
    uint8_t b[4];

    if (at > INT32_MAX || (uint64_t)at + size > p->len || !p->read(p->bytes, at, b, size))
        return false;
    *v = 0;
    for (unsigned i = 0; i < size; i++)
        *v = *v << 8 | b[i];
    return true;
}

static bool answer(const struct bpf_packet *p, uint32_t k, uint32_t a, uint32_t x, uint32_t *v)
{
    switch (k - AD_OFF) {
    case AD_PROTOCOL: *v = p->protocol; break;
    case AD_IFINDEX: *v = p->ifindex; return p->ifindex != 0;
    case AD_CPU: *v = p->cpu; break;
    case AD_RANDOM: *v = p->random(); break;
    case AD_ALU_XOR_X: *v = a ^ x; break;
    default: return false;
    }
    return true;
}

struct state { uint32_t a, x, mem[SCRATCH]; };

static bool load(struct state *s, const struct bpf_insn *i, const struct bpf_packet *p)
{
    static const uint8_t bytes[] = {4, 2, 1};
    uint32_t v = i->k;

    switch (i->code & 0xe0) {
    case MEM: v = s->mem[i->k]; break;
    case LEN: v = p->len; break;
    case MSH:
        if (!packet_load(p, i->k, 1, &v))
            return false;
        v = (v & 15) * 4;
        break;
    case ABS:
        if (i->k >= AD_OFF ? !answer(p, i->k, s->a, s->x, &v)
                           : !packet_load(p, i->k, bytes[i->code >> 3 & 3], &v))
            return false;
        break;
    case IND:
        if (!packet_load(p, s->x + i->k, bytes[i->code >> 3 & 3], &v))
            return false;
    }
    if (CLASS(i->code) == LDX)
        s->x = v;
    else
        s->a = v;
    return true;
}

/* False: a division by zero. */
static bool compute(struct state *s, const struct bpf_insn *i)
{
    uint32_t v = i->code & X ? s->x : i->k;

    switch (OP(i->code)) {
    case ADD: s->a += v; break;
    case SUB: s->a -= v; break;
    case MUL: s->a *= v; break;
    case OR: s->a |= v; break;
    case AND: s->a &= v; break;
    case XOR: s->a ^= v; break;
    case NEG: s->a = -s->a; break;
    case LSH: s->a <<= v & 31; break;
    case RSH: s->a >>= v & 31; break;
    case DIV:
    case MOD:
        if (!v)
            return false;
        s->a = OP(i->code) == DIV ? s->a / v : s->a % v;
    }
    return true;
}

static uint32_t skip(const struct state *s, const struct bpf_insn *i)
{
    uint32_t v = i->code & X ? s->x : i->k;

    switch (OP(i->code)) {
    case JA: return i->k;
    case JEQ: return s->a == v ? i->jt : i->jf;
    case JGT: return s->a > v ? i->jt : i->jf;
    case JGE: return s->a >= v ? i->jt : i->jf;
    default: return s->a & v ? i->jt : i->jf;
    }
}

uint32_t bpf_run(const struct bpf_insn *i, const struct bpf_packet *p)
{
    struct state s = {0};

    for (;; i++)
        switch (CLASS(i->code)) {
        case LD:
        case LDX:
            if (!load(&s, i, p))
                return 0;
            break;
        case ST: s.mem[i->k] = s.a; break;
        case STX: s.mem[i->k] = s.x; break;
        case ALU:
            if (!compute(&s, i))
                return 0;
            break;
        case JMP: i += skip(&s, i); break;
        case RET: return i->code & A ? s.a : i->k;
        case MISC:
            if (i->code & TXA)
                s.a = s.x;
            else
                s.x = s.a;
        }
}
