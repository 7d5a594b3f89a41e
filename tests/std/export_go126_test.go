//go:build !go1.27

package runtime

var UseAeshash = &useAeshash
