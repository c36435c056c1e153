package jwtcore

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// TestAppendEncoded compares the encoder with encoding/base64 at many lengths, and
// checks that it writes nothing after its result.
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
			t.Errorf("%d bytes: it wrote after its result", n)
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
		decoded, err := appendSegment(nil, []byte(string(encoded)), "any")
		if err != nil || !bytes.Equal(decoded, src) {
			t.Fatalf("%q decoded to %q, %v", src, decoded, err)
		}
		// What decodes is canonical.
		if decoded, err := appendSegment(nil, []byte(string(src)), "any"); err == nil && string(appendEncoded(nil, decoded)) != string(src) {
			t.Fatalf("%q decodes to %q, which encodes differently", src, decoded)
		}
	})
}

// BenchmarkEncode compares the encoder with encoding/base64 on claims of the
// golden vectors' size.
func BenchmarkEncode(b *testing.B) {
	src, dst := make([]byte, 126), make([]byte, 0, 200)
	b.Run("SixBytes", func(b *testing.B) {
		for b.Loop() {
			appendEncoded(dst, src)
		}
	})
	b.Run("StandardLibrary", func(b *testing.B) {
		for b.Loop() {
			base64.RawURLEncoding.AppendEncode(dst, src)
		}
	})
}
