//go:build unix

package server

import (
	"math"
	"syscall"
)

// maxDescriptors returns the number of file descriptors that the process may open.
func maxDescriptors() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // the usual limit
	}
	return int64(min(limit.Cur, math.MaxInt64))
}
