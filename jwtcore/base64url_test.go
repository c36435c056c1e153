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
	})
}
