// Says what it knows of its network, asks the resolver at its argument, and is asked once.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	conf, _ := os.ReadFile("/etc/resolv.conf")
	hosts, _ := os.ReadFile("/etc/hosts")
	fmt.Printf("%s%s", conf, hosts)
	r := &net.Resolver{PreferGo: true, Dial: func(c context.Context, n, a string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(c, "udp", os.Args[1])
	}}
	fmt.Println(r.LookupHost(context.Background(), "some.test"))
	fmt.Println(r.LookupHost(context.Background(), "other.test"))
	fmt.Println(net.LookupHost("gort"))
	l, err := net.Listen("tcp", ":80")
	fmt.Println("listening", err)
	c, _ := l.Accept()
	b, _ := io.ReadAll(c)
	fmt.Printf("%s\n", b)
}
