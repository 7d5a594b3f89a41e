// A model test of sockets: random calls, one at a time, none of which waits. What each returns, and
// its errno, are printed; the trace of a seed is the same on Linux.
//
//	net_model [-from SEED] [-n SEEDS] [-also SEEDS] [-calls CALLS]
//	          [-settle DURATION]
//
// What differs on purpose is not in the trace: ports that the system has chosen have names by the
// order in which they were seen; a connect that is under way is waited for; a port that has had a
// connection is not bound again (TIME-WAIT); buffers that fill are for other tests.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	from   = flag.Int("from", 1, "first seed")
	count  = flag.Int("n", 300, "how many seeds")
	also   = flag.String("also", found, "further seeds, with commas between them")
	calls  = flag.Int("calls", 80, "calls for each seed")
	settle = flag.Duration("settle", 300*time.Microsecond, "what a packet may take to arrive")
	out    *bufio.Writer
)

// found are seeds that have shown a difference once.
const found = "437,657,676,874,1234,1246,1448,1581,1622,1710,1756,1962,1975,2129,2200,2320," +
	"2522,2546,2876,3498,3845,5413"

// rng is a small generator of our own: math/rand may change.
type rng uint64

func (r *rng) next() uint64 {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return uint64(*r)
}

func (r *rng) n(n int) int { return int(r.next() >> 11 % uint64(n)) }

func (r *rng) one(percent int) bool { return r.n(100) < percent }

func main() {
	flag.Parse()
	dir, err := os.MkdirTemp("", "model")
	if err != nil || os.Chdir(dir) != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	out = bufio.NewWriter(os.Stdout)
	for seed := *from; seed < *from+*count; seed++ {
		run(seed)
	}
	for _, text := range strings.Split(*also, ",") {
		if seed, err := strconv.Atoi(text); err == nil {
			run(seed)
		}
	}
	os.Chdir("/")
	os.RemoveAll(dir)
}

func run(seed int) {
	fmt.Fprintf(out, "seed %d\n", seed)
	r := rng(uint64(seed)*0x9e3779b97f4a7c15 + 1)
	for range 8 {
		r.next()
	}
	m := newModel(&r, seed)
	for range *calls {
		m.step()
	}
	m.end()
	out.Flush()
}
