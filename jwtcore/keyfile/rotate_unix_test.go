//go:build unix

package keyfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tokenmint/jwtcore"
)

// checkFile checks that the file at path has text, in which N is a new key,
// and that there is no other file in its folder but names.
func checkFile(t *testing.T, name, path, text string, names ...string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if got := newKey.ReplaceAllString(string(content), "N"); err != nil || got != shorthand.Replace(text) {
		t.Errorf("%s: the file has %q, %v, want %q", name, got, err, shorthand.Replace(text))
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(path) && !slices.Contains(names, entry.Name()) {
			t.Errorf("%s: the folder has %s", name, entry.Name())
		}
	}
}

// stat returns the state of the file at path.
func stat(t *testing.T, path string) (fs.FileInfo, *syscall.Stat_t) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info, info.Sys().(*syscall.Stat_t)
}

// inPlace reports whether one of the warnings is that the file at path was written in
// place.
func inPlace(path string, warnings []string) bool {
	return slices.ContainsFunc(warnings, func(warning string) bool {
		return strings.HasPrefix(warning, path+": written in place, because it cannot be replaced: ") && !strings.Contains(warning, "\n")
	})
}

// fingerprints returns the fingerprints of keys.
func fingerprints(keys []*jwtcore.Key) (fingerprints []string) {
	for _, key := range keys {
		fingerprints = append(fingerprints, key.Fingerprint())
	}
	return fingerprints
}

// withHardLink gives the file at path, which is then written in place, a second name.
func withHardLink(t *testing.T, path string) {
	t.Helper()
	if err := os.Link(path, filepath.Join(filepath.Dir(path), "second")); err != nil {
		t.Fatal(err)
	}
}

// TestEditsOfFiles makes the edits of TestEditKeysInText and TestAddKeyToText in files
// that are replaced, and in files that are written in place.
func TestEditsOfFiles(t *testing.T) {
	type fileEdit struct {
		name, text, want string
		call             func(path string) (warnings []string, err error)
	}
	var edits []fileEdit
	for _, test := range addTests {
		edits = append(edits, fileEdit{"add, " + test.name, test.text, test.want, func(path string) ([]string, error) {
			_, warnings, err := AddKey(path)
			return warnings, err
		}})
	}
	for _, test := range editTests {
		promote := func(path string) ([]string, error) {
			_, warnings, err := PromoteKey(path, test.fingerprint)
			return warnings, err
		}
		remove := func(path string) ([]string, error) { return RemoveKey(path, test.fingerprint) }
		edits = append(edits, fileEdit{"promote, " + test.name, test.text, test.promoted, promote}, fileEdit{"remove, " + test.name, test.text, test.removed, remove})
	}
	for _, edit := range edits {
		for _, linked := range []bool{false, true} {
			path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace(edit.text))
			if linked {
				withHardLink(t, path)
			}
			before, _ := stat(t, path)
			warnings, err := edit.call(path)
			after, _ := stat(t, path)
			want := edit.want
			if !strings.Contains(want, "A") { // it is a reason
				checkFileError(t, path, shorthand.Replace(edit.text), want, err, ErrRotation)
				want = edit.text
			} else if err != nil {
				t.Errorf("%s: %v", edit.name, err)
			}
			checkFile(t, edit.name, path, want, "second")
			changed := want != edit.text
			if inPlace(path, warnings) != (changed && linked) || len(warnings) > 1 {
				t.Errorf("%s: changed: %t, hard links: %t, warnings %q", edit.name, changed, linked, warnings)
			}
			if os.SameFile(before, after) == (changed && !linked) || !changed && !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("%s: changed: %t, hard links: %t, but the same file: %t", edit.name, changed, linked, os.SameFile(before, after))
			}
		}
	}
}

// TestRotate replaces a key by a new one, and keeps the owner and the mode of the file.
// Only root can give the file to another user.
func TestRotate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 5678
	}
	for mode, warned := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o660: false, 0o644: true, 0o606: true} {
		path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace("# top\nA\n"))
		if err := errors.Join(os.Chown(path, uid, gid), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		check := func(text string, warnings []string, err error) {
			t.Helper()
			checkFile(t, mode.String(), path, text)
			if err != nil || warned != (len(warnings) == 1 && strings.Contains(warnings[0], path+": mode ")) || !warned && warnings != nil {
				t.Errorf("%v: %q, %v", mode, warnings, err)
			}
			if info, owner := stat(t, path); info.Mode() != mode || int(owner.Uid) != uid || int(owner.Gid) != gid {
				t.Errorf("%v: mode %v, owner %d:%d, want %d:%d", mode, info.Mode(), owner.Uid, owner.Gid, uid, gid)
			}
		}
		added, warnings, err := AddKey(path)
		check("# top\nA\nN\n", warnings, err)
		keys, _, err := ReadKeys(path)
		if err != nil || len(keys) != 2 || keys[1].Fingerprint() != added {
			t.Fatalf("AddKey returns %s, %v", added, err)
		}
		promoted, warnings, err := PromoteKey(path, "")
		check("# top\nN\nA\n", warnings, err)
		if promoted != added {
			t.Errorf("PromoteKey returns %s, want %s", promoted, added)
		}
		warnings, err = RemoveKey(path, fingerprintA)
		check("# top\nN\n", warnings, err)
	}
}

// TestRotateThroughLinks edits a file that symbolic links lead to. The links stay.
func TestRotateThroughLinks(t *testing.T) {
	folder, links := t.TempDir(), t.TempDir()
	file := writeFile(t, folder, "file", shorthand.Replace("A\n"))
	path := filepath.Join(links, "signing.key")
	if err := errors.Join(os.Symlink(folder, filepath.Join(links, "data")), os.Symlink("data/file", path)); err != nil {
		t.Fatal(err)
	}
	if _, warnings, err := AddKey(path); warnings != nil || err != nil {
		t.Errorf("%q, %v", warnings, err)
	}
	t.Chdir(folder)
	if _, warnings, err := AddKey("file"); warnings != nil || err != nil {
		t.Errorf("%q, %v", warnings, err)
	}
	checkFile(t, "file", file, "A\nN\nN\n")
	checkFile(t, "link", path, "A\nN\nN\n", "data")
	if target, err := os.Readlink(path); target != "data/file" || err != nil {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

func TestRotationErrors(t *testing.T) {
	folder, err := os.MkdirTemp("", "") // the path of a socket has at most about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	largest := strings.Repeat("#\n", (maxFileSize-2*MinKeySize-2)/2) + secretA + "\n" + secretB
	reasons := map[string]string{
		filepath.Join(folder, "missing"):                           "no such file",
		writeFile(t, folder, "empty", ""):                          "there is no key",
		writeFile(t, folder, "bad", secretA+"\n"+secretB[1:]+"\n"): "line 2: 63 bytes",
		writeFile(t, folder, "twice", secretA+"\n\n"+secretA):      "line 3: the same as line 1",
		writeFile(t, folder, "large", largest+"\n#"):               "has more than 1048576 bytes",
		writeFile(t, folder, "largest", largest):                   "would have more than 1048576 bytes",
	}
	for kind, path := range irregularFiles(t, folder) {
		reasons[path] = "is not a regular file, but " + strings.TrimPrefix("a "+kind, "a a ")
	}
	delete(reasons, filepath.Join(folder, "link")) // the error names the FIFO
	before, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for path, reason := range reasons {
		content, _, _ := read(path)
		fingerprint, _, err := AddKey(path)
		checkFileError(t, path, secretA+"\n"+secretB, reason, err, ErrRotation)
		if missing := strings.HasSuffix(path, "missing"); fingerprint != "" || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%s: %q, %v", path, fingerprint, err)
		}
		if after, _, _ := read(path); string(after) != string(content) {
			t.Errorf("%s: the file was changed", path)
		}
	}
	if after, err := os.ReadDir(folder); err != nil || len(after) != len(before) {
		t.Errorf("the folder has %v, %v", after, err)
	}
	if _, _, err := AddKey(filepath.Join(folder, "bad")); !errors.Is(err, ErrKey) {
		t.Errorf("%v, want ErrKey", err)
	}
}

// TestLeftovers edits a file where a process that was killed has left its own.
func TestLeftovers(t *testing.T) {
	folder := t.TempDir()
	path := writeFile(t, folder, "signing.key", shorthand.Replace("A\n"))
	leftover := filepath.Join(folder, ".signing.key.tokenmint")
	if err := os.WriteFile(leftover, []byte(secretB), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, warnings, err := AddKey(path); warnings != nil || err != nil {
		t.Errorf("%q, %v", warnings, err)
	}
	other := writeFile(t, t.TempDir(), "other", secretB)
	if err := os.Symlink(other, leftover); err != nil {
		t.Fatal(err)
	}
	if _, warnings, err := AddKey(path); warnings != nil || err != nil {
		t.Errorf("%q, %v", warnings, err)
	}
	checkFile(t, "leftovers", path, "A\nN\nN\n")
	checkFile(t, "link", other, "B")
	if err := os.MkdirAll(filepath.Join(leftover, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := AddKey(path); !errors.Is(err, ErrRotation) || !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, want ErrRotation and fs.ErrExist", err)
	}
	checkFile(t, "a folder", path, "A\nN\nN\n", ".signing.key.tokenmint")
}

// TestReadWhileRotating reads a file all the time while its keys change. It must be
// good, and the file that will replace it must not be open to more users.
func TestReadWhileRotating(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	folder := t.TempDir()
	path := writeFile(t, folder, "signing.key", shorthand.Replace("A\n"))
	done := make(chan struct{})
	var wait sync.WaitGroup
	// repeat calls look until the keys no longer change or look returns false.
	repeat := func(look func() bool) {
		wait.Go(func() {
			for look() {
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	repeat(func() bool {
		keys, warnings, err := ReadKeys(path)
		good := err == nil && warnings == nil && slices.Contains(fingerprints(keys), fingerprintA)
		if !good {
			t.Errorf("%d keys, %q, %v", len(keys), warnings, err)
		}
		return good
	})
	repeat(func() bool {
		info, err := os.Lstat(filepath.Join(folder, ".signing.key.tokenmint"))
		open := err == nil && info.Mode() != 0o600
		if open {
			t.Errorf("the new file has mode %v", info.Mode())
		}
		return !open
	})
	for range 20 {
		added, _, err := AddKey(path)
		if err == nil {
			_, _, err = PromoteKey(path, "")
		}
		if err == nil {
			_, _, err = PromoteKey(path, fingerprintA)
		}
		if err == nil {
			_, err = RemoveKey(path, added)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wait.Wait()
	checkFile(t, "at the end", path, "A\n")
}

// rerun returns a command that runs the named test in a process of its own, with
// value as that of the environment variable.
func rerun(ctx context.Context, test, variable, value string) *exec.Cmd {
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$")
	command.Env = append(os.Environ(), variable+"="+value)
	return command
}

// TestAddAtOnce adds 20 keys at once in goroutines, and as many in processes. None may
// get lost.
func TestAddAtOnce(t *testing.T) {
	const variable = "TEST_ADD_AT_ONCE"
	if path := os.Getenv(variable); path != "" {
		for range 5 {
			fingerprint, _, err := AddKey(path)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("added %s\n", fingerprint)
		}
		return
	}
	for _, linked := range []bool{false, true} {
		path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace("A"))
		if linked {
			withHardLink(t, path)
		}
		outputs := make([]string, 24)
		var wait sync.WaitGroup
		for i := range outputs {
			wait.Go(func() {
				if i < 4 {
					output, err := rerun(t.Context(), "TestAddAtOnce", variable, path).CombinedOutput()
					if outputs[i] = string(output); err != nil {
						t.Errorf("%v: %s", err, output)
					}
					return
				}
				fingerprint, _, err := AddKey(path)
				if outputs[i] = "added " + fingerprint + "\n"; err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		checkFile(t, "at the end", path, "A\n"+strings.Repeat("N\n", 40), "second")
		keys, _, err := ReadKeys(path)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(outputs, "")
		for _, fingerprint := range fingerprints(keys)[1:] {
			if !strings.Contains(all, "added "+fingerprint+"\n") {
				t.Errorf("hard links: %t: AddKey has not returned %s", linked, fingerprint)
			}
		}
	}
}

// TestKilled kills processes that edit a file. The file must stay good, and the next
// edit leaves no other file.
func TestKilled(t *testing.T) {
	const variable = "TEST_KILLED"
	if path := os.Getenv(variable); path != "" {
		fmt.Println("editing")
		for {
			added, _, err := AddKey(path)
			if err == nil {
				_, err = RemoveKey(path, added)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace("A\nB\n"))
	for i := range 10 {
		command := rerun(t.Context(), "TestKilled", variable, path)
		output, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(output, make([]byte, len("editing")))
		time.Sleep(time.Duration(i) * 7 * time.Millisecond)
		command.Process.Kill()
		command.Wait()
		keys, _, err := ReadKeys(path)
		if got := fingerprints(keys); err != nil || !slices.Equal(got[:2], []string{fingerprintA, fingerprintB}) {
			t.Fatalf("the keys are %q, %v", got, err)
		}
		for _, key := range keys[2:] {
			if _, err := RemoveKey(path, key.Fingerprint()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := PromoteKey(path, ""); err != nil {
		t.Fatal(err)
	}
	checkFile(t, "at the end", path, "B\nA\n")
}

// TestLockWait edits a file that another process locks.
func TestLockWait(t *testing.T) {
	for after, reason := range map[time.Duration]string{lockTimeout - time.Second: "", lockTimeout + time.Second: "another process has locked the file"} {
		synctest.Test(t, func(t *testing.T) {
			path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace("A\n"))
			other, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(after, func() { other.Close() })
			_, _, err = AddKey(path)
			if reason == "" {
				if err != nil {
					t.Error(err)
				}
				checkFile(t, "after the wait", path, "A\nN\n")
			} else {
				checkFileError(t, path, secretA, reason, err, ErrRotation)
				checkFile(t, "after the wait", path, "A\n")
			}
			time.Sleep(lockTimeout)
		})
	}
}

// TestLockReplacedFile locks a file that another process has replaced since it was
// opened. An edit of the old file would be lost.
func TestLockReplacedFile(t *testing.T) {
	path := writeFile(t, t.TempDir(), "signing.key", secretA)
	for _, replaced := range []bool{false, true} {
		file, err := openToEdit(path)
		if err != nil {
			t.Fatal(err)
		}
		if replaced {
			if _, _, err := AddKey(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := file.lock(); errors.Is(err, syscall.EWOULDBLOCK) != replaced || (err != nil) != replaced {
			t.Errorf("replaced: %t: %v", replaced, err)
		}
		file.Close()
	}
}

// TestRotateOnFullDisk edits files while the process may only write to their first
// bytes, in a process of its own. The error is EFBIG, where a full disk gives ENOSPC.
func TestRotateOnFullDisk(t *testing.T) {
	const variable = "TEST_ROTATE_ON_FULL_DISK"
	const text = "A\nB\nC\n"
	if path := os.Getenv(variable); path != "" {
		rotateOnFullDisk(t, path)
		return
	}
	for _, linked := range []bool{false, true} {
		path := writeFile(t, t.TempDir(), "signing.key", shorthand.Replace(text))
		if linked {
			withHardLink(t, path)
		}
		if output, err := rerun(t.Context(), "TestRotateOnFullDisk", variable, path).CombinedOutput(); err != nil {
			t.Errorf("hard links: %t: %v: %s", linked, err, output)
		}
		checkFile(t, "full disk", path, text, "second")
	}
}

// rotateOnFullDisk edits the file at path in each way, with limits at which a part of
// the change can be written.
func rotateOnFullDisk(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	var errs []error
	edit := func(reduced syscall.Rlimit, edit func() error) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &reduced); err != nil {
			t.Fatal(err)
		}
		errs = append(errs, edit())
	}
	all, half := syscall.Rlimit{Cur: 3*(MinKeySize+1) + 50, Max: limit.Max}, syscall.Rlimit{Cur: 100, Max: limit.Max}
	edit(all, func() error { _, _, err := AddKey(path); return err })
	edit(half, func() error { _, _, err := AddKey(path); return err })
	edit(half, func() error { _, _, err := PromoteKey(path, ""); return err })
	edit(half, func() error { _, err := RemoveKey(path, fingerprintB); return err })
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil { // coverage is written at the end
		t.Fatal(err)
	}
	for i, err := range errs {
		if !errors.Is(err, ErrRotation) || !errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), "damaged") {
			t.Errorf("edit %d: %v, want EFBIG", i, err)
		}
	}
}

// TestDamage checks that an error says so if the old content could not be restored.
func TestDamage(t *testing.T) {
	path := writeFile(t, t.TempDir(), "signing.key", secretA)
	for _, closed := range []bool{false, true} {
		file, err := os.Open(path) // for reading alone
		if err != nil {
			t.Fatal(err)
		}
		if closed {
			file.Close()
		}
		err = (&lockedFile{File: file}).overwrite([]byte(secretA), []byte(secretB))
		if err == nil || strings.HasSuffix(err.Error(), ", and the file may be damaged") != closed {
			t.Errorf("closed: %t: %v", closed, err)
		}
		file.Close()
	}
}

// TestRotateAsUser edits files as a user without rights to their folder, or to keep
// their owner. It drops the rights of root in a process of its own.
func TestRotateAsUser(t *testing.T) {
	const variable = "TEST_ROTATE_AS_USER"
	const nobody = 65534
	if path := os.Getenv(variable); path != "" {
		if os.Getuid() == 0 {
			if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
				t.Fatal(err)
			}
		}
		_, warnings, err := AddKey(path)
		fmt.Printf("%q\n%v\n", warnings, err)
		return
	}
	type test struct {
		name               string
		ownFolder, ownFile bool
		folder, file       fs.FileMode
		want, says         string
	}
	tests := []test{
		{"its own folder and file", true, true, 0o700, 0o600, "A\nN\n", "[]\n<nil>\n"},
		{"its own file, which is read-only", true, true, 0o700, 0o400, "A\nN\n", "[]\n<nil>\n"},
		{"a read-only folder", true, true, 0o500, 0o600, "A\nN\n", "written in place, because it cannot be replaced: open "},
		{"a read-only folder and file", true, true, 0o500, 0o400, "A\n", ": permission denied): change the Secret or the file that it is mounted from"},
		{"a file that it cannot read", true, true, 0o700, 0o200, "A\n", "permission denied"},
	}
	if os.Getuid() == 0 { // only root can give files to other users
		tests = append(tests, []test{
			{"a file of another user", true, false, 0o700, 0o606, "A\nN\n", "written in place, because it cannot be replaced: chown "},
			{"a file of another user, which is read-only", true, false, 0o700, 0o604, "A\n", "the file can be neither replaced (chown "},
			{"a folder of another user", false, true, 0o755, 0o600, "A\nN\n", "written in place, because it cannot be replaced: open "},
			{"a file of another user in a folder like /tmp", false, false, 0o777 | fs.ModeSticky, 0o606, "A\nN\n", "written in place, because it cannot be replaced: chown "},
		}...)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder, err := os.MkdirTemp("", "") // t.TempDir is closed to other users
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(folder)
			path := writeFile(t, folder, "signing.key", shorthand.Replace("A\n"))
			if err := errors.Join(os.Chmod(path, test.file), os.Chmod(folder, test.folder)); err != nil {
				t.Fatal(err)
			}
			for path, own := range map[string]bool{folder: test.ownFolder, path: test.ownFile} {
				if own && os.Getuid() == 0 {
					if err := os.Chown(path, nobody, nobody); err != nil {
						t.Fatal(err)
					}
				}
			}
			before, owner := stat(t, path)
			output, err := rerun(t.Context(), "TestRotateAsUser", variable, path).CombinedOutput()
			if err != nil || !strings.Contains(string(output), test.says) || strings.Contains(string(output), secretA[:8]) {
				t.Errorf("%v: %s, want %q", err, output, test.says)
			}
			if after, now := stat(t, path); after.Mode() != before.Mode() || now.Uid != owner.Uid || now.Gid != owner.Gid {
				t.Errorf("mode %v, owner %d:%d, want %v, %d:%d", after.Mode(), now.Uid, now.Gid, before.Mode(), owner.Uid, owner.Gid)
			}
			if err := errors.Join(os.Chmod(folder, 0o700), os.Chmod(path, 0o600)); err != nil {
				t.Fatal(err)
			}
			checkFile(t, "as a user", path, test.want)
		})
	}
}
