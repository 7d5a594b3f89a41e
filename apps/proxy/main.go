// proxy forwards TCP connections: proxy [-max N] LISTEN TARGET, as in
//
//	proxy :8080 10.0.2.2:9000
//
// Each end may close its half; bytes in flight still arrive. Connections beyond -max wait to be
// accepted.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"
)

// pipe copies one direction, and closes the target's half when the source has ended.
func pipe(to, from *net.TCPConn, done *sync.WaitGroup) {
	defer done.Done()
	if _, err := io.Copy(to, from); err != nil {
		from.SetLinger(0) // a reset: the other side must not take this for a regular end
		from.Close()
	}
	to.CloseWrite()
}

func serve(client *net.TCPConn, target string) {
	defer client.Close()
	c, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		log.Print(err)
		return
	}
	server := c.(*net.TCPConn)
	defer server.Close()
	var both sync.WaitGroup
	both.Add(2)
	go pipe(server, client, &both)
	go pipe(client, server, &both)
	both.Wait()
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("proxy: ")
	max := flag.Int("max", 10000, "connections at a time")
	flag.Parse()
	if flag.NArg() != 2 || *max < 1 {
		fmt.Fprintln(os.Stderr, "usage: proxy [-max N] LISTEN TARGET")
		os.Exit(2)
	}
	l, err := net.Listen("tcp", flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("proxy: from", l.Addr(), "to", flag.Arg(1))
	room := make(chan bool, *max)
	for {
		room <- true
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			serve(c.(*net.TCPConn), flag.Arg(1))
			<-room
		}()
	}
}
