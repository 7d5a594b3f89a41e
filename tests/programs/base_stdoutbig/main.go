// Half a megabyte of output, byte for byte, in writes of odd sizes.
package main

import "os"

func main() {
	buf := make([]byte, 0, 5000)
	var x uint32 = 1
	for i := range 200 {
		buf = buf[:0]
		for range 1000 + i*13 {
			x = x*1664525 + 1013904223
			buf = append(buf, ' '+byte(x>>24)%94)
		}
		buf = append(buf, '\r', '\n', '\t', 0, 7)
		if n, err := os.Stdout.Write(buf); n != len(buf) || err != nil {
			println(n, err.Error())
			os.Exit(1)
		}
	}
}
