package handlers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readLines returns the lines that r reads, each as its text or its error, and why
// there are no more.
func readLines(r *lineReader) (lines []string, err error) {
	for {
		l, ok := r.next()
		if !ok {
			return lines, r.err
		}
		text := string(l.text)
		if l.err != nil {
			text = l.err.Error() + text
		}
		lines = append(lines, text)
		l.release()
	}
}

// newLineReader returns a reader with a small buffer, of lines of at most 40 bytes.
func newLineReader(source io.Reader, memory *bodyMemory) *lineReader {
	return &lineReader{buffer: bufio.NewReaderSize(source, 16), limit: 40, memory: memory}
}

func TestLineReader(t *testing.T) {
	tooLarge, cutShort, reset := errBodyTooLarge.Error(), errBodyCutShort.Error(), errors.New("connection reset")
	long := func(size int) string { return strings.Repeat("x", size) }
	tests := []struct {
		text string
		err  error // after the text; nil for its end
		want []string
	}{
		{"", nil, nil},
		{"\n", nil, nil},
		{"a\nbc\n", nil, []string{"a", "bc"}},
		{"a\nbc", nil, []string{"a", "bc"}},
		{"a\r\nb\r", nil, []string{"a\r", "b\r"}},
		{"\n \t\r\n\na\n\n \n", nil, []string{"a"}},
		{" a \n", nil, []string{" a "}},
		{"\u00a0\n\v", nil, []string{"\u00a0", "\v"}}, // white space, but not in JSON
		{"\x00\n\xff", nil, []string{"\x00", "\xff"}},
		{long(15) + "\n" + long(16) + "\n" + long(17) + "\nb", nil, []string{long(15), long(16), long(17), "b"}},
		{long(40) + "\nb", nil, []string{long(40), "b"}},
		{long(40), nil, []string{long(40)}},
		{long(41) + "\nb", nil, []string{tooLarge, "b"}},
		{long(41), nil, []string{tooLarge}},
		{"a\n" + long(400) + "\n" + long(400) + "\nb\n", nil, []string{"a", tooLarge, tooLarge, "b"}},
		{strings.Repeat(" ", 40) + "\nb", nil, []string{"b"}},
		{strings.Repeat(" ", 41) + "\nb", nil, []string{tooLarge, "b"}},

		{"", reset, nil},
		{"a\n", reset, []string{"a"}},
		{"a\nb", reset, []string{"a", cutShort}},
		{"a\n ", reset, []string{"a"}},
		{long(30), reset, []string{cutShort}},
		{long(41), reset, []string{tooLarge}},
	}
	for _, test := range tests {
		end := test.err
		if end == nil {
			end = io.EOF
		}
		source := func() io.Reader { return io.MultiReader(strings.NewReader(test.text), iotest.ErrReader(end)) }
		for how, reader := range map[string]io.Reader{"at once": source(), "by the byte": iotest.OneByteReader(source()), "with the error": iotest.DataErrReader(source())} {
			memory := newBodyMemory(minBodyMemory)
			got, err := readLines(newLineReader(reader, memory))
			if !slices.Equal(got, test.want) || err != end {
				t.Errorf("%q %s: %q, %v, want %q, %v", test.text, how, got, err, test.want, end)
			}
			if memory.free.Load() != minBodyMemory {
				t.Errorf("%q %s: %d bytes are free", test.text, how, memory.free.Load())
			}
		}
	}
}

// TestLineReaderCountsLines checks the number of a line, which includes blank ones.
func TestLineReaderCountsLines(t *testing.T) {
	r := newLineReader(strings.NewReader("a\n\n\nb\n"+strings.Repeat("x", 90)+"\nc"), newBodyMemory(minBodyMemory))
	for _, want := range []int64{1, 4, 5, 6} {
		l, ok := r.next()
		if !ok || r.number != want {
			t.Errorf("line %d, %t, want %d", r.number, ok, want)
		}
		l.release()
	}
}

// TestLongLinesNeedMemory reads long lines when there is no memory for them. They are
// skipped; the others are not.
func TestLongLinesNeedMemory(t *testing.T) {
	memory := newBodyMemory(minBodyMemory)
	held, _ := memory.reserve(minBodyMemory)
	r := newLineReader(strings.NewReader("a\n"+strings.Repeat("x", 30)+"\nb\n"+strings.Repeat("x", 90)+"\n"), memory)
	got, err := readLines(r)
	want := []string{"a", errTooManyBodies.Error(), "b", errTooManyBodies.Error()}
	if !slices.Equal(got, want) || err != io.EOF {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	held.release()
	if memory.free.Load() != minBodyMemory {
		t.Errorf("%d bytes are free", memory.free.Load())
	}
}

// FuzzLineReader compares the lines with those that bytes.Split returns.
func FuzzLineReader(f *testing.F) {
	f.Add([]byte("a\n\nb\r\n"), uint8(3))
	f.Add([]byte(strings.Repeat("x", 41)+"\n"+strings.Repeat("y", 40)), uint8(1))
	f.Add([]byte("\n \n\xff\x00\n"), uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var want []string
		for part := range bytes.SplitSeq(text, []byte{'\n'}) {
			switch {
			case len(part) > 40:
				want = append(want, errBodyTooLarge.Error())
			case !isBlank(part):
				want = append(want, string(part))
			}
		}
		source := &chunkReader{bytes.NewReader(text), int(size)%20 + 1}
		memory := newBodyMemory(minBodyMemory)
		got, err := readLines(newLineReader(source, memory))
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) || err != io.EOF {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		if memory.free.Load() != minBodyMemory {
			t.Errorf("%d bytes are free", memory.free.Load())
		}
	})
}

// chunkReader reads at most size bytes at a time.
type chunkReader struct {
	io.Reader
	size int
}

func (r *chunkReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.size)]) }
