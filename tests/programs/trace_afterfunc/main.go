// Nobody's goroutine has created that of a timer's function.
package main

import "time"

func main() {
	time.AfterFunc(time.Millisecond, func() { panic("in a timer") })
	select {}
}
