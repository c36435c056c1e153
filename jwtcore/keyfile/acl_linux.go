package keyfile

import "syscall"

// hasACL reports whether the named file has an access control list. Then the bits
// of the group in its mode do not show who may use it (acl(5)).
func hasACL(path string) bool {
	size, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && size > 0
}
