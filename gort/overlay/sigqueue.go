package runtime

// Package os/signal's view of signals: gort/os/signal.c keeps the masks and the queue.

import _ "unsafe" // for go:linkname

const (
	sigDisable = iota
	sigEnable
	sigIgnore
	sigAsk
	sigSend // true if somebody wants it, or it is ignored
)

func signal_recv() (sig uint32)
func signal_set(sig, what uint32) (ignored bool)
func signal_idle() (idle bool)

//go:linkname os_signal_recv os/signal.signal_recv
func os_signal_recv() uint32 { return signal_recv() }

//go:linkname os_signal_enable os/signal.signal_enable
func os_signal_enable(s uint32) { signal_set(s, sigEnable) }

//go:linkname os_signal_disable os/signal.signal_disable
func os_signal_disable(s uint32) { signal_set(s, sigDisable) }

//go:linkname os_signal_ignore os/signal.signal_ignore
func os_signal_ignore(s uint32) { signal_set(s, sigIgnore) }

//go:linkname os_signal_ignored os/signal.signal_ignored
func os_signal_ignored(s uint32) bool { return signal_set(s, sigAsk) }

// signalWaitUntilIdle waits until every signal that was queued has been handed on, so that
// none is lost by turning one off.
//
//go:linkname signalWaitUntilIdle os/signal.signalWaitUntilIdle
func signalWaitUntilIdle() {
	for !signal_idle() {
		Gosched()
	}
}
