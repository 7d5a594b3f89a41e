package runtime

// Version, GODEBUG, random numbers and other small services that the standard library asks of
// package runtime.

import (
	"internal/runtime/atomic"
	"unsafe"
)

//go:noescape
func write_err(p *byte, n int32)

// ---- version --------------------------------------------------------------------------

// buildVersion is set by the linker.
//
//go:linkname buildVersion
var buildVersion string

var modinfo string

//go:linkname runtime_debug_modinfo runtime/debug.modinfo
func runtime_debug_modinfo() string { return modinfo }

var defaultGOROOT string // set by the linker

// GOROOT is where the Go distribution lies: what the environment says, else what the linker
// has put into the program.
func GOROOT() string {
	if s := gogetenv("GOROOT"); s != "" {
		return s
	}
	return defaultGOROOT
}

// Version returns the Go release that built the program.
func Version() string { return buildVersion }

// ---- messages -------------------------------------------------------------------------

// writeErrData writes to stderr, and what a dying program says to debug.SetCrashOutput's file too.
func writeErrData(p *byte, n int32) {
	write_err(p, n)
	if crashOutput && getg().m.dying > 0 {
		crash_copy(p, n)
	}
}

// ---- GODEBUG --------------------------------------------------------------------------

// debug holds the GODEBUG settings. C reads those that concern it through the app table, as
// struct app_debug: gort/abi/mirror.c compares.
var debug struct {
	clobberfree        int32
	gccheckmark        int32
	gcpacertrace       int32
	gcshrinkstackoff   int32
	gcstoptheworld     int32
	gctrace            int32
	invalidptr         int32
	scavtrace          int32
	scheddetail        int32
	schedtrace         int32
	tracebackancestors int32
	asyncpreemptoff    int32
	inittrace          int32
	sbrk               int32
	checkfinalizers    int32
	profstackdepth     int32
	dontfreezetheworld int32
	gotraceback        int32 // GOTRACEBACK: 0 none 1 single 2 all 3 system 4 crash
	gogc               int32 // GOGC, -1 off
	labelform          int32 // how tracebacks show labels: gort/observe/labels.c
	memlimit           int64 // GOMEMLIMIT, bytes

	panicnil        atomic.Int32
	asynctimerchan  atomic.Int32
	tracebacklabels atomic.Int32
}

type dbgvar struct {
	name string
	v    *int32
	a    *atomic.Int32
}

// dbgvars has the settings that GODEBUG may name: fixed at the start, or changing with it.
var dbgvars = [...]dbgvar{
	{"clobberfree", &debug.clobberfree, nil},
	{"gccheckmark", &debug.gccheckmark, nil},
	{"gcpacertrace", &debug.gcpacertrace, nil},
	{"gcshrinkstackoff", &debug.gcshrinkstackoff, nil},
	{"gcstoptheworld", &debug.gcstoptheworld, nil},
	{"gctrace", &debug.gctrace, nil},
	{"invalidptr", &debug.invalidptr, nil},
	{"scavtrace", &debug.scavtrace, nil},
	{"scheddetail", &debug.scheddetail, nil},
	{"schedtrace", &debug.schedtrace, nil},
	{"tracebackancestors", &debug.tracebackancestors, nil},
	{"asyncpreemptoff", &debug.asyncpreemptoff, nil},
	{"inittrace", &debug.inittrace, nil},
	{"sbrk", &debug.sbrk, nil},
	{"checkfinalizers", &debug.checkfinalizers, nil},
	{"profstackdepth", &debug.profstackdepth, nil},
	{"dontfreezetheworld", &debug.dontfreezetheworld, nil},
	{"memprofilerate", &memProfileRateWanted, nil},
	{"panicnil", nil, &debug.panicnil},
	{"asynctimerchan", nil, &debug.asynctimerchan},
	{"tracebacklabels", nil, &debug.tracebacklabels},
}

// godebugIdle are settings of Go's that gort takes no notice of: what each is about.
var godebugIdle = [...][2]string{
	{"efence", "objects do not get pages of their own"},
	{"invalidptr", "the collector looks for no invalid pointers"},
	{"tracebackancestors", "ancestors of goroutines are not kept yet"},
	{"checkfinalizers", "finalizers are not checked yet"},
	{"cgocheck", "there is no cgo"},
	{"decoratemappings", "mappings of the heap have no names"},
	{"disablethp", "the heap's pages are as large as they can be"},
	{"harddecommit", "memory that is given back is always without access"},
	{"madvdontneed", "memory that is given back is given back at once"},
	{"tracefpunwindoff", "profiles do not use frame pointers"},
	{"traceadvanceperiod", "there are no execution traces yet"},
	{"tracecheckstackownership", "there are no execution traces yet"},
}

// godebugSayIdle says of the user's own settings which have no effect. Some packages set one for all
// programs: those in godebugDefault are not worth a line.
func godebugSayIdle(s string) {
	for s != "" {
		var setting string
		setting, s, _ = splitAt(s, ',')
		name, value, _ := splitAt(setting, '=')
		for i := range godebugIdle {
			if godebugIdle[i][0] == name {
				print("runtime: GODEBUG=", name, "=", value, " has no effect in gort: ", godebugIdle[i][1], "\n")
			}
		}
	}
}

// memProfileRateWanted is GODEBUG=memprofilerate; less than 0: it was not set.
var memProfileRateWanted int32 = -1

var godebugDefault string // set by the linker from go.mod and //go:debug lines

func godebugEnv() string { return gogetenv("GODEBUG") }

// parsedebugvars reads GODEBUG, GOTRACEBACK, GOGC and GOMEMLIMIT before any package
// initialises.
func parsedebugvars() {
	debug.invalidptr = 1
	debug.profstackdepth = 128
	debug.tracebacklabels.Store(lineTracebackLabels)
	debug.labelform = lineLabelForm
	parsegodebug(dbgvars[:], godebugDefault)
	parsegodebug(dbgvars[:], godebugEnv())
	godebugSayIdle(godebugEnv())
	setTraceback(gogetenv("GOTRACEBACK"))
	tracebackEnv = debug.gotraceback
	debug.gogc = 100
	switch s := gogetenv("GOGC"); {
	case s == "off":
		debug.gogc = -1
	case s != "":
		if n, ok := atoi(s); ok && n == int(int32(n)) {
			debug.gogc = max(int32(n), -1)
		}
	}
	debug.memlimit = 1<<63 - 1
	if s := gogetenv("GOMEMLIMIT"); s != "" && s != "off" {
		n, ok := parseByteCount(s)
		if !ok {
			print("GOMEMLIMIT=", s, "\n")
			throw("malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`")
		}
		debug.memlimit = n
	}
	sched_trace_opts(debug.schedtrace, debug.scheddetail)
}

// parsegodebug sets those of vars that s names: name=number, with commas between.
func parsegodebug(vars []dbgvar, s string) {
	for s != "" {
		var setting string
		setting, s, _ = splitAt(s, ',')
		name, value, given := splitAt(setting, '=')
		if given {
			godebugNoteRemoved(name, value)
		}
		n, ok := atoi(value)
		for i := 0; ok && i < len(vars); i++ {
			if vars[i].name == name {
				vars[i].set(int32(n))
			}
		}
	}
}

func (v *dbgvar) set(n int32) {
	if v.v == nil {
		v.a.Store(n)
	} else {
		*v.v = n
	}
}

// tracebackLevels: GOTRACEBACK's words by the level that they mean.
var tracebackLevels = [...]string{"none", "single", "all", "system", "crash"}

//go:linkname setTraceback runtime/debug.SetTraceback
func setTraceback(level string) {
	wanted := int32(0)
	if level == "" {
		level = "single"
	}
	// A number: all goroutines, with so many frames of the runtime's.
	if n, ok := atoi(level); ok && n > 0 {
		wanted = min(int32(n), 2) + 1
	}
	for i, word := range tracebackLevels {
		if level == word {
			wanted = int32(i)
		}
	}
	debug.gotraceback = max(wanted, tracebackEnv)
}

// tracebackEnv is what GOTRACEBACK says: a program can only ask for more.
var tracebackEnv int32

var (
	godebugUpdate    func(def, env string)
	newIncNonDefault func(name string) func()
)

//go:linkname godebug_setUpdate internal/godebug.setUpdate
func godebug_setUpdate(update func(def, env string)) {
	godebugUpdate = update
	godebugNotify(false)
}

//go:linkname godebug_registerMetric internal/godebug.registerMetric
func godebug_registerMetric(name string, read func() uint64) { registerGodebugMetric(name, read) }

//go:linkname godebug_setNewIncNonDefault internal/godebug.setNewIncNonDefault
func godebug_setNewIncNonDefault(f func(string) func()) { newIncNonDefault = f }

// godebugNotify is called when GODEBUG has changed in the environment. Only settings that are
// atomic follow it: to the new value, or else to what the program was built with.
func godebugNotify(changed bool) {
	env := godebugEnv()
	if changed {
		var vars []dbgvar
		for _, v := range dbgvars {
			if v.a != nil {
				v.v = new(int32)
				vars = append(vars, v)
			}
		}
		parsegodebug(vars, godebugDefault)
		parsegodebug(vars, env)
		for _, v := range vars {
			v.a.Store(*v.v)
		}
	}
	if godebugUpdate != nil {
		godebugUpdate(godebugDefault, env)
	}
}

// godebugInc counts uses of a non-default setting of the runtime's own.
type godebugInc struct {
	name string
	inc  atomic.Pointer[func()]
}

func (g *godebugInc) IncNonDefault() {
	if count := g.inc.Load(); count != nil {
		(*count)()
	} else if g.connect() {
		g.IncNonDefault()
	}
}

// connect gets the counter from internal/godebug, if that is in the program.
func (g *godebugInc) connect() bool {
	if newIncNonDefault == nil {
		return false
	}
	counter := new(func())
	*counter = newIncNonDefault(g.name)
	g.inc.CompareAndSwap(nil, counter) // or another goroutine's stays
	return true
}

var panicnil = &godebugInc{name: "panicnil"}

// ---- numbers --------------------------------------------------------------------------

// atoi reads a decimal integer with an optional sign.
func atoi(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 || n > 1<<63/10 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	if neg {
		return -int(n), n <= 1<<63
	}
	return int(n), n < 1<<63
}

func rand_fast() (v uint64)

//go:noescape
func random_fill(p unsafe.Pointer, n uintptr) (ok bool)

// rand is random_fast of kernel/random.h, without a gate once there are leaves.
//
//go:linkname rand
func rand() uint64

// randSlow is where that comes to without leaves; or the number is 0, and another is as good.
func randSlow() uint64 { return rand_fast() }

func rand32() uint32 { return uint32(rand() >> 32) }

//go:linkname bootstrapRand
func bootstrapRand() uint64 { return rand() }

//go:linkname os_fastrand os.fastrand
func os_fastrand() uint64 { return rand() }

//go:linkname randn
func randn(n uint32) uint32 {
	return uint32(rand() >> 32 * uint64(n) >> 32) // the fraction rand/2^32 of n
}

//go:linkname cheaprand
func cheaprand() uint32 { return uint32(rand()) }

//go:linkname cheaprand64
func cheaprand64() int64 { return int64(rand() >> 1) }

//go:linkname cheaprandn
func cheaprandn(n uint32) uint32 { return randn(n) }

//go:linkname legacy_fastrand runtime.fastrand
func legacy_fastrand() uint32 { return uint32(rand()) }

//go:linkname legacy_fastrandn runtime.fastrandn
func legacy_fastrandn(n uint32) uint32 { return randn(n) }

//go:linkname legacy_fastrand64 runtime.fastrand64
func legacy_fastrand64() uint64 { return rand() }

// ---- crypto ---------------------------------------------------------------------------

//go:linkname fips_getIndicator crypto/internal/fips140.getIndicator
func fips_getIndicator() uint8 { return getg().fipsIndicator }

//go:linkname fips_setIndicator crypto/internal/fips140.setIndicator
func fips_setIndicator(i uint8) { getg().fipsIndicator = i }

//go:linkname dit_setEnabled crypto/subtle.setDITEnabled
func dit_setEnabled() bool { return false }

//go:linkname dit_setDisabled crypto/subtle.setDITDisabled
func dit_setDisabled() bool { return false }

// ---- miscellany -----------------------------------------------------------------------

//go:linkname syscall_Exit syscall.Exit
func syscall_Exit(code int) { exit(int32(code)) }

//go:linkname os_beforeExit os.runtime_beforeExit
func os_beforeExit(code int) { runExitHooks(code) }

//go:linkname debug_setMaxThreads runtime/debug.setMaxThreads
func debug_setMaxThreads(in int) (out int) {
	out = maxThreads
	maxThreads = in
	return
}

var maxThreads = 10000

var maxstacksize uintptr = 1000000000
