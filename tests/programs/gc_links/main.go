// Eight goroutines change linked structures while the collector runs; every link is verified.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

type node struct {
	next, other *node
	id          uint64
	sum         uint64
	data        []byte
	s           string
	m           map[string]*node
}

func mk(id uint64) *node {
	n := &node{id: id, sum: id * 0x9e3779b97f4a7c15}
	n.data = make([]byte, 16+id%200)
	for i := range n.data {
		n.data[i] = byte(id) + byte(i)
	}
	n.s = strconv.FormatUint(id, 10)
	if id%17 == 0 {
		n.m = map[string]*node{n.s: n}
	}
	return n
}

func (n *node) check() {
	if n.sum != n.id*0x9e3779b97f4a7c15 {
		panic(fmt.Sprintf("bad sum in node %d", n.id))
	}
	for i := range n.data {
		if n.data[i] != byte(n.id)+byte(i) {
			panic(fmt.Sprintf("bad data in node %d", n.id))
		}
	}
	if n.s != strconv.FormatUint(n.id, 10) {
		panic("bad string " + n.s)
	}
	if n.m != nil && n.m[n.s] != n {
		panic("bad map")
	}
}

func deep(d int, n *node) uint64 {
	var local [8]*node
	for i := range local {
		local[i] = mk(uint64(d*8 + i))
	}
	p := &local
	var r uint64
	if d > 0 {
		r = deep(d-1, local[d%8])
	}
	for _, x := range p {
		x.check()
		r += x.id
	}
	n.check()
	return r
}

func worker(w, rounds int, wg *sync.WaitGroup, ch chan *node) {
	defer wg.Done()
	const K = 500
	ring := make([]*node, K)
	id := uint64(w) << 32
	for i := range ring {
		id++
		ring[i] = mk(id)
		ring[i].next = ring[(i+K-1)%K]
	}
	seed := uint64(w)*7919 + 1
	rnd := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int(seed>>33) % n
	}
	for r := 0; r < rounds; r++ {
		for j := 0; j < 200; j++ {
			a, b := rnd(K), rnd(K)
			switch rnd(5) {
			case 0:
				id++
				n := mk(id)
				n.next, n.other = ring[a], ring[b]
				ring[a] = n
				// cut chains
				if n.next != nil {
					n.next.other = nil
					if n.next.next != nil {
						n.next.next.next = nil
					}
				}
			case 1:
				ring[a], ring[b] = ring[b], ring[a]
			case 2:
				ring[a].other, ring[b].other = ring[b].other, ring[a].other
			case 3:
				select {
				case ch <- ring[a]:
				default:
				}
			case 4:
				select {
				case n := <-ch:
					n.check()
				default:
				}
			}
		}
		for _, n := range ring {
			k := 0
			for x := n; x != nil && k < 20; x = x.next {
				x.check()
				if x.other != nil {
					x.other.check()
				}
				k++
			}
		}
		if r%10 == 0 {
			deep(20, ring[0])
			_ = strings.Repeat("x", 10000+r)
		}
	}
}

func main() {
	rounds := 60
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	var wg sync.WaitGroup
	ch := make(chan *node, 64)
	for w := 0; w < 8; w++ {
		wg.Add(1)
		go worker(w, rounds, &wg, ch)
	}
	wg.Wait()
	runtime.GC()
	fmt.Println("ok")
}
