// More of the standard library: gob, csv, xml, hex, heap, list, ring, log, flag, bytes.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"container/heap"
	"container/list"
	"container/ring"
	"encoding/binary"
	"encoding/csv"
	"encoding/gob"
	"encoding/xml"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"math/rand"
	"net/url"
	"os"
	"path"
	"strings"
	"unicode/utf16"
)

type node struct {
	XMLName xml.Name `xml:"node"`
	ID      int      `xml:"id,attr"`
	Text    string   `xml:"text"`
	Kids    []node   `xml:"kids>node"`
}
type ints []int

func (h ints) Len() int           { return len(h) }
func (h ints) Less(i, j int) bool { return h[i] < h[j] }
func (h ints) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ints) Push(x any)        { *h = append(*h, x.(int)) }
func (h *ints) Pop() (x any)      { o := *h; x, *h = o[len(o)-1], o[:len(o)-1]; return }

func main() {
	var buf bytes.Buffer
	type rec struct {
		A map[string][]int
		B *float64
		C any
	}
	gob.Register(ints{})
	f := 2.5
	err := gob.NewEncoder(&buf).Encode(rec{map[string][]int{"k": {1, 2}}, &f, ints{9}})
	var r rec
	fmt.Println(err, gob.NewDecoder(&buf).Decode(&r), r.A, *r.B, r.C)
	out, err := xml.MarshalIndent(node{ID: 1, Text: "<t>", Kids: []node{{ID: 2}}}, "", " ")
	var n node
	fmt.Println(string(out), err, xml.Unmarshal(out, &n), n.Kids[0].ID)
	rows, err := csv.NewReader(strings.NewReader("a,\"b,\"\"c\"\nd,e\n")).ReadAll()
	fmt.Printf("%q %v\n", rows, err)
	h := &ints{5, 2, 8}
	heap.Init(h)
	heap.Push(h, 1)
	for h.Len() > 0 {
		fmt.Print(heap.Pop(h), " ")
	}
	l := list.New()
	l.PushBack(1)
	l.PushFront(0)
	ring.New(3).Do(func(any) { fmt.Print(l.Len()) })
	fmt.Println()
	log.New(os.Stdout, "log: ", log.Lmsgprefix|log.Lshortfile).Println("message")
	slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" {
			return slog.Attr{}
		}
		return a
	}})).Info("structured", "k", 1, slog.Group("g", "x", "y z"))
	fs := flag.NewFlagSet("x", flag.ContinueOnError)
	fs.SetOutput(os.Stdout)
	v := fs.Int("n", 3, "a `number`")
	fmt.Println(fs.Parse([]string{"-n", "7", "rest"}), *v, fs.Args(), fs.Parse([]string{"-n", "x"}))
	u, err := url.Parse("https://u:p@host:80/a%20b?q=1&q=2#frag")
	fmt.Println(u.Path, u.Query(), u.Port(), err, path.Join("a", "../b"), binary.BigEndian.Uint32([]byte{1, 2, 3, 4}), utf16.Encode([]rune("a😀")))
	t := template.Must(template.New("").Parse("<a title=\"{{.}}\">{{.}}</a><script>var x = {{.}}</script>\n"))
	fmt.Println(t.Execute(os.Stdout, "<'\">"))
	g := rand.New(rand.NewSource(42))
	fmt.Println(g.Intn(1000), g.Float64(), g.Perm(5))
	buf.Reset()
	zw := zip.NewWriter(&buf)
	w, _ := zw.Create("dir/file")
	io.WriteString(w, strings.Repeat("zip ", 1000))
	zw.Close()
	zr, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	fmt.Println(zr.File[0].Name, zr.File[0].UncompressedSize64, err)
	buf.Reset()
	tw := tar.NewWriter(&buf)
	tw.WriteHeader(&tar.Header{Name: "t", Size: 3, Mode: 0o600})
	tw.Write([]byte("tar"))
	tw.Close()
	hd, err := tar.NewReader(&buf).Next()
	fmt.Println(hd.Name, hd.Size, err)
}
