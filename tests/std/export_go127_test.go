//go:build go1.27

package runtime

import "internal/runtime/maps"

var UseAeshash = &maps.UseAeshash
