package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	memoryLimit = 256 << 20

	// goMemoryLimit is the service's GOMEMLIMIT if there is no cgroup. It is a tenth
	// less than memoryLimit, for what Go does not count.
	goMemoryLimit = "230MiB"
)

// hierarchy is one of the two versions of Linux's control groups.
type hierarchy struct {
	mount *regexp.Regexp // in /proc/self/mounts; the submatch is the mount point
	own   *regexp.Regexp // in /proc/self/cgroup; the submatch is the path of this process

	limitFile, swapLimitFile, peakFile, eventsFile string
	swapLimitValue                                 int64
}

var hierarchies = []hierarchy{
	{
		mount:     regexp.MustCompile(`(?m)^\S+ (\S+) cgroup2 `),
		own:       regexp.MustCompile(`(?m)^0::(/.*)$`),
		limitFile: "memory.max", swapLimitFile: "memory.swap.max", peakFile: "memory.peak", eventsFile: "memory.events",
	},
	{
		mount:     regexp.MustCompile(`(?m)^\S+ (\S+) cgroup \S*\bmemory\b`),
		own:       regexp.MustCompile(`(?m)^\d+:(?:\S*,)?memory(?:,\S*)?:(/.*)$`),
		limitFile: "memory.limit_in_bytes", swapLimitFile: "memory.memsw.limit_in_bytes", peakFile: "memory.max_usage_in_bytes", eventsFile: "memory.oom_control",
		swapLimitValue: memoryLimit, // memory and swap together
	},
}

// cgroup is a control group whose processes may use memoryLimit.
type cgroup struct {
	hierarchy
	path string
}

// newCgroup creates a cgroup, as close to the cgroup of this process as it can: in
// version 2, a cgroup with processes cannot have another inside it that limits memory.
func newCgroup() (*cgroup, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	err = errors.New("no cgroup file system is mounted")
	for _, h := range hierarchies {
		mount, path := h.mount.FindSubmatch(mounts), h.own.FindSubmatch(own)
		if mount == nil || path == nil {
			continue
		}
		for path := string(path[1]); ; path = filepath.Dir(path) {
			var created *cgroup
			if created, err = h.create(filepath.Join(string(mount[1]), path)); err == nil {
				return created, nil
			}
			if path == "/" {
				break
			}
		}
	}
	return nil, err
}

// create creates a cgroup inside the one at parent.
func (h hierarchy) create(parent string) (*cgroup, error) {
	path, err := os.MkdirTemp(parent, "tokenmint-")
	if err != nil {
		return nil, err
	}
	g := &cgroup{hierarchy: h, path: path}
	if err := g.setLimits(parent); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return g, nil
}

func (g *cgroup) setLimits(parent string) error {
	if _, err := os.Stat(filepath.Join(g.path, g.limitFile)); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+memory"), 0); err != nil {
			return err
		}
	}
	if err := g.write(g.limitFile, memoryLimit); err != nil {
		return err
	}
	err := g.write(g.swapLimitFile, g.swapLimitValue)
	if errors.Is(err, fs.ErrNotExist) { // the kernel does not count swap
		return nil
	}
	return err
}

func (g *cgroup) write(name string, value int64) error {
	file, err := os.OpenFile(filepath.Join(g.path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(strconv.FormatInt(value, 10))
	return errors.Join(err, file.Close())
}

// procs names the file to which a process writes its id to enter the cgroup.
func (g *cgroup) procs() string { return filepath.Join(g.path, "cgroup.procs") }

// peak returns the most memory that the cgroup has used, in bytes, with the cached
// files and the buffers that the kernel counts, or 0 if the kernel does not keep it
// (before Linux 5.19).
func (g *cgroup) peak() (int64, error) {
	text, err := os.ReadFile(filepath.Join(g.path, g.peakFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

var oomKills = regexp.MustCompile(`(?m)^oom_kill (\d+)$`)

// checkOOM returns an error if the kernel has killed a process of the cgroup.
func (g *cgroup) checkOOM() error {
	text, err := os.ReadFile(filepath.Join(g.path, g.eventsFile))
	if err != nil {
		return err
	}
	match := oomKills.FindSubmatch(text)
	if match == nil {
		return fmt.Errorf("no oom_kill in %s", filepath.Join(g.path, g.eventsFile))
	}
	if !bytes.Equal(match[1], []byte("0")) {
		return errors.New("the kernel killed the service, because it ran out of memory")
	}
	return nil
}

// remove removes the cgroup, whose processes must have ended.
func (g *cgroup) remove() error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err := os.Remove(g.path); err == nil || time.Now().After(deadline) { // it is busy for a moment
			return err
		}
	}
}

// announceLimit prints how the memory of the service is limited.
func announceLimit() error {
	g, err := newCgroup()
	if err != nil {
		fmt.Printf("memory: no cgroup (%v): the service has GOMEMLIMIT=%s, and its peak must stay below %d MiB\n", err, goMemoryLimit, memoryLimit>>20)
		return nil
	}
	fmt.Printf("memory: the service runs in a cgroup of %d MiB (%s)\n", memoryLimit>>20, g.limitFile)
	return g.remove()
}
