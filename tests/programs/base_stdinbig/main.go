// More input than any buffer between host and program holds.
package main

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"os"
)

func main() {
	var lines, bytes int
	sum := crc32.NewIEEE()
	s := bufio.NewScanner(os.Stdin)
	for s.Scan() {
		lines++
		bytes += len(s.Bytes())
		sum.Write(s.Bytes())
	}
	fmt.Println(lines, bytes, sum.Sum32(), s.Err())
}
