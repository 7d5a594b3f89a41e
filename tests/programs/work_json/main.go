package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type item struct {
	ID     int               `json:"id"`
	Name   string            `json:"name,omitempty"`
	Price  float64           `json:"price"`
	Tags   []string          `json:"tags"`
	Attrs  map[string]any    `json:"attrs,omitempty"`
	Parent *item             `json:"parent,omitempty"`
	When   time.Time         `json:"when"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
	Skip   int               `json:"-"`
	Str    int               `json:",string"`
	M      map[string]string `json:"m,omitempty"`
}

type temp float64

func (t temp) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"%.1f°C"`, float64(t)), nil }
func (t *temp) UnmarshalJSON(b []byte) error {
	_, err := fmt.Sscanf(string(b), `"%f°C"`, (*float64)(t))
	return err
}

func main() {
	in := item{ID: 1, Name: "näme <&>", Price: 12.5, Tags: []string{"a", "b"}, Attrs: map[string]any{"z": 1, "a": []int{1}, "n": nil},
		Parent: &item{ID: 2, M: map[string]string{"k": "v"}}, When: time.Unix(1700000000, 5e8).UTC(), Raw: json.RawMessage(`{"x": [1, 2]}`), Str: 7}
	out, err := json.MarshalIndent(in, "", "  ")
	fmt.Println(string(out), err)
	var back item
	err = json.Unmarshal(out, &back)
	again, _ := json.Marshal(back)
	fmt.Println(err, len(again), back.Parent.M, back.Attrs["a"])
	var any1 any
	d := json.NewDecoder(strings.NewReader(`{"a":[1,2.5,"x",null,true,{"b":{}}],"big":12345678901234567890} [1] "tail"`))
	d.UseNumber()
	for d.More() {
		fmt.Println(d.Decode(&any1), any1)
	}
	for _, bad := range []string{`{"id": "x"}`, `{"id": 1`, `[1,]`, `{"id": 1e999}`, `nul`, "\"\x01\""} {
		fmt.Println(json.Unmarshal([]byte(bad), &back))
	}
	ts := []temp{21.5, -3}
	b, _ := json.Marshal(ts)
	var ts2 []temp
	fmt.Println(string(b), json.Unmarshal(b, &ts2), ts2)
	var many []item
	for i := range 500 {
		many = append(many, item{ID: i, Name: strings.Repeat("n", i%10), Price: float64(i) / 3, Tags: []string{fmt.Sprint(i)}})
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for range 10 {
		buf.Reset()
		if err := enc.Encode(many); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		many = nil
		if err := json.Unmarshal(buf.Bytes(), &many); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	fmt.Println(len(many), buf.Len(), many[499].Price)
}
