package runtime

// Values of runtime/metrics: numbers and histograms, in the layouts of package runtime/metrics.

import (
	"internal/runtime/gc"
	"unsafe"
)

const (
	timeHistMinBits = 9
	timeHistMaxBits = 48
	timeHistLen     = (timeHistMaxBits-timeHistMinBits+1)*4 + 2
)

type metricSample struct {
	name  string
	value metricValue
}

type metricValue struct {
	kind    int
	scalar  uint64
	pointer unsafe.Pointer
}

type metricHistogram struct {
	counts  []uint64
	buckets []float64
}

const (
	metricBad = iota
	metricUint64
	metricFloat64
	metricFloat64Histogram
)

func (v *metricValue) u(x uint64) { v.kind, v.scalar = metricUint64, x }

// seconds sets a value that C counts in nanoseconds.
func (v *metricValue) seconds(ns uint64) {
	f := float64(ns) / 1e9
	v.kind, v.scalar = metricFloat64, *(*uint64)(unsafe.Pointer(&f))
}

func (v *metricValue) hist(buckets []float64) *metricHistogram {
	h := (*metricHistogram)(v.pointer)
	if v.kind != metricFloat64Histogram || h == nil {
		h = new(metricHistogram)
		v.kind, v.pointer = metricFloat64Histogram, unsafe.Pointer(h)
	}
	h.buckets = buckets
	if len(h.counts) != len(buckets)-1 {
		h.counts = make([]uint64, len(buckets)-1)
	}
	return h
}

func infinity(sign int) float64 {
	bits := uint64(0x7ff0000000000000)
	if sign < 0 {
		bits |= 1 << 63
	}
	return *(*float64)(unsafe.Pointer(&bits))
}

var timeBuckets, sizeBuckets []float64 // [const once made]

// timeHistBuckets gives the borders of struct time_hist, in seconds.
func timeHistBuckets() []float64 {
	b := make([]float64, 1, timeHistLen+1)
	b[0] = infinity(-1)
	for k := range timeHistLen - 1 {
		b = append(b, timeHistBorder(k))
	}
	return append(b, infinity(1))
}

// timeHistBorder: the first four borders and the next four are equally far apart, and from there on
// each four twice as far as the four before.
func timeHistBorder(k int) float64 {
	ns := uint64(k)
	if doublings := k/4 - 1; doublings > 0 {
		ns = uint64(4+k%4) << doublings
	}
	return float64(ns<<(timeHistMinBits-3)) / 1e9
}

// sizeClassBuckets gives the borders of size classes: a class holds what is larger than the
// class below, up to its own size.
func sizeClassBuckets() []float64 {
	b := []float64{1}
	for i := 1; i < gc.NumSizeClasses; i++ {
		b = append(b, float64(gc.SizeClassToSize[i])+1)
	}
	return append(b, infinity(1))
}

func (v *metricValue) times(counts *[timeHistLen]uint64) {
	copy(v.hist(timeBuckets).counts, counts[:])
}

func (v *metricValue) sizes(small *[gc.NumSizeClasses]uint64, large uint64) {
	h := v.hist(sizeBuckets)
	copy(h.counts, small[1:])
	h.counts[len(h.counts)-1] = large
}
