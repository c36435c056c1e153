package jwtcore

import (
	"reflect"
	"testing"
)

// TestParseHeaderRecognizes checks that recognizing a header has the same result
// as reading it.
func TestParseHeaderRecognizes(t *testing.T) {
	var recognized, read Token
	if err := recognized.parseHeader([]byte(HS512.encodedHeader)); err != nil {
		t.Fatal(err)
	}
	if err := read.parseAnyHeader([]byte(HS512.encodedHeader)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(recognized, read) || recognized.algorithm != HS512 {
		t.Errorf("%+v, want %+v", recognized, read)
	}
}

func BenchmarkParseHeader(b *testing.B) {
	var token Token
	b.Run("Recognized", func(b *testing.B) {
		for b.Loop() {
			token.parseHeader([]byte(HS512.encodedHeader))
		}
	})
	b.Run("Read", func(b *testing.B) {
		for b.Loop() {
			token.parseAnyHeader([]byte(HS512.encodedHeader))
		}
	})
}
