// GODEBUG=inittrace=1: a line for each package that has been initialised, as go doc runtime says.
package runtime

import "unsafe"

// initTrace is the state of the program when a package's initialisation begins. Objects of other
// goroutines count too: there is hardly ever another one yet.
type initTrace struct {
	start         int64
	bytes, allocs uint64
}

var initTraceZero int64 // when packages began to be initialised

func traceInit() (t initTrace) {
	var c memStatsC
	var pauses [2*256 + 3]uint64
	mem_stats(unsafe.Pointer(&c), unsafe.Pointer(&pauses), len(pauses))
	t.bytes, t.allocs, t.start = c.totalAlloc, c.mallocs, nanotime()
	return
}

// done prints the line of the package that the function at pc belongs to.
func (t *initTrace) done(pc uintptr) {
	end := nanotime()
	now := traceInit()
	var at, took [24]byte
	print("init ", packageOf(FuncForPC(pc).Name()), " @", milliseconds(&at, t.start-initTraceZero), " ms, ",
		milliseconds(&took, end-t.start), " ms clock, ", now.bytes-t.bytes, " bytes, ", now.allocs-t.allocs,
		" allocs\n")
}

// packageOf cuts a function's name behind the path of its package.
func packageOf(name string) string {
	dot := 0
	for i := range len(name) {
		switch {
		case name[i] == '/':
			dot = 0
		case name[i] == '.' && dot == 0:
			dot = i
		}
	}
	return name[:dot]
}

// milliseconds writes ns to the end of buf: whole from 10 ms on, else with two digits that count.
func milliseconds(buf *[24]byte, ns int64) string {
	places, n := 0, ns/1000000
	if n < 10 {
		places, n = 3, ns/1000
		for ; n >= 100; places-- {
			n /= 10
		}
	}
	if n == 0 {
		return "0"
	}
	i := len(buf)
	for digits := 0; n > 0 || digits <= places; digits++ {
		if digits == places && places > 0 {
			i--
			buf[i] = '.'
		}
		i--
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return unsafe.String(&buf[i], len(buf)-i)
}
