// A directory of many names is read completely, each once, while names come and go and others read.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func fill(dir string, n int) {
	os.Mkdir(dir, 0o755)
	for i := range n {
		f, err := os.Create(dir + "/" + strconv.Itoa(i))
		if err != nil {
			panic(err)
		}
		f.Close()
	}
}

func list(dir string, step int, between func(names []string)) map[string]int {
	all := map[string]int{}
	f, err := os.Open(dir)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(step)
		for _, n := range names {
			all[n]++
		}
		if err != nil {
			return all
		}
		between(names)
	}
}

func main() {
	tmp, _ := os.MkdirTemp("", "readdir")
	defer os.RemoveAll(tmp)
	nothing := func([]string) {}
	fill(tmp+"/many", 5000)
	fmt.Println(len(list(tmp+"/many", 100, nothing)))

	// Two readers take turns; the second removes what it has read.
	removed := 0
	g, _ := os.Open(tmp + "/many")
	all := list(tmp+"/many", 300, func([]string) {
		names, _ := g.Readdirnames(200)
		for _, n := range names {
			if os.Remove(tmp+"/many/"+n) == nil {
				removed++
			}
		}
	})
	g.Close()
	twice := 0
	for _, n := range all {
		if n != 1 {
			twice++
		}
	}
	rest := list(tmp+"/many", 1000000, nothing)
	fmt.Println(twice, len(all) >= 5000-removed, len(rest) == 5000-removed)
}
