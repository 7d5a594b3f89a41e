// regexp, sort, text/template, bufio, strconv over a generated text.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
	"text/tabwriter"
	"text/template"
)

func corpus() string {
	words := strings.Fields("the quick brown fox jumps over a lazy dog while seven wizards brew green potions in 1984 at 12:30 for bob@example.org and ann.b@test.net")
	var sb strings.Builder
	x := uint32(7)
	for i := range 8000 {
		x = x*1103515245 + 12345
		sb.WriteString(words[x>>16%uint32(len(words))%uint32(len(words))])
		if i%11 == 10 {
			sb.WriteString(".\n")
		} else {
			sb.WriteByte(' ')
		}
	}
	return sb.String()
}

func main() {
	text := corpus()
	count := map[string]int{}
	s := bufio.NewScanner(strings.NewReader(text))
	s.Split(bufio.ScanWords)
	for s.Scan() {
		count[strings.Trim(s.Text(), ".")]++
	}
	type wc struct {
		Word string
		N    int
	}
	var list []wc
	for w, n := range count {
		list = append(list, wc{w, n})
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].N > list[j].N || list[i].N == list[j].N && list[i].Word < list[j].Word
	})
	tmpl := template.Must(template.New("t").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(
		`{{define "row"}}{{.Word | upper | printf "%-16s"}} {{.N}}{{end}}{{range $i, $e := .}}{{if lt $i 5}}{{$i}}: {{template "row" $e}}
{{else if eq $i 5}}and {{len $}} in all{{end}}{{end}}
`))
	if err := tmpl.Execute(os.Stdout, list); err != nil {
		fmt.Println(err)
	}
	fmt.Println(template.Must(template.New("e").Parse("{{.X.Y}}")).Execute(os.Stdout, map[string]int{"X": 1}))
	mail := regexp.MustCompile(`(?i)\b([a-z.]+)@((?:[a-z]+\.)+[a-z]{2,})\b`)
	fmt.Println(len(mail.FindAllString(text, -1)), mail.FindStringSubmatch(text), mail.ReplaceAllString(text[:300], "<$2:$1>"))
	num := regexp.MustCompile(`^(\d+):(\d+)$|(\d{4})`)
	fmt.Println(num.FindAllStringSubmatchIndex("12:30", -1), num.NumSubexp(), len(regexp.MustCompile(`[^\s]+s\b`).FindAllString(text, -1)))
	_, err := regexp.Compile(`a(b`)
	fmt.Println(err, regexp.MustCompile(`(a|ab)(c|bcd)(d*)`).FindString("abcd"), regexp.MustCompilePOSIX(`(a|ab)(c|bcd)(d*)`).FindString("abcd"))
	lines := strings.Split(text, "\n")
	sort.Strings(lines)
	sort.SliceStable(lines, func(i, j int) bool { return len(lines[i]) < len(lines[j]) })
	fmt.Println(len(lines), lines[1], lines[len(lines)-1])
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, '.', tabwriter.AlignRight|tabwriter.Debug)
	fmt.Fprintln(w, "a\tbbb\tc")
	fmt.Fprintln(w, "aaaa\tb\tccccc")
	w.Flush()
	var a, b int
	var name string
	n, err := fmt.Sscanf("item 12 of 0x1f", "%s %d of %v", &name, &a, &b)
	fmt.Println(n, err, name, a, b)
}
