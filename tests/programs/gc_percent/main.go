// The values that GOGC may be set to.
package main

import (
	"fmt"
	"runtime/debug"
)

func main() { fmt.Println(debug.SetGCPercent(50)) }
