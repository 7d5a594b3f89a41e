package second

import "gort/tests/programs/base_initorder/first"

var Value = first.Value * 2

func init() { first.Note("second.init") }
