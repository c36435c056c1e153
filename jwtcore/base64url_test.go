package jwtcore

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// TestAppendEncoded compares with encoding/base64 at every length around the
// steps it takes, and leaves what is behind the result alone.
func TestAppendEncoded(t *testing.T) {
	src := make([]byte, 300)
	for i := range src {
		src[i] = byte(i * 151)
	}
	for n := range src {
		want := "before " + base64.RawURLEncoding.EncodeToString(src[:n])
		if got := appendEncoded([]byte("before "), src[:n]); string(got) != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
		space := bytes.Repeat([]byte{'!'}, 1000)
		if got := appendEncoded(space[:0], src[:n]); space[len(got)] != '!' {
			t.Errorf("%d bytes: it wrote behind its result", n)
		}
	}
}

// checkDecoded compares with encoding/base64, which skips line breaks.
func checkDecoded(t *testing.T, segment []byte) {
	t.Helper()
	decoded, err := appendDecoded([]byte("before "), segment)
	want, wantErr := base64.RawURLEncoding.Strict().DecodeString(string(segment))
	if bytes.ContainsAny(segment, "\r\n") {
		wantErr = errLineBreak
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, want %v", segment, err, wantErr)
	}
	if err == nil && string(decoded) != "before "+string(want) {
		t.Fatalf("%q: %q, want %q", segment, decoded, want)
	}
}

// TestAppendDecoded tries every pair of bytes at each place in a group of four.
func TestAppendDecoded(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			two := string([]byte{byte(a), byte(b)})
			for _, segment := range []string{two[:1], two, "A" + two, "-_" + two, two + "-_", "Zg9_" + two, "Zg9_A" + two} {
				checkDecoded(t, []byte(segment))
			}
		}
	}
}

func FuzzBase64url(f *testing.F) {
	for _, seed := range []string{"", "f", "fo", "foo", "foob", "fooba", "foobar"} { // RFC 4648 §10
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		encoded := appendEncoded(nil, src)
		if want := base64.RawURLEncoding.EncodeToString(src); string(encoded) != want {
			t.Fatalf("%s, want %s", encoded, want)
		}
		decoded, err := appendDecoded(nil, encoded)
		if err != nil || !bytes.Equal(decoded, src) {
			t.Fatalf("%q came back as %q, %v", src, decoded, err)
		}
		checkDecoded(t, src)
	})
}
