// Every run-time error that can be recovered from, with its text.
package main

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

type T struct{ a, b int }
type I interface{ M() }
type J interface{ N() }
type S string

func (S) M() {}

func (t *T) Get() int { return t.b }
func (t T) Val() int  { return t.a }

var (
	zero     = 0
	neg      = -1
	five     = 5
	big      = 1 << 40
	nilMap   map[string]int
	nilSlice []int
	nilPtr   *T
	nilFunc  func()
	nilI     I
	nilAny   any
	slice    = []int{1, 2, 3}
	str      = "abc"
	arr      [4]int
	sink     any
	u64big   = uint64(1) << 63
	nilChan  chan int
	badKey   any = []int{1}
)

func try(name string, f func()) {
	defer func() {
		r := recover()
		var re runtime.Error
		err, _ := r.(error)
		fmt.Printf("%s: %v (runtime.Error %v)\n", name, r, errors.As(err, &re))
	}()
	f()
	fmt.Println(name, "did not panic")
}

func main() {
	try("nil field", func() { sink = nilPtr.b })
	try("nil store", func() { nilPtr.a = 1 })
	try("nil method", func() { nilPtr.Get() })
	try("nil value method", func() { sink = nilPtr.Val() })
	try("nil func", func() { nilFunc() })
	try("nil interface method", func() { nilI.M() })
	try("nil array", func() { var p *[10]int; sink = p[five] })
	try("divide", func() { sink = five / zero })
	try("modulo", func() { sink = five % zero })
	try("divide int8", func() { sink = int8(five) / int8(zero) })
	try("divide uint", func() { sink = uint(five) / uint(zero) })
	try("index", func() { sink = slice[five] })
	try("index negative", func() { sink = slice[neg] })
	try("index array", func() { sink = arr[five] })
	try("index string", func() { sink = str[five] })
	try("index nil", func() { sink = nilSlice[zero] })
	try("index uint64", func() { sink = slice[u64big] })
	try("slice high", func() { sink = slice[:five] })
	try("slice high negative", func() { sink = slice[:neg] })
	try("slice order", func() { sink = slice[five-2 : 1] })
	try("slice low", func() { sink = slice[five:] })
	try("slice string", func() { sink = str[:five] })
	try("slice string low", func() { sink = str[five:] })
	try("slice string order", func() { sink = str[five-2 : 1] })
	try("slice array", func() { sink = arr[:five] })
	try("slice3 max", func() { sink = slice[:1:five] })
	try("slice3 high", func() { sink = slice[0 : five-1 : 3] })
	try("slice3 low", func() { sink = slice[five-2 : 2 : 3] })
	try("slice3 max negative", func() { sink = slice[0:1:neg] })
	try("to array", func() { sink = [4]int(slice) })
	try("to array pointer", func() { sink = (*[4]int)(slice) })
	try("assert nil", func() { sink = nilAny.(int) })
	try("assert type", func() { sink = any("s").(int) })
	try("assert pointer", func() { sink = any(&arr).(*T) })
	try("assert interface", func() { sink = any(5).(I) })
	try("assert interface pointer", func() { sink = any(T{}).(interface{ Get() int }) })
	try("assert missing", func() { sink = I(S("x")).(J) })
	try("assert nil interface", func() { sink = nilI.(J) })
	try("assert same name", func() { type T struct{}; sink = any(T{}).(*T) })
	try("nil map", func() { nilMap["a"] = 1 })
	try("unhashable", func() { sink = map[any]int{badKey: 1} })
	try("unhashable nested", func() { sink = map[any]int{[1]any{badKey}: 1} })
	try("unhashable lookup", func() { sink = map[any]int{1: 1}[badKey] })
	try("unhashable delete", func() { delete(map[any]int{}, badKey) })
	try("uncomparable", func() { sink = any(slice) == badKey })
	try("uncomparable func", func() { sink = any(nilFunc) == any(nilFunc) })
	try("uncomparable struct", func() { type s struct{ f any }; sink = s{slice} == s{slice} })
	try("uncomparable map", func() { sink = any(nilMap) == any(nilMap) })
	try("close nil", func() { close(nilChan) })
	try("close twice", func() { c := make(chan int); close(c); close(c) })
	try("send closed", func() { c := make(chan int, 1); close(c); c <- 1 })
	try("select send closed", func() {
		c := make(chan int)
		close(c)
		select {
		case c <- 1:
		case <-nilChan:
		}
	})
	try("makeslice len", func() { sink = make([]int, neg) })
	try("makeslice cap", func() { sink = make([]int, 1, neg+1) })
	try("makeslice big", func() { sink = make([]int, big<<20) })
	try("makeslice cap big", func() { sink = make([]int, 0, big<<20) })
	try("makechan", func() { sink = make(chan int, neg) })
	try("makechan big", func() { sink = make(chan [1000]int, big<<20) })
	try("makemap", func() { sink = len(make(map[int]int, neg)) })
	try("shift", func() { sink = five << neg })
	try("shift right", func() { sink = uint8(five) >> neg })
	try("unsafe slice", func() { sink = unsafe.Slice(&arr[0], neg) })
	try("unsafe slice nil", func() { var p *int; sink = unsafe.Slice(p, five) })
	try("unsafe string", func() { var p *byte; sink = unsafe.String(p, five) })
	try("panic nil", func() { panic(nil) })
	try("panic value", func() { panic(T{1, 2}) })
	try("panic error", func() { panic(errors.New("an error")) })
}
