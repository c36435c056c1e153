//go:build unix && !linux

package keyfile

// hasACL reports false: package syscall shows access control lists on Linux alone.
func hasACL(string) bool { return false }
