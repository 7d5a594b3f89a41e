package runtime

// The CPU profile: gort/observe/cpuprof.c takes the samples, runtime/pprof reads them here.

import (
	"internal/abi"
	"unsafe"
)

//go:noescape
func cpuprof_start(hz int32, names *uintptr)

func cpuprof_stop()

//go:noescape
func cpuprof_read(data *uint64, dataCap int, tags *unsafe.Pointer, tagCap int) (n, ntags int)

// Functions that are never called: in a profile they stand for what is not Go code. _System
// is at the bottom of stacks that are no goroutine's.

//go:noinline
func newstack() { newstack() }

//go:noinline
func schedule() { schedule() }

//go:noinline
func _System() { _System() }

//go:noinline
func _ExternalCode() { _ExternalCode() }

var cpuprof struct {
	lock    mutex
	on      bool  // samples are taken
	open    bool  // the reader has not seen the end yet
	header  bool  // the reader has had the first record
	hz      int   // samples per second of busy time
	started int64 // nanotime
	data    []uint64
	tags    []unsafe.Pointer
}

// SetCPUProfileRate turns the CPU profile on, with hz samples per second, or off if hz <= 0.
// The rate of a profile that is on cannot be changed.
func SetCPUProfileRate(hz int) {
	hz = min(max(hz, 0), 1000000)
	names := [...]uintptr{
		abi.FuncPCABIInternal(systemstack), abi.FuncPCABIInternal(newstack),
		abi.FuncPCABI0(morestack), abi.FuncPCABIInternal(schedule),
		abi.FuncPCABIInternal(gcBgMarkWorker), abi.FuncPCABIInternal(_System),
		abi.FuncPCABIInternal(_ExternalCode),
	}
	lock(&cpuprof.lock)
	switch p := &cpuprof; {
	case hz > 0 && p.open:
		print("runtime: cannot set cpu profile rate until previous profile has finished.\n")
	case hz > 0:
		p.on, p.open, p.header = true, true, false
		p.hz, p.started = hz, nanotime()
		cpuprof_start(int32(hz), &names[0])
	case p.on:
		cpuprof_stop()
		p.on = false
	}
	unlock(&cpuprof.lock)
}

// readProfile returns the next samples, when there are some: whole records in data, and for
// each its labels in tags. Both are good until the next call. eof: the profile was turned off
// and all of it has been read.
//
//go:linkname pprof_readProfile runtime/pprof.readProfile
func pprof_readProfile() (data []uint64, tags []unsafe.Pointer, eof bool) {
	const pollNs = 100e6
	p := &cpuprof
	for {
		lock(&p.lock)
		on, open, header := p.on, p.open, p.header
		p.header = true
		started, hz := p.started, p.hz
		unlock(&p.lock)
		if open && !header {
			first := make([]uint64, 3)
			first[0], first[1], first[2] = 3, uint64(started), uint64(hz)
			return first, make([]unsafe.Pointer, 1), false
		}
		if !open {
			return nil, nil, true
		}
		if p.data == nil {
			p.data, p.tags = make([]uint64, 1<<15), make([]unsafe.Pointer, 1<<11)
		}
		n, ntags := cpuprof_read(&p.data[0], len(p.data), &p.tags[0], len(p.tags))
		if n > 0 {
			return p.data[:n], p.tags[:ntags], false
		}
		if !on {
			lock(&p.lock)
			p.open = false
			unlock(&p.lock)
			return nil, nil, true
		}
		timeSleep(pollNs)
	}
}
