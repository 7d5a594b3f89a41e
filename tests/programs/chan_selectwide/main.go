// A select that waits on forty channels holds all their locks at once.
package main

import (
	"fmt"
	"reflect"
)

func main() {
	var chans [40]chan int
	var cases []reflect.SelectCase
	for i := range chans {
		chans[i] = make(chan int)
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(chans[i])})
	}
	for _, i := range []int{0, 39, 17, 16, 15} {
		go func() { chans[i] <- i * i }()
		k, v, ok := reflect.Select(cases)
		fmt.Println(k, v.Int(), ok)
	}
}
