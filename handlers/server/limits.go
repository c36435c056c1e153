package server

const (
	// connectionMemory is what a connection takes at most, in bytes. The most that was
	// measured is 95 KiB, with TLS, the largest header and a body of 16 KiB. The
	// handlers bound what larger bodies take.
	connectionMemory = 96 << 10

	// reservedDescriptors is the number of file descriptors that connections leave
	// for files, listeners and the runtime.
	reservedDescriptors = 32
)

// maxConnections returns the number of connections that a process may have open:
// they take at most half of its memory limit in bytes, and leave it some of its
// file descriptors.
func maxConnections(memoryLimit, descriptors int64) int {
	byMemory := memoryLimit / 2 / connectionMemory
	byDescriptors := descriptors - min(reservedDescriptors, descriptors/2)
	return int(max(1, min(byMemory, byDescriptors)))
}
