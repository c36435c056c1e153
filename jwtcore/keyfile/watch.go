package keyfile

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"slices"
	"time"
)

// settleTime is how long changed files must stay the same before a Watcher reports them:
// a program that writes a file in place may write it in pieces.
const settleTime = time.Second

// Watcher notices changes of files, including files that replace others, and symbolic
// links that change. It compares the files themselves, because not every file system has
// events. A Watcher is not safe for use by several goroutines
// at once.
type Watcher struct {
	paths []string
	read  []fileState // when they were last read
	seen  []fileState // when Settled last looked
	since time.Time   // when it first saw them like this
}

// digestLimit is the size in bytes of the largest file whose content a Watcher compares.
// To read a list of a million revoked tokens twice a second would cost too much.
const digestLimit = 64 << 10

// fileState identifies the content of a file. Its size and time are not enough: all keys
// that the service makes have the same size, a copy can keep the time of its original, and
// some file systems store times in steps of two seconds.
type fileState struct {
	info   fs.FileInfo // nil if the file cannot be opened
	err    string      // why not: this can change, too
	digest [sha256.Size]byte
}

// NewWatcher returns a Watcher of the named files, which belong together.
func NewWatcher(paths ...string) *Watcher {
	w := &Watcher{paths: slices.Clone(paths)}
	w.BeginRead()
	return w
}

// BeginRead notes how the files are now. Call it before each time that the files are read.
func (w *Watcher) BeginRead() {
	w.read = w.states()
	w.seen = w.read
}

// EndRead reports whether the files are still as they were at BeginRead, so that what was
// read is whole. If they are not, Settled reports them once they have settled.
func (w *Watcher) EndRead() bool {
	if slices.EqualFunc(w.states(), w.read, fileState.equal) {
		return true
	}
	w.read, w.seen = nil, nil
	return false
}

// Settled reports whether the files have changed since BeginRead and have stayed the same
// for a second. Call it at least twice a second, with the current time.
func (w *Watcher) Settled(now time.Time) bool {
	states := w.states()
	if !slices.EqualFunc(states, w.seen, fileState.equal) {
		w.seen, w.since = states, now
	}
	return !slices.EqualFunc(states, w.read, fileState.equal) && now.Sub(w.since) >= settleTime
}

func (w *Watcher) states() []fileState {
	states := make([]fileState, len(w.paths))
	for i, path := range w.paths {
		states[i] = newFileState(path)
	}
	return states
}

// newFileState opens the file: whether that works depends on more than what Stat returns,
// such as the owner of the file and the modes of its folders.
func newFileState(path string) fileState {
	file, _, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return fileState{err: err.Error()}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fileState{err: err.Error()}
	}
	digest, err := digestOf(file, info.Size())
	if err != nil {
		return fileState{err: err.Error()}
	}
	return fileState{info: info, digest: digest}
}

// digestOf returns the digest of the content of file, or zeros if size, which is that of
// the file, exceeds digestLimit.
func digestOf(file *os.File, size int64) (digest [sha256.Size]byte, err error) {
	if size > digestLimit {
		return digest, nil
	}
	content, err := readAll(file)
	defer clear(content)
	return sha256.Sum256(content), err
}

func (s fileState) equal(other fileState) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil && s.err == other.err
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() &&
		s.info.ModTime().Equal(other.info.ModTime()) && s.info.Mode() == other.info.Mode() &&
		s.digest == other.digest
}
