package main

import (
	"fmt"
	"time"
)

func main() {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC",
		"Australia/Lord_Howe"} {
		l, err := time.LoadLocation(name)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for _, month := range []time.Month{1, 7} {
			t := time.Date(2024, month, 15, 12, 0, 0, 0, time.UTC).In(l)
			fmt.Println(t, t.IsDST())
		}
	}
	_, err := time.LoadLocation("Nowhere/City")
	fmt.Println(err)
	t, err := time.Parse(time.RFC1123Z, "Mon, 02 Jan 2006 15:04:05 -0700")
	fmt.Println(t.UTC(), err, t.Weekday(), t.YearDay())
	d, _ := time.ParseDuration("1h15m30.918s")
	fmt.Println(d, d.Round(time.Minute), t.Add(d).Format(time.Kitchen))
	fmt.Println(time.Local.String() != "")
}
