//go:build !unix

package server

import "math"

// maxDescriptors returns math.MaxInt64: this system has no limit of the kind.
func maxDescriptors() int64 { return math.MaxInt64 }
