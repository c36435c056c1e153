//go:build !race

package ijson

import (
	"runtime/debug"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestAllocations checks that readers are pooled. It is not built with the race
// detector, under which pools drop some of what they hold.
func TestAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pool
	object := []byte(`{"a":[1,{"b":"c"}]}`)
	tests := []struct {
		name string
		run  func()
	}{
		{"ReadObject", func() { ReadObject(object, func([]byte, jsontext.Value) {}) }},
		{"Depth", func() { Depth(object) }},
		{"Decode", func() { Decode(object, func(decoder *jsontext.Decoder) { decoder.SkipValue() }) }},
	}
	for _, test := range tests {
		if got := testing.AllocsPerRun(100, test.run); got != 0 {
			t.Errorf("%s: %v allocations, want none", test.name, got)
		}
	}
}
