// Allocation from deep inside of reflection, on small stacks that grow and shrink: the slow
// path of new must spill its arguments nowhere but where its caller has left room.
package main

import (
	"fmt"
	"reflect"
	"sync"
)

type pair struct{ a, b int }

func main() {
	boxed := reflect.MakeFunc(reflect.TypeFor[func(int) any](), func(in []reflect.Value) []reflect.Value {
		n := int(in[0].Int())
		return []reflect.Value{reflect.ValueOf(pair{n, -n})}
	}).Interface().(func(int) any)

	var wg sync.WaitGroup
	bad := make([]int, 40)
	for g := range bad {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 2000 {
				if p := boxed(i).(pair); p.a != i || p.b != -i {
					bad[g]++
				}
			}
		}()
	}
	wg.Wait()
	total := 0
	for _, n := range bad {
		total += n
	}
	fmt.Println("wrong results:", total)
}
