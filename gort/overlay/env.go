package runtime

// Arguments and environment, from the bundle.

import (
	"internal/bytealg"
	"unsafe"
)

// os_strings tells where the kernel keeps the arguments (0) or the environment (1): NUL-
// terminated strings one behind the other; 2: the auxiliary vector, words. They lie in the kernel's
// half of the address space, of which system calls take no pointer, so the program has a copy.
//
//go:noescape
func os_strings(which int) (first unsafe.Pointer, bytes, count int)

var envs []string
var argslice []string

func goenvsinit() {
	argslice = stringList(0)
	envs = stringList(1)
	auxvinit()
}

func stringList(which int) []string {
	first, bytes, count := os_strings(which)
	list := make([]string, 0, count)
	text := string(unsafe.Slice((*byte)(first), bytes))
	for start, i := 0, 0; i < len(text); i++ {
		if text[i] == 0 {
			list = append(list, text[start:i])
			start = i + 1
		}
	}
	return list
}

func environ() []string { return envs }

//go:linkname syscall_runtime_envs syscall.runtime_envs
func syscall_runtime_envs() []string { return append([]string{}, envs...) }

//go:linkname os_runtime_args os.runtime_args
func os_runtime_args() []string { return append([]string{}, argslice...) }

// gogetenv is the runtime's own view of the environment: as the program was started, but for
// GODEBUG, which follows os.Setenv.
//
//go:linkname gogetenv
func gogetenv(key string) string {
	if key == "GODEBUG" && godebugSet {
		return godebugValue
	}
	for _, setting := range envs {
		if name, value, _ := splitAt(setting, '='); name == key {
			return value
		}
	}
	return ""
}

// splitAt gives what stands before and behind the first sep; without one, all and nothing.
func splitAt(s string, sep byte) (before, behind string, found bool) {
	if i := bytealg.IndexByteString(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

var godebugSet bool
var godebugValue string

func setGodebug(value string) {
	godebugSet, godebugValue = true, value
	godebugNotify(true)
}

//go:linkname syscall_runtimeSetenv syscall.runtimeSetenv
func syscall_runtimeSetenv(key, value string) {
	if key == "GODEBUG" {
		setGodebug(value)
	}
}

//go:linkname syscall_runtimeUnsetenv syscall.runtimeUnsetenv
func syscall_runtimeUnsetenv(key string) {
	if key == "GODEBUG" {
		setGodebug("")
	}
}

//go:linkname syscall_runtimeClearenv syscall.runtimeClearenv
func syscall_runtimeClearenv(env map[string]int) {
	for name := range env {
		syscall_runtimeUnsetenv(name)
	}
}
