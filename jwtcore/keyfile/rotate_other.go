//go:build !unix

package keyfile

import (
	"errors"
	"fmt"
)

// editFile returns an error: only Unix has the locks without which two processes
// could lose an edit.
func editFile(string, func(text []byte) ([]byte, error)) (warnings []string, err error) {
	return nil, fmt.Errorf("%w on this system: edit the file by hand, one key a line", errors.ErrUnsupported)
}
