package keyfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRotateMountedFile edits a file that is itself a mount point, as containers mount
// one, in a process with mounts of its own.
func TestRotateMountedFile(t *testing.T) {
	const variable = "TEST_ROTATE_MOUNTED_FILE"
	if folder := os.Getenv(variable); folder != "" {
		rotateMountedFile(t, folder)
		return
	}
	folder := t.TempDir()
	source := writeFile(t, folder, "source", shorthand.Replace("# a\nA\nB"))
	mounted := writeFile(t, folder, "mounted", "")
	command := rerun(t.Context(), "TestRotateMountedFile", variable, folder)
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		command.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	output, err := command.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EACCES) {
		t.Skipf("this system does not let the test mount a file: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, output)
	}
	checkFile(t, "source", source, "# a\nN\nA\n", "mounted")
	checkFile(t, "mounted", mounted, "", "source")
}

// rotateMountedFile mounts the file source at mounted, and edits it there.
func rotateMountedFile(t *testing.T, folder string) {
	source, mounted := filepath.Join(folder, "source"), filepath.Join(folder, "mounted")
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(source, mounted, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	check := func(text string, warnings []string, err error) {
		t.Helper()
		checkFile(t, "mounted", mounted, text, "source")
		checkFile(t, "source", source, text, "mounted")
		if err != nil || len(warnings) != 1 || !inPlace(mounted, warnings) || !strings.HasSuffix(warnings[0], "device or resource busy") {
			t.Errorf("%q, %v", warnings, err)
		}
	}
	_, warnings, err := AddKey(mounted)
	check("# a\nA\nB\nN\n", warnings, err)
	_, warnings, err = PromoteKey(mounted, "")
	check("# a\nN\nA\nB\n", warnings, err)
	warnings, err = RemoveKey(mounted, fingerprintB)
	check("# a\nN\nA\n", warnings, err)

	if err := syscall.Mount("", mounted, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, _, err = AddKey(mounted)
	checkFileError(t, mounted, secretA, "device or resource busy) nor written to (open "+mounted+": read-only file system): change the Secret", err, ErrRotation)
	checkFile(t, "read-only", mounted, "# a\nN\nA\n", "source")

	for _, mount := range []uintptr{syscall.MS_BIND, syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY} {
		if err := syscall.Mount(folder, folder, "", mount, ""); err != nil {
			t.Fatal(err)
		}
	}
	_, err = RemoveKey(source, fingerprintA)
	checkFileError(t, source, secretA, ".source.tokenmint: read-only file system) nor written to (", err, ErrRotation)
	checkFile(t, "read-only", source, "# a\nN\nA\n", "mounted")
}

// aclOf returns an access control list, in the form of the kernel (linux/posix_acl_xattr.h),
// that lets a user besides the owner read.
func aclOf(user uint32) []byte {
	const version, none = 2, 0xffffffff
	acl := binary.LittleEndian.AppendUint32(nil, version)
	for _, entry := range []struct {
		tag, rights uint16
		id          uint32
	}{{0x01, 6, none}, {0x02, 4, user}, {0x04, 0, none}, {0x10, 4, none}, {0x20, 0, none}} { // owner, user, group, mask, other
		acl = binary.LittleEndian.AppendUint16(acl, entry.tag)
		acl = binary.LittleEndian.AppendUint16(acl, entry.rights)
		acl = binary.LittleEndian.AppendUint32(acl, entry.id)
	}
	return acl
}

// TestRotateWithACL edits a file with an access control list, and one in a folder that
// gives such a list to new files.
func TestRotateWithACL(t *testing.T) {
	for _, attribute := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
		folder := t.TempDir()
		path := writeFile(t, folder, "signing.key", shorthand.Replace("A\n"))
		listed := map[string]string{"system.posix_acl_access": path, "system.posix_acl_default": folder}[attribute]
		err := syscall.Setxattr(listed, attribute, aclOf(1234), 0)
		if errors.Is(err, syscall.ENOTSUP) {
			t.Skipf("%s has no access control lists", folder)
		}
		if err != nil {
			t.Fatal(err)
		}
		before := hasACL(path)
		_, warnings, err := AddKey(path)
		if err != nil || !inPlace(path, warnings) || !strings.HasSuffix(warnings[0], fmt.Sprint(errACL)) {
			t.Errorf("%s: %q, %v", attribute, warnings, err)
		}
		if hasACL(path) != before || before != (listed == path) {
			t.Errorf("%s: access control list: %t, then %t", attribute, before, hasACL(path))
		}
		checkFile(t, attribute, path, "A\nN\n")
	}
}
