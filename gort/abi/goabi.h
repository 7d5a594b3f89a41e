/* goabi.h - layouts and numbers that C shares with Go's toolchain.
 *
 * Written by scripts/gen-goabi from gort/abi/facts (go1.26, go1.27; linux/amd64): do not edit,
 * run `make abi`. */
#ifndef GORT_ABI_GOABI_H
#define GORT_ABI_GOABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/abi/gotypes.h"

#define GOABI_AT(t, f, o) _Static_assert(offsetof(t, f) == (o), #t "." #f)
#define GOABI_SIZE(t, n) _Static_assert(sizeof(t) == (n), "size of " #t)

/* The facts that differ between the release lines. */
struct go_line;
extern const struct go_line *go_line; /* [const after app_load] the loaded program's */
/* The line of a version, such as "go1.27.3"; NULL: gort runs no programs of that line. */
const struct go_line *go_line_of(const char *version, int64_t len);

#define FUNCDATA_ARG_INFO 5
#define FUNCDATA_ARG_LIVE_INFO 6
#define FUNCDATA_ARGS_POINTER_MAPS 0
#define FUNCDATA_INL_TREE 3
#define FUNCDATA_LOCALS_POINTER_MAPS 1
#define FUNCDATA_OPEN_CODED_DEFER_INFO 4
#define FUNCDATA_STACK_OBJECTS 2
#define FUNCDATA_WRAP_INFO 7

#define PCDATA_ARG_LIVE_INDEX 3
#define PCDATA_INL_TREE_INDEX 2
#define PCDATA_PANIC_BOUNDS 4
#define PCDATA_STACK_MAP_INDEX 1
#define PCDATA_UNSAFE_POINT 0

#define UNSAFE_POINT_RESTART1 (-3)
#define UNSAFE_POINT_RESTART2 (-4)
#define UNSAFE_POINT_RESTART_AT_ENTRY (-5)
#define UNSAFE_POINT_SAFE (-1)
#define UNSAFE_POINT_UNSAFE (-2)

#define FUNCID_ABORT 1
#define FUNCID_ASMCGOCALL 2
#define FUNCID_ASYNC_PREEMPT 3
#define FUNCID_CGOCALLBACK 4
#define FUNCID_COROSTART 5
#define FUNCID_DEBUG_CALL_V2 6
#define FUNCID_GC_BG_MARK_WORKER 7
#define FUNCID_GOEXIT 8
#define FUNCID_GOGO 9
#define FUNCID_GOPANIC 10
#define FUNCID_HANDLE_ASYNC_EVENT 11
#define FUNCID_MCALL 12
#define FUNCID_MORESTACK 13
#define FUNCID_MSTART 14
#define FUNCID_PANICWRAP 15
#define FUNCID_RT0_GO 16
#define FUNCID_RUN_CLEANUPS 19
#define FUNCID_RUN_FINALIZERS 18
#define FUNCID_RUNTIME_MAIN 17
#define FUNCID_SIGPANIC 20
#define FUNCID_SYSTEMSTACK 21
#define FUNCID_SYSTEMSTACK_SWITCH 22
#define FUNCID_NORMAL 0
#define FUNCID_WRAPPER 23

#define FUNCFLAG_ASM 4
#define FUNCFLAG_SPWRITE 2
#define FUNCFLAG_TOP_FRAME 1

#define TFLAG_DIRECT_IFACE 32
#define TFLAG_EXTRA_STAR 2
#define TFLAG_GCMASK_ON_DEMAND 16
#define TFLAG_NAMED 4
#define TFLAG_REGULAR_MEMORY 8
#define TFLAG_UNCOMMON 1

#define KIND_DIRECT_IFACE 32

#define TRACE_ARGS_DOTDOTDOT 252
#define TRACE_ARGS_END_AGG 253
#define TRACE_ARGS_END_SEQ 255
#define TRACE_ARGS_LIMIT 10
#define TRACE_ARGS_MAX_DEPTH 5
#define TRACE_ARGS_MAX_LEN 171
#define TRACE_ARGS_OFFSET_TOO_LARGE 251
#define TRACE_ARGS_SPECIAL 240
#define TRACE_ARGS_START_AGG 254

#define GO_MAP_CTRL_EMPTY 0x8080808080808080ul
#define GO_MAP_GROUP_SLOTS 8
#define GO_MAP_GROUP_SLOTS_BITS 3
#define GO_MAP_HASH_MIGHT_PANIC 2
#define GO_MAP_INDIRECT_ELEM 8
#define GO_MAP_INDIRECT_KEY 4
#define GO_MAP_MAX_ELEM_BYTES 128
#define GO_MAP_MAX_KEY_BYTES 128
#define GO_MAP_NEED_KEY_UPDATE 1

#define PCLNTAB_MAGIC 0xfffffff1l

#define FUNCTAB_BUCKET_SIZE 4096

#define ARGS_SIZE_UNKNOWN (-2147483648)

#define GO_INT_ARG_REGS 9

#define GO_FLOAT_ARG_REGS 15

#define GO_ZERO_VAL_SIZE 1024

#define GO_STACK_NOSPLIT_BASE 800

#define GO_STACK_SMALL 128

#define GO_STACK_BIG 4096

#define GO_STACK_MIN 2048

#define GO_STACK_FIXED 2048

#define GO_STACK_NOSPLIT 800

#define GO_STACK_GUARD 928

#define GO_STACK_PREEMPT 0xfffffffffffffadeul

#define TRACEBACK_INNER_FRAMES 50

#define TRACEBACK_OUTER_FRAMES 50

#define GO_HEAP_ARENA_BYTES 67108864

#define GO_MIN_LEGAL_POINTER 4096

#define GC_LARGE_SIZE_DIV 128
#define GC_MALLOC_HEADER_SIZE 8
#define GC_MAX_OBJS_PER_SPAN 1024
#define GC_MAX_SIZE_CLASS_NPAGES 10
#define GC_MAX_SMALL_SIZE 32768
#define GC_MIN_HEAP_ALIGN 8
#define GC_MIN_SIZE_FOR_MALLOC_HEADER 512
#define GC_NUM_SIZE_CLASSES 68
#define GC_PAGE_SHIFT 13
#define GC_PAGE_SIZE 8192
#define GC_PAGE_WORDS 1024
#define GC_SMALL_SIZE_DIV 8
#define GC_SMALL_SIZE_MAX 1024
#define GC_TINY_SIZE 16
#define GC_TINY_SIZE_CLASS 2

#define KIND_BOOL 1
#define KIND_INT 2
#define KIND_INT8 3
#define KIND_INT16 4
#define KIND_INT32 5
#define KIND_INT64 6
#define KIND_UINT 7
#define KIND_UINT8 8
#define KIND_UINT16 9
#define KIND_UINT32 10
#define KIND_UINT64 11
#define KIND_UINTPTR 12
#define KIND_FLOAT32 13
#define KIND_FLOAT64 14
#define KIND_COMPLEX64 15
#define KIND_COMPLEX128 16
#define KIND_ARRAY 17
#define KIND_CHAN 18
#define KIND_FUNC 19
#define KIND_INTERFACE 20
#define KIND_MAP 21
#define KIND_POINTER 22
#define KIND_SLICE 23
#define KIND_STRING 24
#define KIND_STRUCT 25
#define KIND_UNSAFE_POINTER 26

/* runtime.bitvector */
struct bitvector {
    int32_t n; /* 0 */
    uint8_t *bytedata; /* 8 */
};
GOABI_SIZE(struct bitvector, 16);
GOABI_AT(struct bitvector, n, 0);
GOABI_AT(struct bitvector, bytedata, 8);

/* runtime.pcHeader */
struct pc_header {
    uint32_t magic; /* 0 */
    uint8_t pad1; /* 4 */
    uint8_t pad2; /* 5 */
    uint8_t min_lc; /* 6 */
    uint8_t ptr_size; /* 7 */
    int64_t nfunc; /* 8 */
    uint64_t nfiles; /* 16 */
    uintptr_t pad_24; /* 24 */
    uintptr_t funcname_offset; /* 32 */
    uintptr_t cu_offset; /* 40 */
    uintptr_t filetab_offset; /* 48 */
    uintptr_t pctab_offset; /* 56 */
    uintptr_t pcln_offset; /* 64 */
};
GOABI_SIZE(struct pc_header, 72);
GOABI_AT(struct pc_header, magic, 0);
GOABI_AT(struct pc_header, pad1, 4);
GOABI_AT(struct pc_header, pad2, 5);
GOABI_AT(struct pc_header, min_lc, 6);
GOABI_AT(struct pc_header, ptr_size, 7);
GOABI_AT(struct pc_header, nfunc, 8);
GOABI_AT(struct pc_header, nfiles, 16);
GOABI_AT(struct pc_header, pad_24, 24);
GOABI_AT(struct pc_header, funcname_offset, 32);
GOABI_AT(struct pc_header, cu_offset, 40);
GOABI_AT(struct pc_header, filetab_offset, 48);
GOABI_AT(struct pc_header, pctab_offset, 56);
GOABI_AT(struct pc_header, pcln_offset, 64);

/* runtime.functab */
struct functab {
    uint32_t entryoff; /* 0 */
    uint32_t funcoff; /* 4 */
};
GOABI_SIZE(struct functab, 8);
GOABI_AT(struct functab, entryoff, 0);
GOABI_AT(struct functab, funcoff, 4);

/* runtime.textsect */
struct textsect {
    uintptr_t vaddr; /* 0 */
    uintptr_t end; /* 8 */
    uintptr_t baseaddr; /* 16 */
};
GOABI_SIZE(struct textsect, 24);
GOABI_AT(struct textsect, vaddr, 0);
GOABI_AT(struct textsect, end, 8);
GOABI_AT(struct textsect, baseaddr, 16);

/* runtime.findfuncbucket */
struct findfuncbucket {
    uint32_t idx; /* 0 */
    uint8_t subbuckets[16]; /* 4 */
};
GOABI_SIZE(struct findfuncbucket, 20);
GOABI_AT(struct findfuncbucket, idx, 0);
GOABI_AT(struct findfuncbucket, subbuckets, 4);

/* runtime.moduledata */
struct moduledata {
    struct pc_header *pc_header; /* 0 */
    struct goslice funcnametab; /* 8 */
    struct goslice cutab; /* 32 */
    struct goslice filetab; /* 56 */
    struct goslice pctab; /* 80 */
    struct goslice pclntable; /* 104 */
    struct goslice ftab; /* 128 */
    uintptr_t findfunctab; /* 152 */
    uintptr_t minpc; /* 160 */
    uintptr_t maxpc; /* 168 */
    uintptr_t text; /* 176 */
    uintptr_t etext; /* 184 */
    uintptr_t noptrdata; /* 192 */
    uintptr_t enoptrdata; /* 200 */
    uintptr_t data; /* 208 */
    uintptr_t edata; /* 216 */
    uintptr_t bss; /* 224 */
    uintptr_t ebss; /* 232 */
    uintptr_t noptrbss; /* 240 */
    uintptr_t enoptrbss; /* 248 */
    uintptr_t covctrs; /* 256 */
    uintptr_t ecovctrs; /* 264 */
    uintptr_t end; /* 272 */
    uintptr_t gcdata; /* 280 */
    uintptr_t gcbss; /* 288 */
    uintptr_t types; /* 296 */
    uint8_t by_line_304[288] __attribute__((aligned(8)));
};
GOABI_SIZE(struct moduledata, 592);
GOABI_AT(struct moduledata, pc_header, 0);
GOABI_AT(struct moduledata, funcnametab, 8);
GOABI_AT(struct moduledata, cutab, 32);
GOABI_AT(struct moduledata, filetab, 56);
GOABI_AT(struct moduledata, pctab, 80);
GOABI_AT(struct moduledata, pclntable, 104);
GOABI_AT(struct moduledata, ftab, 128);
GOABI_AT(struct moduledata, findfunctab, 152);
GOABI_AT(struct moduledata, minpc, 160);
GOABI_AT(struct moduledata, maxpc, 168);
GOABI_AT(struct moduledata, text, 176);
GOABI_AT(struct moduledata, etext, 184);
GOABI_AT(struct moduledata, noptrdata, 192);
GOABI_AT(struct moduledata, enoptrdata, 200);
GOABI_AT(struct moduledata, data, 208);
GOABI_AT(struct moduledata, edata, 216);
GOABI_AT(struct moduledata, bss, 224);
GOABI_AT(struct moduledata, ebss, 232);
GOABI_AT(struct moduledata, noptrbss, 240);
GOABI_AT(struct moduledata, enoptrbss, 248);
GOABI_AT(struct moduledata, covctrs, 256);
GOABI_AT(struct moduledata, ecovctrs, 264);
GOABI_AT(struct moduledata, end, 272);
GOABI_AT(struct moduledata, gcdata, 280);
GOABI_AT(struct moduledata, gcbss, 288);
GOABI_AT(struct moduledata, types, 296);
/* typedesclen: go1.27 alone */
/* itaboffset: go1.27 alone */
/* itabsize: go1.27 alone */
/* typelinks: go1.26 alone */
/* itablinks: go1.26 alone */

/* runtime._func */
struct func_entry {
    uint32_t entry_off; /* 0 */
    int32_t name_off; /* 4 */
    int32_t args; /* 8 */
    uint32_t deferreturn; /* 12 */
    uint32_t pcsp; /* 16 */
    uint32_t pcfile; /* 20 */
    uint32_t pcln; /* 24 */
    uint32_t npcdata; /* 28 */
    uint32_t cu_offset; /* 32 */
    int32_t start_line; /* 36 */
    uint8_t func_id; /* 40 */
    uint8_t flag; /* 41 */
    uint8_t pad_42[1]; /* 42 */
    uint8_t nfuncdata; /* 43 */
};
GOABI_SIZE(struct func_entry, 44);
GOABI_AT(struct func_entry, entry_off, 0);
GOABI_AT(struct func_entry, name_off, 4);
GOABI_AT(struct func_entry, args, 8);
GOABI_AT(struct func_entry, deferreturn, 12);
GOABI_AT(struct func_entry, pcsp, 16);
GOABI_AT(struct func_entry, pcfile, 20);
GOABI_AT(struct func_entry, pcln, 24);
GOABI_AT(struct func_entry, npcdata, 28);
GOABI_AT(struct func_entry, cu_offset, 32);
GOABI_AT(struct func_entry, start_line, 36);
GOABI_AT(struct func_entry, func_id, 40);
GOABI_AT(struct func_entry, flag, 41);
GOABI_AT(struct func_entry, pad_42, 42);
GOABI_AT(struct func_entry, nfuncdata, 43);

/* runtime.stackmap */
struct stackmap {
    int32_t n; /* 0 */
    int32_t nbit; /* 4 */
    uint8_t bytedata[1]; /* 8 */
};
GOABI_SIZE(struct stackmap, 12);
GOABI_AT(struct stackmap, n, 0);
GOABI_AT(struct stackmap, nbit, 4);
GOABI_AT(struct stackmap, bytedata, 8);

/* runtime.stackObjectRecord */
struct stack_object_record {
    int32_t off; /* 0 */
    int32_t size; /* 4 */
    int32_t ptr_bytes; /* 8 */
    uint32_t gcdataoff; /* 12 */
};
GOABI_SIZE(struct stack_object_record, 16);
GOABI_AT(struct stack_object_record, off, 0);
GOABI_AT(struct stack_object_record, size, 4);
GOABI_AT(struct stack_object_record, ptr_bytes, 8);
GOABI_AT(struct stack_object_record, gcdataoff, 12);

/* runtime.inlinedCall */
struct inlined_call {
    uint8_t func_id; /* 0 */
    uint8_t pad_1[3]; /* 1 */
    int32_t name_off; /* 4 */
    int32_t parent_pc; /* 8 */
    int32_t start_line; /* 12 */
};
GOABI_SIZE(struct inlined_call, 16);
GOABI_AT(struct inlined_call, func_id, 0);
GOABI_AT(struct inlined_call, pad_1, 1);
GOABI_AT(struct inlined_call, name_off, 4);
GOABI_AT(struct inlined_call, parent_pc, 8);
GOABI_AT(struct inlined_call, start_line, 12);

/* runtime.reflectMethodValue */
struct reflect_method_value {
    uintptr_t fn; /* 0 */
    struct bitvector *stack; /* 8 */
    uintptr_t arg_len; /* 16 */
};
GOABI_SIZE(struct reflect_method_value, 24);
GOABI_AT(struct reflect_method_value, fn, 0);
GOABI_AT(struct reflect_method_value, stack, 8);
GOABI_AT(struct reflect_method_value, arg_len, 16);

/* internal/abi.Type */
struct go_type {
    uintptr_t size; /* 0 */
    uintptr_t ptr_bytes; /* 8 */
    uint32_t hash; /* 16 */
    uint8_t tflag; /* 20 */
    uint8_t align; /* 21 */
    uint8_t field_align; /* 22 */
    uint8_t kind; /* 23 */
    void *equal; /* 24 */
    uint8_t *gcdata; /* 32 */
    int32_t str; /* 40 */
    int32_t ptr_to_this; /* 44 */
};
GOABI_SIZE(struct go_type, 48);
GOABI_AT(struct go_type, size, 0);
GOABI_AT(struct go_type, ptr_bytes, 8);
GOABI_AT(struct go_type, hash, 16);
GOABI_AT(struct go_type, tflag, 20);
GOABI_AT(struct go_type, align, 21);
GOABI_AT(struct go_type, field_align, 22);
GOABI_AT(struct go_type, kind, 23);
GOABI_AT(struct go_type, equal, 24);
GOABI_AT(struct go_type, gcdata, 32);
GOABI_AT(struct go_type, str, 40);
GOABI_AT(struct go_type, ptr_to_this, 44);

/* internal/abi.UncommonType */
struct go_uncommon_type {
    int32_t pkg_path; /* 0 */
    uint16_t mcount; /* 4 */
    uint16_t xcount; /* 6 */
    uint32_t moff; /* 8 */
    uint32_t pad_12; /* 12 */
};
GOABI_SIZE(struct go_uncommon_type, 16);
GOABI_AT(struct go_uncommon_type, pkg_path, 0);
GOABI_AT(struct go_uncommon_type, mcount, 4);
GOABI_AT(struct go_uncommon_type, xcount, 6);
GOABI_AT(struct go_uncommon_type, moff, 8);
GOABI_AT(struct go_uncommon_type, pad_12, 12);

/* internal/abi.Method */
struct go_method {
    int32_t name; /* 0 */
    int32_t mtyp; /* 4 */
    int32_t ifn; /* 8 */
    int32_t tfn; /* 12 */
};
GOABI_SIZE(struct go_method, 16);
GOABI_AT(struct go_method, name, 0);
GOABI_AT(struct go_method, mtyp, 4);
GOABI_AT(struct go_method, ifn, 8);
GOABI_AT(struct go_method, tfn, 12);

/* internal/abi.Imethod */
struct go_imethod {
    int32_t name; /* 0 */
    int32_t typ; /* 4 */
};
GOABI_SIZE(struct go_imethod, 8);
GOABI_AT(struct go_imethod, name, 0);
GOABI_AT(struct go_imethod, typ, 4);

/* internal/abi.Name */
struct go_name {
    uint8_t *bytes; /* 0 */
};
GOABI_SIZE(struct go_name, 8);
GOABI_AT(struct go_name, bytes, 0);

/* internal/abi.StructField */
struct go_struct_field {
    struct go_name name; /* 0 */
    struct go_type *typ; /* 8 */
    uintptr_t offset; /* 16 */
};
GOABI_SIZE(struct go_struct_field, 24);
GOABI_AT(struct go_struct_field, name, 0);
GOABI_AT(struct go_struct_field, typ, 8);
GOABI_AT(struct go_struct_field, offset, 16);

/* internal/abi.ArrayType */
struct go_array_type {
    struct go_type type; /* 0 */
    struct go_type *elem; /* 48 */
    struct go_type *slice; /* 56 */
    uintptr_t len; /* 64 */
};
GOABI_SIZE(struct go_array_type, 72);
GOABI_AT(struct go_array_type, type, 0);
GOABI_AT(struct go_array_type, elem, 48);
GOABI_AT(struct go_array_type, slice, 56);
GOABI_AT(struct go_array_type, len, 64);

/* internal/abi.ChanType */
struct go_chan_type {
    struct go_type type; /* 0 */
    struct go_type *elem; /* 48 */
    int64_t dir; /* 56 */
};
GOABI_SIZE(struct go_chan_type, 64);
GOABI_AT(struct go_chan_type, type, 0);
GOABI_AT(struct go_chan_type, elem, 48);
GOABI_AT(struct go_chan_type, dir, 56);

/* internal/abi.FuncType */
struct go_func_type {
    struct go_type type; /* 0 */
    uint16_t in_count; /* 48 */
    uint16_t out_count; /* 50 */
};
GOABI_SIZE(struct go_func_type, 56);
GOABI_AT(struct go_func_type, type, 0);
GOABI_AT(struct go_func_type, in_count, 48);
GOABI_AT(struct go_func_type, out_count, 50);

/* internal/abi.InterfaceType */
struct go_interface_type {
    struct go_type type; /* 0 */
    struct go_name pkg_path; /* 48 */
    struct goslice methods; /* 56 */
};
GOABI_SIZE(struct go_interface_type, 80);
GOABI_AT(struct go_interface_type, type, 0);
GOABI_AT(struct go_interface_type, pkg_path, 48);
GOABI_AT(struct go_interface_type, methods, 56);

/* internal/abi.MapType */
struct go_map_type {
    struct go_type type; /* 0 */
    struct go_type *key; /* 48 */
    struct go_type *elem; /* 56 */
    struct go_type *group; /* 64 */
    void *hasher; /* 72 */
    uintptr_t group_size; /* 80 */
    uint8_t by_line_88[48] __attribute__((aligned(8)));
};
GOABI_SIZE(struct go_map_type, 136);
GOABI_AT(struct go_map_type, type, 0);
GOABI_AT(struct go_map_type, key, 48);
GOABI_AT(struct go_map_type, elem, 56);
GOABI_AT(struct go_map_type, group, 64);
GOABI_AT(struct go_map_type, hasher, 72);
GOABI_AT(struct go_map_type, group_size, 80);
/* keys_off: go1.27 alone */
/* key_stride: go1.27 alone */
/* elems_off: go1.27 alone */
/* elem_stride: go1.27 alone */
/* slot_size: go1.26 alone */

/* internal/abi.PtrType */
struct go_ptr_type {
    struct go_type type; /* 0 */
    struct go_type *elem; /* 48 */
};
GOABI_SIZE(struct go_ptr_type, 56);
GOABI_AT(struct go_ptr_type, type, 0);
GOABI_AT(struct go_ptr_type, elem, 48);

/* internal/abi.SliceType */
struct go_slice_type {
    struct go_type type; /* 0 */
    struct go_type *elem; /* 48 */
};
GOABI_SIZE(struct go_slice_type, 56);
GOABI_AT(struct go_slice_type, type, 0);
GOABI_AT(struct go_slice_type, elem, 48);

/* internal/abi.StructType */
struct go_struct_type {
    struct go_type type; /* 0 */
    struct go_name pkg_path; /* 48 */
    struct goslice fields; /* 56 */
};
GOABI_SIZE(struct go_struct_type, 80);
GOABI_AT(struct go_struct_type, type, 0);
GOABI_AT(struct go_struct_type, pkg_path, 48);
GOABI_AT(struct go_struct_type, fields, 56);

/* internal/abi.ITab */
struct go_itab {
    struct go_interface_type *inter; /* 0 */
    struct go_type *type; /* 8 */
    uint32_t hash; /* 16 */
    uintptr_t fun[1]; /* 24 */
};
GOABI_SIZE(struct go_itab, 32);
GOABI_AT(struct go_itab, inter, 0);
GOABI_AT(struct go_itab, type, 8);
GOABI_AT(struct go_itab, hash, 16);
GOABI_AT(struct go_itab, fun, 24);

/* internal/abi.RegArgs */
struct go_regargs {
    uintptr_t ints[9]; /* 0 */
    uint64_t floats[15]; /* 72 */
    void *ptrs[9]; /* 192 */
    uint8_t return_is_ptr[2]; /* 264 */
};
GOABI_SIZE(struct go_regargs, 272);
GOABI_AT(struct go_regargs, ints, 0);
GOABI_AT(struct go_regargs, floats, 72);
GOABI_AT(struct go_regargs, ptrs, 192);
GOABI_AT(struct go_regargs, return_is_ptr, 264);

/* runtime.itabTableType */
struct go_itab_table {
    uintptr_t size; /* 0 */
    uintptr_t count; /* 8 */
    struct go_itab *entries[512]; /* 16 */
};
GOABI_SIZE(struct go_itab_table, 4112);
GOABI_AT(struct go_itab_table, size, 0);
GOABI_AT(struct go_itab_table, count, 8);
GOABI_AT(struct go_itab_table, entries, 16);

/* runtime.funcval */
struct go_funcval {
    uintptr_t fn; /* 0 */
};
GOABI_SIZE(struct go_funcval, 8);
GOABI_AT(struct go_funcval, fn, 0);

/* internal/runtime/maps.Map */
struct go_map {
    uint64_t used; /* 0 */
    uintptr_t seed; /* 8 */
    void *dir_ptr; /* 16 */
    int64_t dir_len; /* 24 */
    uint8_t global_depth; /* 32 */
    uint8_t global_shift; /* 33 */
    uint8_t writing; /* 34 */
    bool tombstone_possible; /* 35 */
    uint64_t clear_seq; /* 40 */
};
GOABI_SIZE(struct go_map, 48);
GOABI_AT(struct go_map, used, 0);
GOABI_AT(struct go_map, seed, 8);
GOABI_AT(struct go_map, dir_ptr, 16);
GOABI_AT(struct go_map, dir_len, 24);
GOABI_AT(struct go_map, global_depth, 32);
GOABI_AT(struct go_map, global_shift, 33);
GOABI_AT(struct go_map, writing, 34);
GOABI_AT(struct go_map, tombstone_possible, 35);
GOABI_AT(struct go_map, clear_seq, 40);

/* internal/runtime/maps.Iter */
struct go_map_iter {
    void *key; /* 0 */
    void *elem; /* 8 */
    struct go_map_type *typ; /* 16 */
    struct go_map *m; /* 24 */
    uint64_t entry_offset; /* 32 */
    uint64_t dir_offset; /* 40 */
    uint64_t clear_seq; /* 48 */
    uint8_t global_depth; /* 56 */
    int64_t dir_idx; /* 64 */
    void *tab; /* 72 */
    uint8_t group[8] __attribute__((aligned(8))); /* 80 */
    uint64_t entry_idx; /* 88 */
};
GOABI_SIZE(struct go_map_iter, 96);
GOABI_AT(struct go_map_iter, key, 0);
GOABI_AT(struct go_map_iter, elem, 8);
GOABI_AT(struct go_map_iter, typ, 16);
GOABI_AT(struct go_map_iter, m, 24);
GOABI_AT(struct go_map_iter, entry_offset, 32);
GOABI_AT(struct go_map_iter, dir_offset, 40);
GOABI_AT(struct go_map_iter, clear_seq, 48);
GOABI_AT(struct go_map_iter, global_depth, 56);
GOABI_AT(struct go_map_iter, dir_idx, 64);
GOABI_AT(struct go_map_iter, tab, 72);
GOABI_AT(struct go_map_iter, group, 80);
GOABI_AT(struct go_map_iter, entry_idx, 88);

#define GO_DEFER_HEAP 0
#define GO_DEFER_RANGEFUNC 1
#define GO_DEFER_SP 8
#define GO_DEFER_PC 16
#define GO_DEFER_FN 24
#define GO_DEFER_LINK 32
#define GO_DEFER_HEAD 40
#define GO_DEFER__SIZE 48

#define GO_PANIC_ARG 0
#define GO_PANIC_LINK 16
#define GO_PANIC_START_PC 24
#define GO_PANIC_START_SP 32
/* GO_PANIC_PC: go1.27 alone */
/* GO_PANIC_SP: go_line->go_panic_sp */
#define GO_PANIC_FP 56
#define GO_PANIC_RETPC 64
#define GO_PANIC_DEFER_BITS_PTR 72
#define GO_PANIC_SLOTS_PTR 80
#define GO_PANIC_RECOVERED 88
#define GO_PANIC_REPANICKED 89
#define GO_PANIC_GOEXIT 90
#define GO_PANIC_DEFERRETURN 91
/* GO_PANIC_LR: go1.26 alone */
/* GO_PANIC_GOPANIC_FP: go1.26 alone */
/* GO_PANIC__SIZE: go_line->go_panic__size */

static const uint16_t gc_class_to_size[68] __attribute__((unused)) = {
    0, 8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320,
    352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792,
    2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472,
    9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264,
    28672, 32768,
};

static const uint8_t gc_class_to_npages[68] __attribute__((unused)) = {
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 2, 1, 2, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 4, 5, 6, 1, 7, 6, 5, 4, 3, 5, 7, 2, 9, 7,
    5, 8, 3, 10, 7, 4,
};

static const uint32_t gc_class_to_divmagic[68] __attribute__((unused)) = {
    0, 536870912, 268435456, 178956971, 134217728, 89478486, 67108864, 53687092, 44739243,
    38347923, 33554432, 29826162, 26843546, 24403224, 22369622, 20648882, 19173962, 17895698,
    16777216, 14913081, 13421773, 12201612, 11184811, 10324441, 9586981, 8947849, 8388608,
    7456541, 6710887, 6100806, 5592406, 4793491, 4194304, 3728271, 3355444, 3050403, 2796203,
    2396746, 2097152, 1864136, 1597831, 1398102, 1342178, 1242757, 1048576, 883012, 798916,
    699051, 657931, 633103, 621379, 524288, 453439, 441506, 419431, 394759, 349526, 316552,
    299594, 262144, 233017, 225198, 209716, 197380, 174763, 157533, 149797, 131072,
};

static const uint8_t gc_size_to_class8[129] __attribute__((unused)) = {
    0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15,
    16, 16, 17, 17, 18, 18, 19, 19, 19, 19, 20, 20, 20, 20, 21, 21, 21, 21, 22, 22, 22, 22, 23,
    23, 23, 23, 24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 27, 27, 27, 27, 27,
    28, 28, 28, 28, 28, 28, 28, 28, 29, 29, 29, 29, 29, 29, 29, 29, 30, 30, 30, 30, 30, 30, 30,
    30, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 32, 32, 32, 32, 32, 32,
    32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
};

static const uint8_t gc_size_to_class128[249] __attribute__((unused)) = {
    32, 33, 34, 35, 36, 37, 37, 38, 38, 39, 39, 40, 40, 40, 41, 41, 41, 42, 43, 43, 44, 44, 44,
    44, 44, 45, 45, 45, 45, 45, 45, 46, 46, 46, 46, 47, 47, 47, 47, 47, 47, 48, 48, 48, 49, 49,
    50, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 53, 53,
    54, 54, 54, 54, 55, 55, 55, 55, 55, 56, 56, 56, 56, 56, 56, 56, 56, 56, 56, 56, 57, 57, 57,
    57, 57, 57, 57, 57, 57, 57, 58, 58, 58, 58, 58, 58, 59, 59, 59, 59, 59, 59, 59, 59, 59, 59,
    59, 59, 59, 59, 59, 59, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 61,
    61, 61, 61, 61, 62, 62, 62, 62, 62, 62, 62, 62, 62, 62, 62, 63, 63, 63, 63, 63, 63, 63, 63,
    63, 63, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65, 66,
    66, 66, 66, 66, 66, 66, 66, 66, 66, 66, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67,
    67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67, 67,
};

/* Structures of C's as the overlay declares them: gort/abi/mirror.c compares. */

#define OVERLAY_G_STACK 0
#define OVERLAY_G_STACKGUARD0 16
#define OVERLAY_G_STACKGUARD1 24
#define OVERLAY_G_PANIC 32
#define OVERLAY_G_DEFER 40
#define OVERLAY_G_M 48
#define OVERLAY_G_SCHED 56
#define OVERLAY_G_GOID 104
#define OVERLAY_G_PARAM 112
#define OVERLAY_G_LABELS 120
#define OVERLAY_G_COROARG 128
#define OVERLAY_G_BUBBLE 136
#define OVERLAY_G_FIPS_INDICATOR 144
#define OVERLAY_G_FIPS_ONLY_BYPASS 145
#define OVERLAY_G_PANICONFAULT 146
#define OVERLAY_G_SIGKIND 147
#define OVERLAY_G_SIG 148
#define OVERLAY_G_SIGCODE0 152
#define OVERLAY_G_SIGCODE1 160
#define OVERLAY_G_SIGPC 168
#define OVERLAY_G_WRITEBUF 176
#define OVERLAY_G_LEFT_BITS 200
#define OVERLAY_G_LEFT_SLOTS 204
#define OVERLAY_G__SIZE 208

#define OVERLAY_DEFER_HEAP 0
#define OVERLAY_DEFER_RANGEFUNC 1
#define OVERLAY_DEFER_SP 8
#define OVERLAY_DEFER_PC 16
#define OVERLAY_DEFER_FN 24
#define OVERLAY_DEFER_LINK 32
#define OVERLAY_DEFER_LOOP 40
#define OVERLAY_DEFER__SIZE 48

#define OVERLAY_PANIC_ARG 0
#define OVERLAY_PANIC_LINK 16
#define OVERLAY_PANIC_TODO 24
#define OVERLAY_PANIC_LR 56
#define OVERLAY_PANIC_FP 64
#define OVERLAY_PANIC_RESUME 72
#define OVERLAY_PANIC_OUTER 80
#define OVERLAY_PANIC_LOOP_PC 88
#define OVERLAY_PANIC_LOOP_SP 96
#define OVERLAY_PANIC_RECOVERED 104
#define OVERLAY_PANIC_REPANICKED 105
#define OVERLAY_PANIC_GOEXIT 106
#define OVERLAY_PANIC__SIZE 112

#define OVERLAY_M_G0 0
#define OVERLAY_M_CURG 8
#define OVERLAY_M_LOCKS 16
#define OVERLAY_M_DYING 20
#define OVERLAY_M_PRINTLOCK 24
#define OVERLAY_M_MALLOCING 28
#define OVERLAY_M__SIZE 32

#define OVERLAY_SUDOG_G 0
#define OVERLAY_SUDOG_NEXT 8
#define OVERLAY_SUDOG_PREV 16
#define OVERLAY_SUDOG_ELEM 24
#define OVERLAY_SUDOG_ACQUIRETIME 32
#define OVERLAY_SUDOG_RELEASETIME 40
#define OVERLAY_SUDOG_TICKET 48
#define OVERLAY_SUDOG_IS_SELECT 52
#define OVERLAY_SUDOG_SUCCESS 53
#define OVERLAY_SUDOG_WAITERS 54
#define OVERLAY_SUDOG_PARENT 56
#define OVERLAY_SUDOG_WAITLINK 64
#define OVERLAY_SUDOG_WAITTAIL 72
#define OVERLAY_SUDOG_C 80
#define OVERLAY_SUDOG__SIZE 88

#define OVERLAY_HCHAN_QCOUNT 0
#define OVERLAY_HCHAN_DATAQSIZ 8
#define OVERLAY_HCHAN_BUF 16
#define OVERLAY_HCHAN_ELEMSIZE 24
#define OVERLAY_HCHAN_CLOSED 28
#define OVERLAY_HCHAN_TIMER 32
#define OVERLAY_HCHAN_ELEMTYPE 40
#define OVERLAY_HCHAN_SENDX 48
#define OVERLAY_HCHAN_RECVX 56
#define OVERLAY_HCHAN_RECVQ 64
#define OVERLAY_HCHAN_SENDQ 80
#define OVERLAY_HCHAN_BUBBLE 96
#define OVERLAY_HCHAN_LOCK 104
#define OVERLAY_HCHAN__SIZE 120

#define OVERLAY_DEBUG_CLOBBERFREE 0
#define OVERLAY_DEBUG_GCCHECKMARK 4
#define OVERLAY_DEBUG_GCPACERTRACE 8
#define OVERLAY_DEBUG_GCSHRINKSTACKOFF 12
#define OVERLAY_DEBUG_GCSTOPTHEWORLD 16
#define OVERLAY_DEBUG_GCTRACE 20
#define OVERLAY_DEBUG_INVALIDPTR 24
#define OVERLAY_DEBUG_SCAVTRACE 28
#define OVERLAY_DEBUG_SCHEDDETAIL 32
#define OVERLAY_DEBUG_SCHEDTRACE 36
#define OVERLAY_DEBUG_TRACEBACKANCESTORS 40
#define OVERLAY_DEBUG_ASYNCPREEMPTOFF 44
#define OVERLAY_DEBUG_INITTRACE 48
#define OVERLAY_DEBUG_SBRK 52
#define OVERLAY_DEBUG_CHECKFINALIZERS 56
#define OVERLAY_DEBUG_PROFSTACKDEPTH 60
#define OVERLAY_DEBUG_DONTFREEZETHEWORLD 64
#define OVERLAY_DEBUG_GOTRACEBACK 68
#define OVERLAY_DEBUG_GOGC 72
#define OVERLAY_DEBUG_LABELFORM 76
#define OVERLAY_DEBUG_MEMLIMIT 80
#define OVERLAY_DEBUG_PANICNIL 88
#define OVERLAY_DEBUG_ASYNCTIMERCHAN 92
#define OVERLAY_DEBUG_TRACEBACKLABELS 96
#define OVERLAY_DEBUG__SIZE 104

#define GO_LINES_TEXT "Go 1.26 and 1.27" /* for messages */

/* Offsets in bytes, unless a comment above says a constant's name. */
struct go_line {
    const char *release;
    int64_t moduledata_etypes;
    int64_t moduledata_rodata;
    int64_t moduledata_gofunc;
    int64_t moduledata_epclntab;
    int64_t moduledata_textsectmap;
    int64_t moduledata_ptab;
    int64_t moduledata_pluginpath;
    int64_t moduledata_pkghashes;
    int64_t moduledata_inittasks;
    int64_t moduledata_modulename;
    int64_t moduledata_modulehashes;
    int64_t moduledata_hasmain;
    int64_t moduledata_bad;
    int64_t moduledata_gcdatamask;
    int64_t moduledata_gcbssmask;
    int64_t moduledata_typemap;
    int64_t moduledata_next;
    int64_t go_map_type_elem_off;
    int64_t go_map_type_flags;
    int64_t go_panic_sp;
    int64_t go_panic__size;
};
#define GO_LINES \
    { .release = "go1.26", \
      .moduledata_etypes = 304, \
      .moduledata_rodata = 312, \
      .moduledata_gofunc = 320, \
      .moduledata_epclntab = 328, \
      .moduledata_textsectmap = 336, \
      .moduledata_ptab = 408, \
      .moduledata_pluginpath = 432, \
      .moduledata_pkghashes = 448, \
      .moduledata_inittasks = 472, \
      .moduledata_modulename = 496, \
      .moduledata_modulehashes = 512, \
      .moduledata_hasmain = 536, \
      .moduledata_bad = 537, \
      .moduledata_gcdatamask = 544, \
      .moduledata_gcbssmask = 560, \
      .moduledata_typemap = 576, \
      .moduledata_next = 584, \
      .go_map_type_elem_off = 96, \
      .go_map_type_flags = 104, \
      .go_panic_sp = 40, \
      .go_panic__size = 104 }, \
    { .release = "go1.27", \
      .moduledata_etypes = 312, \
      .moduledata_rodata = 336, \
      .moduledata_gofunc = 344, \
      .moduledata_epclntab = 352, \
      .moduledata_textsectmap = 360, \
      .moduledata_ptab = 384, \
      .moduledata_pluginpath = 408, \
      .moduledata_pkghashes = 424, \
      .moduledata_inittasks = 448, \
      .moduledata_modulename = 472, \
      .moduledata_modulehashes = 488, \
      .moduledata_hasmain = 512, \
      .moduledata_bad = 513, \
      .moduledata_gcdatamask = 520, \
      .moduledata_gcbssmask = 536, \
      .moduledata_typemap = 552, \
      .moduledata_next = 560, \
      .go_map_type_elem_off = 120, \
      .go_map_type_flags = 128, \
      .go_panic_sp = 48, \
      .go_panic__size = 96 },

static inline uintptr_t *moduledata_etypes(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_etypes);
}

static inline uintptr_t *moduledata_rodata(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_rodata);
}

static inline uintptr_t *moduledata_gofunc(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_gofunc);
}

static inline uintptr_t *moduledata_epclntab(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_epclntab);
}

static inline struct goslice *moduledata_textsectmap(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_textsectmap);
}

static inline struct goslice *moduledata_ptab(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_ptab);
}

static inline struct gostring *moduledata_pluginpath(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_pluginpath);
}

static inline struct goslice *moduledata_pkghashes(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_pkghashes);
}

static inline struct goslice *moduledata_inittasks(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_inittasks);
}

static inline struct gostring *moduledata_modulename(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_modulename);
}

static inline struct goslice *moduledata_modulehashes(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_modulehashes);
}

static inline uint8_t *moduledata_hasmain(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_hasmain);
}

static inline bool *moduledata_bad(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_bad);
}

static inline struct bitvector *moduledata_gcdatamask(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_gcdatamask);
}

static inline struct bitvector *moduledata_gcbssmask(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_gcbssmask);
}

static inline void **moduledata_typemap(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_typemap);
}

static inline struct moduledata **moduledata_next(const struct moduledata *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->moduledata_next);
}

static inline uintptr_t *go_map_type_elem_off(const struct go_map_type *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->go_map_type_elem_off);
}

static inline uint32_t *go_map_type_flags(const struct go_map_type *s)
{
    return (void *)((uintptr_t)s + (uintptr_t)go_line->go_map_type_flags);
}

#endif
