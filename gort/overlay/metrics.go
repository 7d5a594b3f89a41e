package runtime

// runtime/metrics: which number each name stands for. The numbers come from gort/observe/metrics.c
// and gort/heap/mstats.c; metricnames.go lists the names, metricvalue.go writes the values.

import (
	"internal/runtime/atomic"
	"internal/runtime/gc"
	"unsafe"
)

// godebugMetrics counts uses of non-default GODEBUG settings by name.
var (
	godebugMetricsLock mutex
	godebugMetrics     []godebugMetric
)

type godebugMetric struct {
	name string
	read func() uint64
}

func registerGodebugMetric(name string, read func() uint64) {
	m := append([]godebugMetric(nil), godebugMetrics...)
	m = append(m, godebugMetric{name, read})
	lock(&godebugMetricsLock)
	godebugMetrics = m
	unlock(&godebugMetricsLock)
}

// metricsC is struct metrics_raw of gort/observe/metrics.c.
type metricsC struct {
	percent, limit, goal, marked                     uint64
	scanHeap, scanStack, scanGlobals                 uint64
	markWorker, markIdle, markAssist                 uint64
	pauseCPU, idle, total                            uint64
	scavengeAssist, scavengeBackground               uint64
	cleanupsQueued, cleanupsRun, finsQueued, finsRun uint64
	gomaxprocs, threads, created, goroutines         uint64
	inSyscall, runnable, running, waiting            uint64
	committed, limiterCycle                          uint64
	largeAllocs, largeFrees                          uint64
	smallAllocs, smallFrees                          [gc.NumSizeClasses]uint64
	mutexWait                                        uint64
	pauses, stopping, pausesOther, stoppingOther     [timeHistLen]uint64
	latencies                                        [timeHistLen]uint64
}

//go:noescape
func metrics_read(out unsafe.Pointer, size uintptr, mem unsafe.Pointer)

//go:linkname readMetrics runtime/metrics.runtime_readMetrics
func readMetrics(samplesp unsafe.Pointer, n, capacity int) {
	if timeBuckets == nil {
		sizeBuckets = sizeClassBuckets()
		timeBuckets = timeHistBuckets()
	}
	var c metricsC
	var m memStatsC
	metrics_read(unsafe.Pointer(&c), unsafe.Sizeof(c), unsafe.Pointer(&m))
	user := cpuUserSince(c.total - min(c.total, cpuOfRuntime(&c)))
	for i := range unsafe.Slice((*metricSample)(samplesp), n) {
		s := (*metricSample)(add(samplesp, uintptr(i)*unsafe.Sizeof(metricSample{})))
		v := &s.value
		if !memoryMetric(s.name, v, &c, &m) && !gcMetric(s.name, v, &c, &m, user) && !schedMetric(s.name, v, &c) {
			otherMetric(s.name, v)
		}
	}
}

func memoryMetric(name string, v *metricValue, c *metricsC, m *memStatsC) bool {
	objects := m.totalAlloc - m.totalFree
	unused := m.heapInuse - objects
	free := m.heapIdle - m.heapReleased
	switch name {
	case "/memory/classes/heap/free:bytes":
		v.u(free)
	case "/memory/classes/heap/objects:bytes":
		v.u(objects)
	case "/memory/classes/heap/released:bytes":
		v.u(m.heapReleased)
	case "/memory/classes/heap/stacks:bytes":
		v.u(m.stackInuse)
	case "/memory/classes/heap/unused:bytes":
		v.u(unused)
	case "/memory/classes/metadata/mcache/free:bytes":
		v.u(m.mcacheSys - m.mcacheInuse)
	case "/memory/classes/metadata/mcache/inuse:bytes":
		v.u(m.mcacheInuse)
	case "/memory/classes/metadata/mspan/free:bytes":
		v.u(max(m.mspanSys, m.mspanInuse) - m.mspanInuse)
	case "/memory/classes/metadata/mspan/inuse:bytes":
		v.u(m.mspanInuse)
	case "/memory/classes/metadata/other:bytes":
		v.u(m.gcSys)
	case "/memory/classes/profiling/buckets:bytes":
		v.u(m.profSys)
	case "/memory/classes/os-stacks:bytes":
		v.u(m.cStacks)
	case "/memory/classes/other:bytes":
		v.u(m.otherSys)
	case "/memory/classes/total:bytes":
		v.u(free + objects + m.heapReleased + m.stackInuse + m.cStacks + unused + m.mcacheSys +
			max(m.mspanSys, m.mspanInuse) + m.gcSys + m.otherSys + m.profSys)
	case "/gc/heap/allocs:bytes":
		v.u(m.totalAlloc)
	case "/gc/heap/allocs:objects":
		v.u(m.mallocs - m.tiny)
	case "/gc/heap/frees:bytes":
		v.u(m.totalFree)
	case "/gc/heap/frees:objects":
		v.u(m.frees - m.tiny)
	case "/gc/heap/objects:objects":
		v.u(m.mallocs - m.frees)
	case "/gc/heap/tiny/allocs:objects":
		v.u(m.tiny)
	case "/gc/heap/allocs-by-size:bytes":
		v.sizes(&c.smallAllocs, c.largeAllocs)
	case "/gc/heap/frees-by-size:bytes":
		v.sizes(&c.smallFrees, c.largeFrees)
	default:
		return false
	}
	return true
}

var cpuUserMost atomic.Uint64

// cpuUserSince has the program's CPU time, which is what the runtime's leaves of the whole, rise
// only: the collector counts a slice of its work at its end, and until then it is the program's.
func cpuUserSince(v uint64) uint64 {
	for {
		old := cpuUserMost.Load()
		if v <= old {
			return old
		}
		if cpuUserMost.CompareAndSwap(old, v) {
			return v
		}
	}
}

// cpuOfRuntime is all CPU time, idle time with it, that is not the program's.
func cpuOfRuntime(c *metricsC) uint64 {
	return c.idle + c.markWorker + c.markIdle + c.markAssist + c.pauseCPU +
		c.scavengeAssist + c.scavengeBackground
}

func gcMetric(name string, v *metricValue, c *metricsC, m *memStatsC, cpuUser uint64) bool {
	gcTotal := c.markWorker + c.markIdle + c.markAssist + c.pauseCPU
	scavengeTotal := c.scavengeAssist + c.scavengeBackground
	switch name {
	case "/cpu/classes/gc/mark/assist:cpu-seconds":
		v.seconds(c.markAssist)
	case "/cpu/classes/gc/mark/dedicated:cpu-seconds":
		v.seconds(c.markWorker)
	case "/cpu/classes/gc/mark/idle:cpu-seconds":
		v.seconds(c.markIdle)
	case "/cpu/classes/scavenge/assist:cpu-seconds":
		v.seconds(c.scavengeAssist)
	case "/cpu/classes/scavenge/background:cpu-seconds":
		v.seconds(c.scavengeBackground)
	case "/cpu/classes/scavenge/total:cpu-seconds":
		v.seconds(scavengeTotal)
	case "/cpu/classes/gc/pause:cpu-seconds":
		v.seconds(c.pauseCPU)
	case "/cpu/classes/gc/total:cpu-seconds":
		v.seconds(gcTotal)
	case "/cpu/classes/idle:cpu-seconds":
		v.seconds(c.idle)
	case "/cpu/classes/total:cpu-seconds":
		v.seconds(cpuOfRuntime(c) + cpuUser)
	case "/cpu/classes/user:cpu-seconds":
		v.seconds(cpuUser)
	case "/gc/cleanups/executed:cleanups":
		v.u(c.cleanupsRun)
	case "/gc/cleanups/queued:cleanups":
		v.u(c.cleanupsQueued)
	case "/gc/finalizers/executed:finalizers":
		v.u(c.finsRun)
	case "/gc/finalizers/queued:finalizers":
		v.u(c.finsQueued)
	case "/gc/cycles/automatic:gc-cycles":
		v.u(m.numGC - m.numForced)
	case "/gc/cycles/forced:gc-cycles":
		v.u(m.numForced)
	case "/gc/cycles/total:gc-cycles":
		v.u(m.numGC)
	case "/gc/gogc:percent":
		v.u(c.percent)
	case "/gc/gomemlimit:bytes":
		v.u(c.limit)
	case "/gc/heap/goal:bytes":
		v.u(c.goal)
	case "/gc/heap/live:bytes":
		v.u(c.marked)
	case "/gc/limiter/last-enabled:gc-cycle":
		v.u(c.limiterCycle)
	case "/gc/pauses:seconds", "/sched/pauses/total/gc:seconds":
		v.times(&c.pauses)
	case "/sched/pauses/stopping/gc:seconds":
		v.times(&c.stopping)
	case "/gc/scan/globals:bytes":
		v.u(c.scanGlobals)
	case "/gc/scan/heap:bytes":
		v.u(c.scanHeap)
	case "/gc/scan/stack:bytes":
		v.u(c.scanStack)
	case "/gc/scan/total:bytes":
		v.u(c.scanGlobals + c.scanHeap + c.scanStack)
	case "/gc/stack/starting-size:bytes":
		v.u(2048)
	default:
		return false
	}
	return true
}

func schedMetric(name string, v *metricValue, c *metricsC) bool {
	switch name {
	case "/cgo/go-to-c-calls:calls":
		v.u(0)
	case "/sched/gomaxprocs:threads":
		v.u(c.gomaxprocs)
	case "/sched/threads/total:threads":
		v.u(c.threads)
	case "/sched/goroutines-created:goroutines":
		v.u(c.created)
	case "/sched/goroutines:goroutines":
		v.u(c.goroutines)
	case "/sched/goroutines/not-in-go:goroutines":
		v.u(c.inSyscall)
	case "/sched/goroutines/runnable:goroutines":
		v.u(c.runnable)
	case "/sched/goroutines/running:goroutines":
		v.u(c.running)
	case "/sched/goroutines/waiting:goroutines":
		v.u(c.waiting)
	case "/sched/latencies:seconds":
		v.times(&c.latencies)
	case "/sched/pauses/stopping/other:seconds":
		v.times(&c.stoppingOther)
	case "/sched/pauses/total/other:seconds":
		v.times(&c.pausesOther)
	case "/sync/mutex/wait/total:seconds":
		v.seconds(c.mutexWait)
	default:
		return false
	}
	return true
}

// otherMetric knows the GODEBUG settings; anything else is not supported, and says so.
func otherMetric(name string, v *metricValue) {
	lock(&godebugMetricsLock)
	list := godebugMetrics
	unlock(&godebugMetricsLock)
	for i := range list {
		if list[i].name == name {
			v.u(list[i].read())
			return
		}
	}
	const godebugPrefix = "/godebug/non-default-behavior/"
	if len(name) > len(godebugPrefix) && name[:len(godebugPrefix)] == godebugPrefix {
		v.u(0) // never used so far
		return
	}
	v.kind = metricBad
}
