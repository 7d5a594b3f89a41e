package first

var log []string

var Value = note("first.Value", 10)

func note(s string, v int) int {
	log = append(log, s)
	return v
}

func init() { note("first.init", 0) }

// Note is called by package second.
func Note(s string) { log = append(log, s) }

func Log() []string { return log }
