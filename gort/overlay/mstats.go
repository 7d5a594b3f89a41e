package runtime

// What programs may ask about memory. The numbers come from gort/heap/mstats.c.

import "unsafe"

// MemStats has what ReadMemStats tells: bytes, numbers of objects, and times.
type MemStats struct {
	Alloc, TotalAlloc, Sys, Lookups, Mallocs, Frees uint64

	HeapAlloc, HeapSys, HeapIdle, HeapInuse, HeapReleased, HeapObjects uint64

	StackInuse, StackSys, MSpanInuse, MSpanSys, MCacheInuse, MCacheSys uint64
	BuckHashSys, GCSys, OtherSys                                       uint64

	NextGC, LastGC, PauseTotalNs uint64
	PauseNs, PauseEnd            [256]uint64
	NumGC, NumForcedGC           uint32
	GCCPUFraction                float64
	EnableGC, DebugGC            bool

	BySize [61]struct {
		Size           uint32
		Mallocs, Frees uint64
	}
}

// memStatsC is struct go_memstats of gort/heap/mstats.c.
type memStatsC struct {
	totalAlloc, totalFree                      uint64
	mallocs, frees, tiny                       uint64
	heapSys, heapIdle, heapInuse, heapReleased uint64
	stackInuse, manualInuse, cStacks           uint64
	mspanInuse, mspanSys, mcacheInuse          uint64
	mcacheSys, gcSys, otherSys, profSys, sys   uint64
	nextGC, lastGC, pauseTotal                 uint64
	numGC, numForced, cpuFractionPPB           uint64
	classSize, classMallocs, classFrees        [61]uint64
}

//go:noescape
func mem_stats(out, pauses unsafe.Pointer, cap int) (n int)

//go:noescape
func mem_pauses(out unsafe.Pointer, cap int) (n int)
func gc_set_percent(percent int32) (old int32)
func gc_set_limit(limit int64) (old int64)
func gc_free_os_memory()

// ReadMemStats fills m in. The world stops for it.
func ReadMemStats(m *MemStats) {
	var c memStatsC
	var pauses [2*256 + 3]uint64
	_ = m.Alloc
	n := mem_stats(unsafe.Pointer(&c), unsafe.Pointer(&pauses), len(pauses))
	*m = MemStats{
		Alloc: c.totalAlloc - c.totalFree, TotalAlloc: c.totalAlloc, Sys: c.sys,
		Mallocs: c.mallocs, Frees: c.frees,
		HeapAlloc: c.totalAlloc - c.totalFree, HeapSys: c.heapSys, HeapIdle: c.heapIdle,
		HeapInuse: c.heapInuse, HeapReleased: c.heapReleased, HeapObjects: c.mallocs - c.frees,
		StackInuse: c.stackInuse, StackSys: c.stackInuse + c.cStacks,
		MSpanInuse: c.mspanInuse, MSpanSys: c.mspanSys,
		MCacheInuse: c.mcacheInuse, MCacheSys: c.mcacheSys,
		BuckHashSys: c.profSys, GCSys: c.gcSys, OtherSys: c.otherSys,
		NextGC: c.nextGC, LastGC: c.lastGC, PauseTotalNs: c.pauseTotal,
		NumGC: uint32(c.numGC), NumForcedGC: uint32(c.numForced),
		GCCPUFraction: float64(c.cpuFractionPPB) / 1e9, EnableGC: true,
	}
	for i := range m.BySize {
		m.BySize[i].Size = uint32(c.classSize[i])
		m.BySize[i].Mallocs = c.classMallocs[i]
		m.BySize[i].Frees = c.classFrees[i]
	}
	// Newest first there, by cycle number modulo 256 here.
	k := (n - 3) / 2
	for i := 0; i < k; i++ {
		at := (int(m.NumGC) - 1 - i) & 255
		m.PauseNs[at] = pauses[i]
		m.PauseEnd[at] = pauses[k+i]
	}
}

//go:linkname readGCStats runtime/debug.readGCStats
func readGCStats(pauses *[]uint64) {
	p := (*pauses)[:cap(*pauses)]
	n := mem_pauses(unsafe.Pointer(&p[0]), len(p))
	*pauses = p[:n]
}

//go:linkname debug_freeOSMemory runtime/debug.freeOSMemory
func debug_freeOSMemory() {
	GC()
	gc_free_os_memory()
}

//go:linkname debug_setGCPercent runtime/debug.setGCPercent
func debug_setGCPercent(in int32) (out int32) { return gc_set_percent(in) }

//go:linkname debug_setMemoryLimit runtime/debug.setMemoryLimit
func debug_setMemoryLimit(in int64) (out int64) { return gc_set_limit(in) }
