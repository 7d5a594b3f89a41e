package runtime

// debug.WriteHeapDump: the records that need Go's types, and the writing. gort/observe/heapdump.c has the
// rest, and says what the format is.

import (
	"internal/runtime/atomic"
	"unsafe"
)

func heapdump_take(itabs unsafe.Pointer, nitabs uintptr, stats unsafe.Pointer, nstats uintptr) (p unsafe.Pointer, n uintptr)
func heapdump_drop()

const (
	dumpType     = 3
	dumpItab     = 8
	dumpMemStats = 10
)

var dumping atomic.Uint32

//go:linkname debug_WriteHeapDump runtime/debug.WriteHeapDump
func debug_WriteHeapDump(fd uintptr) {
	for !dumping.CompareAndSwap(0, 1) {
		Gosched()
	}
	itabs, stats := dumpItabs(), dumpStats()
	p, n := heapdump_take(unsafe.Pointer(&itabs[0]), uintptr(len(itabs)),
		unsafe.Pointer(&stats[0]), uintptr(len(stats)))
	if p == nil {
		throw("heapdump: out of memory")
	}
	piece := make([]byte, 1<<16) // a system call takes no address of the kernel's
	for at := uintptr(0); at < n; {
		size := min(n-at, uintptr(len(piece)))
		memmove(unsafe.Pointer(&piece[0]), add(p, at), size)
		w, _, err := syscall6(1, fd, uintptr(unsafe.Pointer(&piece[0])), size, 0, 0, 0)
		const eintr, eagain = 4, 11
		if err == eintr || err == eagain {
			Gosched()
			continue
		}
		if err != 0 {
			break // as in Go, nobody is told
		}
		at += w
	}
	heapdump_drop()
	dumping.Store(0)
}

func dumpInt(b []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// dumpItabs makes a record of each itab, and of its type.
func dumpItabs() []byte {
	tabs := make([]*itab, 0, itabTable.count+100)
	lock(&itabLock)
	iterate_itabs(func(t *itab) {
		if len(tabs) < cap(tabs) { // no allocation under the lock
			tabs = append(tabs, t)
		}
	})
	unlock(&itabLock)
	b := make([]byte, 0, 64*len(tabs)+1)
	for _, tab := range tabs {
		t := tab.Type
		rt := toRType(t)
		name := rt.string()
		if x := t.Uncommon(); x != nil {
			if pkg := rt.nameOff(x.PkgPath).Name(); pkg != "" {
				name = pkg + "." + rt.name()
			}
		}
		indirect := uint64(0)
		if !t.IsDirectIface() || t.Pointers() {
			indirect = 1
		}
		b = dumpInt(b, dumpType)
		b = dumpInt(b, uint64(uintptr(unsafe.Pointer(t))))
		b = dumpInt(b, uint64(t.Size_))
		b = append(dumpInt(b, uint64(len(name))), name...)
		b = dumpInt(b, indirect)
		b = dumpInt(b, dumpItab)
		b = dumpInt(b, uint64(uintptr(unsafe.Pointer(tab))))
		b = dumpInt(b, uint64(uintptr(unsafe.Pointer(t))))
	}
	return b
}

func dumpStats() []byte {
	var m MemStats
	ReadMemStats(&m)
	b := dumpInt(nil, dumpMemStats)
	for _, v := range [...]uint64{
		m.Alloc, m.TotalAlloc, m.Sys, m.Lookups, m.Mallocs, m.Frees,
		m.HeapAlloc, m.HeapSys, m.HeapIdle, m.HeapInuse, m.HeapReleased, m.HeapObjects,
		m.StackInuse, m.StackSys, m.MSpanInuse, m.MSpanSys, m.MCacheInuse, m.MCacheSys,
		m.BuckHashSys, m.GCSys, m.OtherSys, m.NextGC, m.LastGC, m.PauseTotalNs,
	} {
		b = dumpInt(b, v)
	}
	for _, v := range m.PauseNs {
		b = dumpInt(b, v)
	}
	return dumpInt(b, uint64(m.NumGC))
}
