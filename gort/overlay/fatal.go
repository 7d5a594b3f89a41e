package runtime

// Dying: the last words of a program, in Go's form. runtime's own faults throw, the program's are
// fatal, and a panic that nobody has recovered prints the chain of those that led to it.

import _ "unsafe" // for go:linkname

func freeze_world()
func crash_traceback(level int32)

// ---- what panics say --------------------------------------------------------------------

// repeats reports whether p has the value of the panic before it, and notes it there.
//
//go:nosplit
func (p *_panic) repeats() bool {
	if p.link == nil || *efaceOf(&p.link.arg) != *efaceOf(&p.arg) {
		return false
	}
	p.link.repanicked = true
	return true
}

// toText turns p's value into what will be printed, by the program's own methods, while those may
// still run.
func (p *_panic) toText() {
	if p.repeats() {
		return
	}
	defer methodPanicked()
	if v, ok := p.arg.(error); ok {
		p.arg = v.Error()
	} else if v, ok := p.arg.(stringer); ok {
		p.arg = v.String()
	}
}

func methodPanicked() {
	if r := recover(); r != nil {
		what, ok := r.(string)
		if !ok {
			what = "type " + toRType(efaceOf(&r)._type).string()
		}
		throw("panic while printing panic value: " + what)
	}
}

// printpanics prints the panics up to p, the oldest first, each further one indented. One that was
// raised again with the same value is printed once. Links are turned round meanwhile, and for good:
// nothing needs them any more, and a chain may be longer than a stack is deep.
func printpanics(p *_panic) {
	var oldest *_panic
	for p != nil {
		oldest, p, p.link = p, p.link, oldest
	}
	var before *_panic
	for p = oldest; p != nil; before, p = p, p.link {
		if before != nil {
			if before.repanicked {
				continue
			}
			if !before.goexit {
				print("\t")
			}
		}
		if !p.goexit {
			p.print()
		}
	}
}

func (p *_panic) print() {
	print("panic: ")
	printpanicval(p.arg)
	switch {
	case p.recovered && p.repanicked:
		print(" [recovered, repanicked]")
	case p.recovered:
		print(" [recovered]")
	}
	print("\n")
}

// ---- the end ----------------------------------------------------------------------------

// beginDying stops the other CPUs, so that nothing interleaves with the last words. False
// means that printing has failed already.
//
//go:nosplit
func beginDying() bool {
	mp := getg().m
	mp.dying++
	switch mp.dying {
	case 1:
		panicking.Add(1)
		freeze_world()
		return true
	case 2:
		print("panic during panic\n")
		return false
	case 3:
		print("stack trace unavailable\n")
		exit(4)
	}
	exit(5)
	return false
}

// Traceback levels, as crash_traceback has them.
const (
	tracebackPanic   = 0 // GOTRACEBACK decides
	tracebackRuntime = 2 // with the runtime's frames
)

//go:nosplit
func fatalpanic(p *_panic) {
	if beginDying() {
		runningPanicDefers.Add(-1)
		printpanics(p)
	}
	printsigline()
	crash_traceback(tracebackPanic)
	exit(crashStatus())
}

// crashStatus is the exit status of a program that dies of itself: with GOTRACEBACK=crash as if by
// SIGABRT, which a shell calls 134.
//
//go:nosplit
func crashStatus() int32 {
	if debug.gotraceback == 4 {
		return 134
	}
	return 2
}

// printsigline names the machine fault behind a panic.
func printsigline() {
	gp := getg()
	if gp.sig == 0 {
		return
	}
	name, text := "SIGSEGV", "segmentation violation"
	switch gp.sig {
	case sigFPE:
		name, text = "SIGFPE", "floating-point exception"
	case sigBUS:
		name, text = "SIGBUS", "bus error"
	case sigILL:
		name, text = "SIGILL", "illegal instruction"
	case sigTRAP:
		name, text = "SIGTRAP", "trace trap"
	}
	print("[signal ", name, ": ", text, " code=", hex(gp.sigcode0), " addr=", hex(gp.sigcode1), " pc=", hex(gp.sigpc), "]\n")
}

// printFatal is the line that says why.
//
//go:nosplit
func printFatal(why string) {
	print("fatal error: ")
	printindented(why)
	print("\n")
}

//go:linkname throw
//go:nosplit
func throw(s string) {
	beginDying()
	printFatal(s)
	printsigline()
	crash_traceback(tracebackRuntime)
	exit(crashStatus())
}

// fatal is throw for what is the program's fault. The panics on whose way it happens are told, too.
//
//go:nosplit
func fatal(s string) {
	p := getg()._panic
	beginDying()
	if p != nil {
		for q := p; q != nil; q = q.link {
			q.repeats()
		}
		printpanics(p)
		print("\t")
	}
	printFatal(s)
	crash_traceback(tracebackPanic)
	exit(crashStatus())
}

//go:linkname sync_throw sync.throw
func sync_throw(s string) { throw(s) }

//go:linkname sync_fatal sync.fatal
func sync_fatal(s string) { fatal(s) }

//go:linkname rand_fatal crypto/rand.fatal
func rand_fatal(s string) { fatal(s) }

//go:linkname sysrand_fatal crypto/internal/sysrand.fatal
func sysrand_fatal(s string) { fatal(s) }

//go:linkname fips_fatal crypto/internal/fips140.fatal
func fips_fatal(s string) { fatal(s) }

//go:linkname maps_fatal internal/runtime/maps.fatal
func maps_fatal(s string) { fatal(s) }

//go:linkname internal_sync_throw internal/sync.throw
func internal_sync_throw(s string) { throw(s) }

//go:linkname internal_sync_fatal internal/sync.fatal
func internal_sync_fatal(s string) { fatal(s) }

//go:linkname cgroup_throw internal/runtime/cgroup.throw
func cgroup_throw(s string) { throw(s) }

//go:linkname throwinit
func throwinit() { throw("recursive call during initialization - linker skew") }

// gort_raise is where C sends a goroutine whose gate failed (gate_panic in gort/abi/raise.c): as
// if the gate itself had called it.
func gort_raise(kind int, msg string) {
	switch kind {
	case 0:
		panic(plainError(msg))
	case 1:
		panic(errorString(msg))
	case 2:
		throw(msg)
	default:
		fatal(msg)
	}
}
