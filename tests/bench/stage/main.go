// A stage of scripts/selfhost, on the Linux guest: `go build` of tools with the stock tools. Each must
// come out with the sum that it came out with on gort. Prints for each the seconds that passed, and
// those that the CPUs worked, in the lines of scripts/bench.
//
//	stage GOROOT JOBS TOOL=SHA256 [TOOL=SHA256 ...] -- FLAGS
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

func build(jobs, tool, sum string, flags []string) {
	c := exec.Command("go", "build", "-p", jobs, "-o", "/out/"+tool)
	c.Args = append(append(c.Args, flags...), "cmd/"+tool)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	start := time.Now()
	err := c.Run()
	passed := time.Since(start)
	var made []byte
	if err == nil {
		made, err = os.ReadFile("/out/" + tool)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(made)); err == nil && got != sum {
		err = fmt.Errorf("made %s, not %s", got, sum)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "stage: cmd/%s: %v\n", tool, err)
		os.Exit(1)
	}
	worked := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	fmt.Printf("BENCH %s_passed %.1f s\nBENCH %s_worked %.1f s\n", tool, passed.Seconds(), tool,
		worked.Seconds())
}

func main() {
	fmt.Println("BENCH-START stage")
	start := time.Now()
	at := slices.Index(os.Args, "--")
	if at < 4 {
		fmt.Fprintln(os.Stderr, "usage: stage GOROOT JOBS TOOL=SHA256 [TOOL=SHA256 ...] -- FLAGS")
		os.Exit(2)
	}
	for name, value := range map[string]string{
		"GOROOT": os.Args[1], "PATH": os.Args[1] + "/bin", "GOTOOLCHAIN": "local", "GOENV": "off",
		"GOCACHE": "/cache", "GOPATH": "/gopath", "CGO_ENABLED": "0",
	} {
		os.Setenv(name, value)
	}
	for _, word := range os.Args[3:at] {
		tool, sum, _ := strings.Cut(word, "=")
		build(os.Args[2], tool, sum, os.Args[at+1:])
	}
	fmt.Printf("BENCH-END %v\n", time.Since(start))
}
