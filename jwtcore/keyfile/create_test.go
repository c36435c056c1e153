//go:build unix

package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// links returns functions that create can call: os.Link, and those of file systems
// without hard links, by their errors.
func links() map[string]func(oldPath, newPath string) error {
	links := map[string]func(oldPath, newPath string) error{"hard links": os.Link}
	for _, err := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL} {
		links[err.Error()] = func(oldPath, newPath string) error {
			return &os.LinkError{Op: "link", Old: oldPath, New: newPath, Err: err}
		}
	}
	return links
}

func TestCreate(t *testing.T) {
	for name, link := range links() {
		path := filepath.Join(t.TempDir(), "signing.key")
		if created, err := create(path, link); !created || err != nil {
			t.Fatalf("%s: created: %t, %v", name, created, err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !regexp.MustCompile(`^[0-9a-f]{128}\n$`).Match(text) {
			t.Errorf("%s: the file is not 128 hex digits and a line feed: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
		if created, err := create(path, link); created || err != nil {
			t.Errorf("%s, the second time: created: %t, %v", name, created, err)
		}
		if again, _ := os.ReadFile(path); !bytes.Equal(again, text) {
			t.Errorf("%s: the second call changed the file", name)
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("%s: the folder has %d files, want 1", name, len(entries))
		}
	}
}

// TestCreateRandomBytes checks that each byte of a new key is random.
func TestCreateRandomBytes(t *testing.T) {
	folder := t.TempDir()
	seen := make([]map[string]bool, MinKeySize) // the values of each byte
	for i := range seen {
		seen[i] = map[string]bool{}
	}
	for n := range 8 {
		path := filepath.Join(folder, strconv.Itoa(n))
		if created, err := Create(path); !created || err != nil {
			t.Fatalf("created: %t, %v", created, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			seen[i][string(text[2*i:2*i+2])] = true
		}
	}
	for i, values := range seen {
		if len(values) == 1 {
			t.Errorf("byte %d is the same in all keys", i)
		}
	}
}

// TestCreateTouchesNothing checks that Create leaves the folder alone if the path
// is in use, because the folder may be read-only.
func TestCreateTouchesNothing(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(folder, "link")
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("missing", link); err != nil {
		t.Fatal(err)
	}
	past := time.Unix(1000, 0)
	if err := os.Chtimes(folder, past, past); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, filepath.Join(file, "signing.key")} {
		if created, err := Create(path); created || err != nil {
			t.Errorf("%s: created: %t, %v", path, created, err)
		}
		if info, err := os.Stat(folder); err != nil || !info.ModTime().Equal(past) {
			t.Errorf("%s: Create changed the folder, %v", path, err)
		}
		if _, _, err := ReadKeys(path); !errors.Is(err, ErrKey) {
			t.Errorf("%s: ReadKeys returns %v, want ErrKey", path, err)
		}
	}
}

// TestCreateInOneFolder checks that Create uses no other folder: a link cannot
// lead from one file system to another.
func TestCreateInOneFolder(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(folder, "missing"))
	if created, err := Create(filepath.Join(folder, "signing.key")); !created || err != nil {
		t.Errorf("created: %t, %v", created, err)
	}
}

func TestCreateFails(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for _, path := range []string{"", filepath.Join("missing", "signing.key")} {
		if created, err := Create(path); created || !errors.Is(err, ErrKey) {
			t.Errorf("%q: created: %t, %v", path, created, err)
		}
	}
	if entries, err := os.ReadDir(folder); len(entries) != 0 || err != nil {
		t.Errorf("the folder has %d files, want none, %v", len(entries), err)
	}
}

// TestCreateErrors checks what an error of Create says, and that it still wraps its cause.
func TestCreateErrors(t *testing.T) {
	for cause, says := range map[error]string{
		syscall.ENOENT:  ": create the folder, or name a file in another one",
		syscall.ENOTDIR: ": create the folder, or name a file in another one",
		syscall.EACCES:  fmt.Sprintf(": give user %d the right to write to the folder, or name a key file that exists", os.Geteuid()),
		syscall.EROFS:   ": name a file in a folder that can be written to, or a key file that exists",
		syscall.ENOSPC:  "",
	} {
		err := createError("/run/keys/signing.key", &fs.PathError{Op: "open", Path: "/run/keys/.signing.key-1", Err: cause})
		if want := "cannot create signing.key in the folder /run/keys: " + cause.Error() + says; err.Error() != want || !errors.Is(err, cause) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// startService does what a service does at its start: it reads the keys, and
// creates the file if it does not exist.
func startService(path string, link func(oldPath, newPath string) error) (fingerprint string, created bool, err error) {
	keys, _, err := AwaitKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		if created, err = create(path, link); err == nil {
			keys, _, err = AwaitKeys(path)
		}
	}
	if err != nil {
		return "", created, err
	}
	return keys[0].Fingerprint(), created, nil
}

// TestFirstStartsAtOnce starts many services at once in an empty folder. They must
// all use one key, which one of them created.
func TestFirstStartsAtOnce(t *testing.T) {
	for name, link := range links() {
		for range 20 {
			path := filepath.Join(t.TempDir(), "signing.key")
			fingerprints := make([]string, 16)
			var creators atomic.Int32
			start := make(chan struct{})
			var wait sync.WaitGroup
			for i := range fingerprints {
				wait.Go(func() {
					<-start
					fingerprint, created, err := startService(path, link)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if created {
						creators.Add(1)
					}
					fingerprints[i] = fingerprint
				})
			}
			close(start)
			wait.Wait()
			if different := slices.Compact(fingerprints); len(different) != 1 || creators.Load() != 1 {
				t.Fatalf("%s: the keys are %q, created by %d services", name, different, creators.Load())
			}
		}
	}
}

// TestFirstStartsOfProcesses is TestFirstStartsAtOnce with a process for each
// service, which starts it when its standard input ends.
func TestFirstStartsOfProcesses(t *testing.T) {
	const variable = "TEST_FIRST_START_FILE"
	noLinks := links()[syscall.EPERM.Error()]
	if path := os.Getenv(variable); path != "" {
		io.Copy(io.Discard, os.Stdin)
		fingerprint, created, err := startService(path, noLinks)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("key %s, created: %t\n", fingerprint, created)
		return
	}
	path := filepath.Join(t.TempDir(), "signing.key")
	input, start, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	outputs := make([]bytes.Buffer, 8)
	var commands []*exec.Cmd
	for i := range outputs {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFirstStartsOfProcesses$")
		command.Env = append(os.Environ(), variable+"="+path)
		command.Stdin, command.Stdout, command.Stderr = input, &outputs[i], &outputs[i]
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, command)
	}
	start.Close()
	keys, creators := map[string]int{}, 0
	for i, command := range commands {
		if err := command.Wait(); err != nil {
			t.Errorf("%v: %s", err, outputs[i].Bytes())
			continue
		}
		match := regexp.MustCompile(`key ([0-9a-f]{8}), created: (\w+)`).FindStringSubmatch(outputs[i].String())
		if match == nil {
			t.Fatalf("a process printed %s", outputs[i].Bytes())
		}
		keys[match[1]]++
		if match[2] == "true" {
			creators++
		}
	}
	if len(keys) != 1 || creators != 1 {
		t.Errorf("the processes use the keys %v, and %d created one", keys, creators)
	}
}

// TestFasterProcess lets another process create the file at the last moment.
func TestFasterProcess(t *testing.T) {
	for _, failure := range []error{syscall.EEXIST, syscall.EPERM} {
		path := filepath.Join(t.TempDir(), "signing.key")
		created, err := create(path, func(_, newPath string) error {
			if err := os.WriteFile(newPath, []byte(secretA), 0o600); err != nil {
				t.Fatal(err)
			}
			return failure
		})
		if text, _ := os.ReadFile(path); created || err != nil || string(text) != secretA {
			t.Errorf("%v: created: %t, %v, %d bytes", failure, created, err, len(text))
		}
	}
}
