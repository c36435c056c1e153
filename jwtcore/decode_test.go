package jwtcore

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// TestAppendSegment tries every pair of bytes at each position in a group of four.
// A segment decodes only if the result encodes to the same segment again.
func TestAppendSegment(t *testing.T) {
	t.Parallel()
	for a := range 256 {
		for b := range 256 {
			two := string([]byte{byte(a), byte(b)})
			for _, segment := range []string{two[:1], two, "A" + two, "-_" + two, two + "-_", "Zg9_" + two, "Zg9_A" + two} {
				decoded, err := appendSegment(nil, []byte(segment), "any")
				lenient, lenientErr := base64.RawURLEncoding.DecodeString(segment)
				canonical := lenientErr == nil && base64.RawURLEncoding.EncodeToString(lenient) == segment
				if canonical != (err == nil) {
					t.Fatalf("%q: error %v, but canonical: %t", segment, err, canonical)
				}
				if err == nil && string(decoded) != string(lenient) {
					t.Fatalf("%q: %q, want %q", segment, decoded, lenient)
				}
				if err != nil && !errors.Is(err, ErrMalformed) {
					t.Fatalf("%q: %v, want ErrMalformed", segment, err)
				}
			}
		}
	}
}

func TestWhyNotBase64url(t *testing.T) {
	for segment, want := range map[string]error{
		"AA A": errLineBreak, "AA\tA": errLineBreak, "AA\vA": errLineBreak, "AA\fA": errLineBreak, "AA\nA": errLineBreak, "AA\rA": errLineBreak,
		"AA=": errPadding, "AA==": errPadding, "A=A": errPadding,
		"A+A": errStandard, "A/A": errStandard,
		"A!A": errAlphabet, "ÄA": errAlphabet, "A\x00": errAlphabet,
		"A": errBits, "AB": errBits, "AAB": errBits, "AAAAA": errBits,
	} {
		_, err := appendSegment(nil, []byte(segment), "claims")
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "the claims segment") {
			t.Errorf("%q: %v, want %v", segment, err, want)
		}
	}
}
