//go:build unix

package keyfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// lockTimeout bounds the wait for other processes that edit the same file, which
// takes each of them a moment.
const lockTimeout = 30 * time.Second

// editFile changes the content of the named file to what edit returns for it.
func editFile(path string, edit func(text []byte) ([]byte, error)) (warnings []string, err error) {
	file, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() // which ends the lock
	text, err := readAll(file.File)
	defer clear(text)
	if err != nil {
		return nil, err
	}
	edited, err := edit(text)
	defer clear(edited)
	if err != nil {
		return nil, err
	}
	warnings = modeWarnings(path, file.info.Mode())
	if bytes.Equal(edited, text) {
		return warnings, nil
	}
	replaceErr := file.replace(edited)
	if replaceErr == nil || !isIrreplaceable(replaceErr) {
		return warnings, replaceErr
	}
	if file.writeErr != nil {
		return nil, fmt.Errorf("the file can be neither replaced (%w) nor written to (%w): change the Secret or the file that it is mounted from, or run the command as its owner", replaceErr, file.writeErr)
	}
	return append(warnings, fmt.Sprintf("%s: written in place, because it cannot be replaced: %v", path, replaceErr)), file.overwrite(text, edited)
}

// lockedFile is a file that no other process edits at the same time.
type lockedFile struct {
	*os.File // its name has no symbolic links
	info     fs.FileInfo
	writeErr error // why the file cannot be written to, or nil
}

// openLocked opens the named file and locks it until it is closed. The lock is on
// the file itself, so that it also works if another file cannot be created.
// Readers do not take it.
func openLocked(path string) (*lockedFile, error) {
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(pollInterval) {
		file, err := openToEdit(path)
		if err != nil {
			return nil, err
		}
		err = file.lock()
		if err == nil {
			return file, nil
		}
		file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the file cannot be locked: %w", err)
		}
		if time.Now().After(deadline) {
			return nil, errors.New("another process has locked the file: end it, or try again")
		}
	}
}

// openToEdit opens the file that path leads to, for reading and, if possible, for
// writing.
func openToEdit(path string) (*lockedFile, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	file, _, err := openRegular(path, os.O_RDWR)
	writeErr := err
	if isDenied(err) {
		file, _, err = openRegular(path, os.O_RDONLY)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &lockedFile{file, info, writeErr}, nil
}

// isDenied reports whether err means that the process may not write.
func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// lock locks the file. The error is EWOULDBLOCK if another process has locked it, or
// has just replaced it.
func (f *lockedFile) lock() error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	if info, err := os.Lstat(f.Name()); err != nil || !os.SameFile(info, f.info) {
		return syscall.EWOULDBLOCK
	}
	return nil
}

var (
	errHardLinks = errors.New("it has other hard links")
	errACL       = errors.New("it, or its folder, has an access control list")
)

// isIrreplaceable reports whether err, of replace, means that no new file can take the
// place of the file and be open to the same users. The error is EBUSY if the file itself
// is mounted, and EINVAL if its owner does not exist in the user namespace.
func isIrreplaceable(err error) bool {
	return isDenied(err) || errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EINVAL) ||
		errors.Is(err, errHardLinks) || errors.Is(err, errACL)
}

// replace puts a new file with text in the place of the file.
func (f *lockedFile) replace(text []byte) error {
	if f.info.Sys().(*syscall.Stat_t).Nlink > 1 {
		return errHardLinks
	}
	folder, name := filepath.Split(f.Name())
	newName := filepath.Join(folder, "."+name+".tokenmint")
	os.Remove(newName) // which a process that was killed may have left
	file, err := os.OpenFile(newName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = f.copyAccess(file); err == nil {
		err = write(file, text)
	}
	if err == nil {
		err = os.Rename(newName, f.Name())
	}
	if err != nil {
		file.Close()
		os.Remove(newName)
		return err
	}
	syncFolder(folder)
	return nil
}

// copyAccess gives the owner and the mode of f to file, so that file is never open to
// more users than f.
func (f *lockedFile) copyAccess(file *os.File) error {
	owner := f.info.Sys().(*syscall.Stat_t)
	if err := file.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	if hasACL(f.Name()) || hasACL(file.Name()) {
		return errACL
	}
	return file.Chmod(f.info.Mode())
}

// syncFolder makes a rename in folder outlast a crash. Some file systems cannot, and
// after a crash the file has either content.
func syncFolder(folder string) {
	if file, err := os.Open(cmp.Or(folder, ".")); err == nil {
		file.Sync()
		file.Close()
	}
}

// overwrite changes the content of the file from old to text. It writes once, and only
// from the first difference on, so that adding a line does not touch the others. A
// shorter text is written with blank lines up to the old end, which are then cut off,
// so that the file is complete in between.
func (f *lockedFile) overwrite(old, text []byte) error {
	start := 0
	for start < min(len(old), len(text)) && old[start] == text[start] {
		start++
	}
	blank := bytes.Repeat([]byte{'\n'}, max(0, len(old)-len(text)))
	changed := slices.Concat(text[start:], blank)
	defer clear(changed)
	_, err := f.WriteAt(changed, int64(start))
	if err == nil {
		err = cmp.Or(f.Truncate(int64(len(text))), f.Sync())
	}
	if err != nil && !f.restore(old) {
		return fmt.Errorf("%w, and the file may be damaged", err)
	}
	return err
}

// restore writes the old content and reports whether the file then has it. The calls
// may fail and do enough.
func (f *lockedFile) restore(old []byte) bool {
	f.WriteAt(old, 0)
	f.Truncate(int64(len(old)))
	f.Sync()
	content := make([]byte, len(old)+1)
	defer clear(content)
	n, _ := f.ReadAt(content, 0)
	return bytes.Equal(content[:n], old)
}
