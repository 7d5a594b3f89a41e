package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func main() {
	s := "héllo, 世界\xff!"
	for i, r := range s {
		fmt.Print(i, ":", string(r), " ")
	}
	fmt.Println(len(s), utf8.RuneCountInString(s), []rune(s)[1], []byte(s[1:3]))
	fmt.Printf("%q %x % x %+q\n", s, s, s[:3], s)
	t := s + "-" + s[7:] + "=" + string(rune(0x1F600)) + string([]rune{'a', 0xD800, 'b'})
	fmt.Println(t, t > s, t[:5] == s[:5], strings.Compare(s, t))
	b := []byte("mutable")
	u := string(b)
	b[0] = 'M'
	fmt.Println(u, string(b), u == "mutable")
	long := strings.Repeat("abc", 10000)
	fmt.Println(len(long), strings.Count(long, "ca"), strings.LastIndex(long, "abc"), strings.Index(long, "cc"))
	fmt.Println(strings.Fields("  a  b\tc\n"), strings.Split("a,b,,c", ","), strings.Title("go on"))
	fmt.Println(strings.NewReplacer("a", "1", "b", "2", "abc", "3").Replace("abcab"), strings.EqualFold("Straße", "STRASSE"), strings.ToUpper("straße"))
	var sb strings.Builder
	for i := range 100 {
		fmt.Fprint(&sb, i%10)
	}
	fmt.Println(sb.Len(), sb.String()[90:])
	m := map[string]int{}
	for i := range 300 {
		m[string(b[:i%8])]++
	}
	fmt.Println(m)
	switch string(b) {
	case "mutable":
		fmt.Println("no")
	case "Mutable":
		fmt.Println("yes")
	}
	for range 3 {
		t += t
	}
	fmt.Println(len(t), strings.ContainsRune(t, '世'), strings.TrimLeft("xxabcxx", "x"))
	fmt.Println(strings.Cut("key=value", "="))
}
