package keyfile

import (
	"io/fs"
	"os"
	"slices"
	"time"
)

// settleTime is how long changed files must stay the same before a Watcher reports them:
// a program that writes a file in place may write it in pieces.
const settleTime = time.Second

// Watcher notices changes of files, including files that replace others, and symbolic
// links that change. It compares the files themselves, because events of the file system
// do not exist on every one of them. A Watcher is not safe for use by several goroutines
// at once.
type Watcher struct {
	paths []string
	read  []fileState // when they were last read
	seen  []fileState // when Settled last looked
	since time.Time   // when it first saw them like this
}

// fileState identifies the content of a file, as far as it can be known without reading
// the file.
type fileState struct {
	info fs.FileInfo // nil if the file cannot be opened
	err  string      // why not: this can change, too
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
	return fileState{info: info}
}

func (s fileState) equal(other fileState) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil && s.err == other.err
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() &&
		s.info.ModTime().Equal(other.info.ModTime()) && s.info.Mode() == other.info.Mode()
}
