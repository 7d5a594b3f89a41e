// Calls by reflection in frames of every size class and its neighbours, with every register that
// arguments and results may travel in, while the collector runs and the stack moves.
package main

import (
	"fmt"
	"hash/crc32"
	"reflect"
	"runtime"
)

// frame calls a function of one array of n bytes, which lies on the stack, and gives it back turned
// round, as reflect.MakeFunc sees it and as reflect.Value.Call does.
func frame(n int) uint32 {
	array := reflect.ArrayOf(n, reflect.TypeOf(byte(0)))
	f := reflect.MakeFunc(reflect.FuncOf([]reflect.Type{array}, []reflect.Type{array}, false),
		func(in []reflect.Value) []reflect.Value {
			out := reflect.New(array).Elem()
			for i := 0; i < n; i++ {
				out.Index(i).SetUint(in[0].Index(n - 1 - i).Uint())
			}
			return []reflect.Value{out}
		})
	in := reflect.New(array).Elem()
	for i := 0; i < n; i++ {
		in.Index(i).SetUint(uint64(i*7) & 255)
	}
	out := f.Call([]reflect.Value{in})[0]
	for i := 0; i < n; i++ {
		if want := uint64((n-1-i)*7) & 255; out.Index(i).Uint() != want {
			panic(fmt.Sprintf("%d bytes: byte %d is %d, want %d", n, i, out.Index(i).Uint(), want))
		}
	}
	sum := crc32.NewIEEE()
	for i := 0; i < n; i++ {
		sum.Write([]byte{byte(out.Index(i).Uint())})
	}
	return sum.Sum32()
}

type pair struct {
	p *int
	f float32
}

//go:noinline
func registers(a int, b *int, c string, d pair, e float64, g func() int, h [1]*int, i any, j float64,
	k [2]int, l complex128, m []byte, n float32) (*int, float64, string, [2]int, any, func() int,
	float64, complex128, []byte, pair) {
	return b, e + j, c + fmt.Sprint(a), [2]int{k[1], k[0]}, i, g, float64(n), -l, m, pair{h[0], d.f}
}

func deep(n int, f func()) int {
	var room [64]int
	if n == 0 {
		f()
		return 0
	}
	room[n%64] = n
	return deep(n-1, f) + room[n%64]
}

// mover runs as a reflected call's callee: it collects and makes the stack move, so that the
// results that it makes, and the arguments of waiting calls, have to be found and adjusted.
func mover(p *int, s []string) (*int, []string, error) {
	x := *p
	deep(300, runtime.GC)
	return &x, append(s, fmt.Sprint(*p)), fmt.Errorf("error %d", *p)
}

func main() {
	for size := 16; size <= 1<<14; size *= 2 {
		fmt.Printf("%d: %08x %08x %08x\n", size, frame(size-1), frame(size), frame(size+1))
	}
	fmt.Printf("%08x %08x %08x\n", frame(0), frame(1), frame(200000))

	seven := 7
	in := []any{1, &seven, "text", pair{&seven, 2.5}, 0.25, func() int { return seven }, [1]*int{&seven},
		error(nil), 1.5, [2]int{3, 4}, 1 + 2i, []byte("bytes"), float32(8)}
	values := make([]reflect.Value, len(in))
	for i, v := range in {
		if values[i] = reflect.ValueOf(v); v == nil {
			values[i] = reflect.Zero(reflect.TypeFor[any]())
		}
	}
	out := reflect.ValueOf(registers).Call(values)
	fmt.Println(*out[0].Interface().(*int), out[1], out[2], out[3], out[4].IsNil(),
		out[5].Interface().(func() int)(), out[6], out[7], out[8], out[9].Field(1))

	var s []string
	for i := range 20 {
		r := reflect.ValueOf(mover).Call([]reflect.Value{reflect.ValueOf(&i), reflect.ValueOf(s)})
		if *r[0].Interface().(*int) != i {
			panic(i)
		}
		s = r[1].Interface().([]string)
		if i == 19 {
			fmt.Println(s, r[2])
		}
	}
	defer func() { fmt.Println("recovered:", recover()) }()
	reflect.ValueOf(func(a [100]int) { panic(fmt.Sprint("from ", len(a))) }).Call(
		[]reflect.Value{reflect.ValueOf([100]int{})})
}
