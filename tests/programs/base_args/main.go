package main

import (
	"fmt"
	"os"
	"sort"
)

func main() {
	fmt.Printf("%d %q\n", len(os.Args)-1, os.Args[1:])
	env := os.Environ()
	sort.Strings(env)
	fmt.Printf("%q\n", env)
	v, ok := os.LookupEnv("EMPTY")
	fmt.Printf("%q %v %q\n", v, ok, os.Getenv("NOT_SET"))
	os.Setenv("LATER", "set")
	os.Unsetenv("COLOUR")
	fmt.Println(os.Getenv("LATER"), os.ExpandEnv("$LATER-${COLOUR}-$EMPTY"))
}
