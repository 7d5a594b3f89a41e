package runtime_test

// Stands for test files of package runtime that gort cannot take: what they lend to others.

import "testing"

// runTestProg and its like build a program and start it.
func runTestProg(t *testing.T, binary, name string, env ...string) string {
	t.Skip("starts another program")
	return ""
}

func runTestProgErr(t *testing.T, binary, name string, env ...string) (string, error) {
	t.Skip("starts another program")
	return "", nil
}

func buildTestProg(t *testing.T, binary string, flags ...string) (string, error) {
	t.Skip("starts another program")
	return "", nil
}

func runBuiltTestProg(t *testing.T, exe, name string, env ...string) string {
	t.Skip("starts another program")
	return ""
}

var deadlockBuildTypes = []struct{ name string }{}

var sink any
