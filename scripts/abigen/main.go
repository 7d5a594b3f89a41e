// Command abigen reads from a Go installation's sources the layouts and numbers that C code
// shares with Go's toolchain, and prints them as JSON: gort/abi/facts/go1.N.json.
//
//	go run ./scripts/abigen > gort/abi/facts/go1.27.json
//	go run ./scripts/abigen -overlay gort/overlay > gort/abi/facts/overlay.json
//
// Nothing here is typed in by hand: go/types computes sizes and offsets the way the compiler
// does, and constants are folded from the declarations. scripts/gen-goabi merges the facts of all
// release lines into gort/abi/goabi.h. With -overlay it prints where the overlay's Go sees the
// fields of the structures that C owns; these belong to no line.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

var (
	fset  = token.NewFileSet()
	sizes = types.SizesFor("gc", "amd64")
)

// The facts that are printed. All lists are in the order of the declarations, or of the lists
// below.
type (
	facts struct {
		Release string      `json:"release,omitempty"`
		Consts  []constFact `json:"consts,omitempty"`
		Structs []layout    `json:"structs,omitempty"`
		Offsets []layout    `json:"offsets"`
		Tables  []table     `json:"tables,omitempty"`
	}
	constFact struct {
		Group string `json:"group"` // constants of one group stand together in the header
		Name  string `json:"name"`
		Value string `json:"value"` // as C spells it
	}
	layout struct {
		Name   string  `json:"name"` // of the C struct, or the prefix of macros
		Go     string  `json:"go"`
		Size   int64   `json:"size"`
		Fields []field `json:"fields"`
	}
	field struct {
		Name string `json:"name"`
		At   int64  `json:"at"`
		C    string `json:"c,omitempty"`  // C declaration
		Go   string `json:"go,omitempty"` // Go's name and type
	}
	table struct {
		Name   string   `json:"name"`
		C      string   `json:"c"` // element type
		Values []uint64 `json:"values"`
	}
)

// structs lists the Go structs that become C structs; embedded ones come first.
var structs = []struct{ pkg, name, c string }{
	{"runtime", "bitvector", "bitvector"},
	{"runtime", "pcHeader", "pc_header"},
	{"runtime", "functab", "functab"},
	{"runtime", "textsect", "textsect"},
	{"runtime", "findfuncbucket", "findfuncbucket"},
	{"runtime", "moduledata", "moduledata"},
	{"runtime", "_func", "func_entry"},
	{"runtime", "stackmap", "stackmap"},
	{"runtime", "stackObjectRecord", "stack_object_record"},
	{"runtime", "inlinedCall", "inlined_call"},
	{"runtime", "reflectMethodValue", "reflect_method_value"},
	{"internal/abi", "Type", "go_type"},
	{"internal/abi", "UncommonType", "go_uncommon_type"},
	{"internal/abi", "Method", "go_method"},
	{"internal/abi", "Imethod", "go_imethod"},
	{"internal/abi", "Name", "go_name"},
	{"internal/abi", "StructField", "go_struct_field"},
	{"internal/abi", "ArrayType", "go_array_type"},
	{"internal/abi", "ChanType", "go_chan_type"},
	{"internal/abi", "FuncType", "go_func_type"},
	{"internal/abi", "InterfaceType", "go_interface_type"},
	{"internal/abi", "MapType", "go_map_type"},
	{"internal/abi", "PtrType", "go_ptr_type"},
	{"internal/abi", "SliceType", "go_slice_type"},
	{"internal/abi", "StructType", "go_struct_type"},
	{"internal/abi", "ITab", "go_itab"},
	{"internal/abi", "RegArgs", "go_regargs"},
	{"runtime", "itabTableType", "go_itab_table"},
	{"runtime", "funcval", "go_funcval"},
	{"internal/runtime/maps", "Map", "go_map"},
	{"internal/runtime/maps", "Iter", "go_map_iter"},
}

// offsets lists structs that C declares itself: only macros of their offsets are printed.
var offsets = []struct{ pkg, name, prefix string }{
	{"runtime", "_defer", "GO_DEFER"},
	{"runtime", "_panic", "GO_PANIC"},
}

// consts lists groups of constants: every constant of pkg whose name starts with prefix
// becomes replacement + REST_OF_NAME. An empty rest list takes single names.
var consts = []struct{ pkg, prefix, c string }{
	{"internal/abi", "FUNCDATA_", "FUNCDATA_"},
	{"internal/abi", "PCDATA_", "PCDATA_"},
	{"internal/abi", "UnsafePoint", "UNSAFE_POINT_"},
	{"internal/abi", "FuncID_", "FUNCID_"},
	{"internal/abi", "FuncID", "FUNCID_"},
	{"internal/abi", "FuncFlag", "FUNCFLAG_"},
	{"internal/abi", "TFlag", "TFLAG_"},
	{"internal/abi", "KindDirectIface", "KIND_DIRECT_IFACE"},
	{"internal/abi", "KindMask", "KIND_MASK"},
	{"internal/abi", "TraceArgs", "TRACE_ARGS_"},
	{"internal/abi", "Map", "GO_MAP_"},
	{"internal/abi", "CurrentPCLnTabMagic", "PCLNTAB_MAGIC"},
	{"internal/abi", "FuncTabBucketSize", "FUNCTAB_BUCKET_SIZE"},
	{"internal/abi", "ArgsSizeUnknown", "ARGS_SIZE_UNKNOWN"},
	{"internal/abi", "IntArgRegs", "GO_INT_ARG_REGS"},
	{"internal/abi", "FloatArgRegs", "GO_FLOAT_ARG_REGS"},
	{"internal/abi", "ZeroValSize", "GO_ZERO_VAL_SIZE"},
	{"internal/abi", "StackNosplitBase", "GO_STACK_NOSPLIT_BASE"},
	{"internal/abi", "StackSmall", "GO_STACK_SMALL"},
	{"internal/abi", "StackBig", "GO_STACK_BIG"},
	{"runtime", "stackMin", "GO_STACK_MIN"},
	{"runtime", "fixedStack", "GO_STACK_FIXED"},
	{"runtime", "stackNosplit", "GO_STACK_NOSPLIT"},
	{"runtime", "stackGuard", "GO_STACK_GUARD"},
	{"runtime", "stackPreempt", "GO_STACK_PREEMPT"},
	{"runtime", "tracebackInnerFrames", "TRACEBACK_INNER_FRAMES"},
	{"runtime", "tracebackOuterFrames", "TRACEBACK_OUTER_FRAMES"},
	{"runtime", "heapArenaBytes", "GO_HEAP_ARENA_BYTES"},
	{"runtime", "maxObjsPerSpan", "GC_MAX_OBJS_PER_SPAN"},
	{"runtime", "minLegalPointer", "GO_MIN_LEGAL_POINTER"},
	{"internal/runtime/gc", "", "GC_"},
}

var kinds = []string{"Bool", "Int", "Int8", "Int16", "Int32", "Int64", "Uint", "Uint8",
	"Uint16", "Uint32", "Uint64", "Uintptr", "Float32", "Float64", "Complex64", "Complex128",
	"Array", "Chan", "Func", "Interface", "Map", "Pointer", "Slice", "String", "Struct",
	"UnsafePointer"}

// tables lists variables that are arrays of constants.
var tables = []struct{ pkg, name, c, typ string }{
	{"internal/runtime/gc", "SizeClassToSize", "gc_class_to_size", "uint16_t"},
	{"internal/runtime/gc", "SizeClassToNPages", "gc_class_to_npages", "uint8_t"},
	{"internal/runtime/gc", "SizeClassToDivMagic", "gc_class_to_divmagic", "uint32_t"},
	{"internal/runtime/gc", "SizeToSizeClass8", "gc_size_to_class8", "uint8_t"},
	{"internal/runtime/gc", "SizeToSizeClass128", "gc_size_to_class128", "uint8_t"},
}

// snake turns a Go name into a C one: PtrBytes -> ptr_bytes, GCData -> gcdata.
func snake(s string) string {
	s = strings.Trim(s, "_")
	var b strings.Builder
	r := []rune(s)
	for i, c := range r {
		lowerBefore := i > 0 && (unicode.IsLower(r[i-1]) || unicode.IsDigit(r[i-1]))
		if unicode.IsUpper(c) && lowerBefore && i+1 < len(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

func cname(t types.Type) string {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	for _, s := range structs {
		if s.pkg == n.Obj().Pkg().Path() && s.name == n.Obj().Name() {
			return s.c
		}
	}
	return ""
}

// declare is the C declaration of a field with the same size and alignment.
func declare(name string, t types.Type) string {
	if c := cname(t); c != "" {
		return "struct " + c + " " + name
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() {
		case types.Bool:
			return "bool " + name
		case types.String:
			return "struct gostring " + name
		case types.UnsafePointer:
			return "void *" + name
		case types.Uintptr:
			return "uintptr_t " + name
		}
		pre := "int"
		if u.Info()&types.IsUnsigned != 0 {
			pre = "uint"
		}
		return fmt.Sprintf("%s%d_t %s", pre, sizes.Sizeof(u)*8, name)
	case *types.Pointer:
		if c := cname(u.Elem()); c != "" {
			return "struct " + c + " *" + name
		}
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Uint8 {
			return "uint8_t *" + name
		}
		return "void *" + name
	case *types.Slice:
		return "struct goslice " + name
	case *types.Interface:
		return "struct goeface " + name
	case *types.Array:
		return declare(fmt.Sprintf("%s[%d]", name, u.Len()), u.Elem())
	case *types.Struct:
		return fmt.Sprintf("uint8_t %s[%d] __attribute__((aligned(%d)))", name, sizes.Sizeof(u),
			sizes.Alignof(u))
	}
	return "void *" + name // func, map, chan
}

func structOf(pkg *types.Package, name string) *types.Struct {
	o := pkg.Scope().Lookup(name)
	if o == nil {
		log.Fatalf("%s.%s does not exist", pkg.Path(), name)
	}
	return o.Type().Underlying().(*types.Struct)
}

func fieldOffsets(s *types.Struct) ([]*types.Var, []int64) {
	var f []*types.Var
	for i := 0; i < s.NumFields(); i++ {
		f = append(f, s.Field(i))
	}
	return f, sizes.Offsetsof(f)
}

// layoutOf leaves out fields of size 0. Blank fields become padding.
func layoutOf(s *types.Struct, goName, c string, withTypes bool) layout {
	l := layout{Name: c, Go: goName, Size: sizes.Sizeof(s)}
	fields, offs := fieldOffsets(s)
	for i, f := range fields {
		if sizes.Sizeof(f.Type()) == 0 || f.Name() == "_" && !withTypes {
			continue
		}
		n := snake(f.Name())
		if f.Name() == "_" {
			n = fmt.Sprintf("pad_%d", offs[i])
		}
		out := field{Name: n, At: offs[i]}
		if withTypes {
			out.C = declare(n, f.Type())
			out.Go = f.Name() + " " + types.TypeString(f.Type(), qualify)
		}
		l.Fields = append(l.Fields, out)
	}
	return l
}

// qualify names other packages than runtime by their last element, as Go source does.
func qualify(p *types.Package) string {
	if p.Path() == "runtime" {
		return ""
	}
	return p.Name()
}

func constText(o *types.Const) string {
	v := constant.ToInt(o.Val())
	if v.Kind() != constant.Int {
		return ""
	}
	if n, ok := constant.Int64Val(v); ok {
		if n >= -1<<31 && n < 1<<31 {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%#xl", n)
	}
	u, _ := constant.Uint64Val(v)
	return fmt.Sprintf("%#xul", u)
}

func findConsts(load func(string) *types.Package) (found []constFact) {
	seen := map[string]bool{}
	for _, g := range consts {
		scope := load(g.pkg).Scope()
		for _, n := range scope.Names() {
			o, ok := scope.Lookup(n).(*types.Const)
			if !ok || !strings.HasPrefix(n, g.prefix) || seen[g.pkg+n] {
				continue
			}
			group := strings.HasSuffix(g.c, "_")
			if group && strings.HasSuffix(o.Type().String(), "abi.Kind") {
				continue
			}
			if text := constText(o); text != "" && (group || n == g.prefix) {
				seen[g.pkg+n] = true
				rest := ""
				if group {
					rest = strings.ToUpper(snake(n[len(g.prefix):]))
				}
				if text[0] == '-' {
					text = "(" + text + ")"
				}
				found = append(found, constFact{g.c, g.c + rest, text})
			}
		}
	}
	for _, k := range kinds {
		o := load("internal/abi").Scope().Lookup(k).(*types.Const)
		found = append(found, constFact{"KIND_", "KIND_" + strings.ToUpper(snake(k)), constText(o)})
	}
	return found
}

// evalTable evaluates an array literal of constant expressions.
func evalTable(pk *types.Package, files []*ast.File, name string) (values []uint64) {
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok || v.Names[0].Name != name {
					continue
				}
				for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
					tv, err := types.Eval(fset, pk, token.NoPos, types.ExprString(e))
					if err != nil {
						log.Fatal(err)
					}
					u, _ := constant.Uint64Val(constant.ToInt(tv.Value))
					values = append(values, u)
				}
				return values
			}
		}
	}
	log.Fatalf("no table %s", name)
	return nil
}

func parseDir(dir string) []*ast.File {
	bp, err := build.Default.ImportDir(dir, 0)
	if err != nil {
		log.Fatal(err)
	}
	var files []*ast.File
	for _, n := range bp.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(dir, n), nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// write prints one fact per line, so that two releases can be compared with diff.
func (f facts) write(w *bytes.Buffer) {
	line := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			log.Fatal(err)
		}
		return string(b)
	}
	fmt.Fprintf(w, "{\n\"release\": %s", line(f.Release))
	list := func(name string, n int, item func(int) string) {
		fmt.Fprintf(w, ",\n\"%s\": [", name)
		for i := 0; i < n; i++ {
			w.WriteString(map[bool]string{true: "\n", false: ",\n"}[i == 0] + item(i))
		}
		w.WriteString("]")
	}
	layouts := func(l []layout) func(int) string {
		return func(i int) string {
			head := fmt.Sprintf("{\"name\": %s, \"go\": %s, \"size\": %d, \"fields\": [",
				line(l[i].Name), line(l[i].Go), l[i].Size)
			for j, f := range l[i].Fields {
				head += map[bool]string{true: "\n  ", false: ",\n  "}[j == 0] + line(f)
			}
			return head + "]}"
		}
	}
	list("consts", len(f.Consts), func(i int) string { return line(f.Consts[i]) })
	list("structs", len(f.Structs), layouts(f.Structs))
	list("offsets", len(f.Offsets), layouts(f.Offsets))
	list("tables", len(f.Tables), func(i int) string { return line(f.Tables[i]) })
	w.WriteString("\n}\n")
}

func main() {
	overlay := flag.String("overlay", "", "directory of the overlay: print its mirrors of C's structures")
	output := flag.String("o", "", "write here instead of stdout")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("abigen: ")
	build.Default.GOOS, build.Default.GOARCH = "linux", "amd64"
	build.Default.CgoEnabled = false
	imp := importer.ForCompiler(fset, "source", nil).(types.ImporterFrom)
	src := filepath.Join(build.Default.GOROOT, "src")
	var f facts
	if *overlay != "" {
		f.Offsets = overlayMirrors(*overlay, imp, filepath.Join(src, "runtime"))
	} else {
		f = lineFacts(imp, src)
	}
	var out bytes.Buffer
	f.write(&out)
	if *output == "" {
		os.Stdout.Write(out.Bytes())
	} else if err := os.WriteFile(*output, out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func lineFacts(imp types.ImporterFrom, src string) facts {
	load := func(path string) *types.Package {
		pk, err := imp.ImportFrom(path, filepath.Join(src, "runtime"), 0)
		if err != nil {
			log.Fatal(err)
		}
		return pk
	}
	f := facts{Release: strings.Join(strings.SplitN(runtime.Version(), ".", 3)[:2], ".")}
	f.Consts = findConsts(load)
	for _, s := range structs {
		f.Structs = append(f.Structs,
			layoutOf(structOf(load(s.pkg), s.name), s.pkg+"."+s.name, s.c, true))
	}
	for _, s := range offsets {
		f.Offsets = append(f.Offsets,
			layoutOf(structOf(load(s.pkg), s.name), s.pkg+"."+s.name, s.prefix, false))
	}
	gcFiles := parseDir(filepath.Join(src, "internal/runtime/gc"))
	for _, t := range tables {
		f.Tables = append(f.Tables, table{t.c, t.typ, evalTable(load(t.pkg), gcFiles, t.name)})
	}
	return f
}

// dirImporter resolves internal packages as package runtime may.
type dirImporter struct {
	types.ImporterFrom
	dir string
}

func (d dirImporter) Import(path string) (*types.Package, error) { return d.ImportFrom(path, d.dir, 0) }

// mirrors lists the overlay's declarations of structures that C owns, or that C and the compiler
// share.
var mirrors = []struct{ name, prefix string }{
	{"g", "OVERLAY_G"}, {"_defer", "OVERLAY_DEFER"}, {"_panic", "OVERLAY_PANIC"},
	{"m", "OVERLAY_M"}, {"sudog", "OVERLAY_SUDOG"}, {"hchan", "OVERLAY_HCHAN"},
	{"debug", "OVERLAY_DEBUG"},
}

// overlayMirrors: the overlay alone does not type-check, but its structures do.
func overlayMirrors(overlay string, imp types.ImporterFrom, dir string) (found []layout) {
	var files []*ast.File
	names, _ := filepath.Glob(filepath.Join(overlay, "*.go"))
	for _, n := range names {
		if ok, err := build.Default.MatchFile(overlay, filepath.Base(n)); err != nil || !ok {
			continue
		}
		f, err := parser.ParseFile(fset, n, nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: dirImporter{imp, dir}, Sizes: sizes, Error: func(error) {}}
	pk, _ := conf.Check("overlay", fset, files, nil)
	for _, m := range mirrors {
		found = append(found, layoutOf(structOf(pk, m.name), "runtime."+m.name, m.prefix, false))
	}
	return found
}
