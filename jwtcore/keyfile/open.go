package keyfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// maxFileSize is far more than the secrets of any rotation need. It keeps a wrong
// path, such as a log's, from filling the memory.
const maxFileSize = 1 << 20

// ReadFile returns the content of the named file. Unlike os.ReadFile, it never
// waits for another process: it is an error if the file is not a regular file, or
// has more than 1 MiB. Errors name the path, and wrap those of package os.
func ReadFile(path string) ([]byte, error) {
	content, _, err := read(path)
	return content, err
}

// read is ReadFile, and also returns the mode of the file.
func read(path string) (content []byte, mode fs.FileMode, err error) {
	file, mode, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	content, err = readAll(file)
	return content, mode, err
}

// readAll returns the content of file, unless that is too large.
func readAll(file *os.File) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s has more than %d bytes", file.Name(), maxFileSize)
	}
	if err != nil {
		clear(content)
		return nil, err
	}
	return content, nil
}

// openRegular opens the named file if it is a regular file. Flag is that of
// os.OpenFile. OpenRegular looks at the file before it opens it, because opening a
// device can have effects.
func openRegular(path string, flag int) (file *os.File, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, openError(err, flag)
	}
	if err := checkRegular(path, info.Mode()); err != nil {
		return nil, 0, err
	}
	return openNow(path, flag)
}

// openNow is openRegular without the look beforehand. It does not block, even if
// the path has become that of a FIFO.
func openNow(path string, flag int) (file *os.File, mode fs.FileMode, err error) {
	file, err = os.OpenFile(path, flag|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, openError(err, flag)
	}
	info, err := file.Stat()
	if err == nil {
		err = checkRegular(path, info.Mode())
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Mode(), nil
}

// openError returns err, of opening a file with flag, with what to do about it. What to do
// if a file cannot be written to depends on the caller.
func openError(err error, flag int) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create the file, or correct its name", err)
	case errors.Is(err, fs.ErrPermission) && flag == os.O_RDONLY:
		return fmt.Errorf("%w: give user %d the rights to read the file and to enter its folder", err, os.Geteuid())
	default:
		return err
	}
}

// checkRegular returns an error if mode is not that of a regular file.
func checkRegular(path string, mode fs.FileMode) error {
	kind := "another kind"
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return fmt.Errorf("%s is not a regular file, but %s", path, kind)
}

// modeWarnings returns a warning if mode lets users other than the owner and the
// group of the file use it. Windows has no such modes.
func modeWarnings(path string, mode fs.FileMode) []string {
	if mode&0o007 == 0 || runtime.GOOS == "windows" {
		return nil
	}
	return []string{fmt.Sprintf("%s: mode %04o lets users other than its owner and group use the file: run chmod o= on it", path, mode.Perm())}
}
