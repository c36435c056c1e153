package jwtcore

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestMACAgainstRFC4231(t *testing.T) {
	if len(rfc4231) != 7 {
		t.Fatalf("%d test cases, but the RFC has 7", len(rfc4231))
	}
	for i, test := range rfc4231 {
		wants := map[*Algorithm]string{HS256: test.sha256, HS384: test.sha384, HS512: test.sha512}
		for algorithm, want := range wants {
			mac := hex.EncodeToString(NewKey(algorithm, []byte(test.key)).appendMAC(nil, []byte(test.data)))
			if len(mac) != 2*algorithm.size {
				t.Errorf("case %d, %s: %d hex digits, want %d", i+1, algorithm, len(mac), 2*algorithm.size)
			}
			if !strings.HasPrefix(mac, want) {
				t.Errorf("case %d, %s: %s, want %s", i+1, algorithm, mac, want)
			}
		}
	}
}

func TestMACAgainstTokensInRFCs(t *testing.T) {
	for _, test := range rfcTokens {
		key := NewKey(HS256, decodeBase64url(t, test.key))
		mac := key.appendMAC(nil, []byte(test.signingInput))
		if got := base64url.EncodeToString(mac); got != test.signature {
			t.Errorf("%s: %s, want %s", test.name, got, test.signature)
		}
	}
}

// TestMACAtBlockBoundaries compares the MAC with that of crypto/hmac for keys and
// texts whose lengths are near the limits of a block.
func TestMACAtBlockBoundaries(t *testing.T) {
	t.Parallel()
	lengths := []int{0, 1, 31, 32, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 255, 256, 1000, 1 << 16}
	for _, algorithm := range algorithms {
		for _, keyLength := range lengths {
			for _, textLength := range lengths {
				key, text := bytes.Repeat([]byte{'k'}, keyLength), bytes.Repeat([]byte{'t'}, textLength)
				oracle := hmac.New(algorithm.newHash, key)
				oracle.Write(text)
				if !bothAgree(algorithm.Algorithm, key, text, oracle.Sum(nil)) {
					t.Errorf("%s differs from crypto/hmac with a key of %d bytes and a text of %d", algorithm, keyLength, textLength)
				}
			}
		}
	}
}

// bothAgree reports whether mac is the MAC over text both for a Key and for a
// secret that is used once.
func bothAgree(algorithm *Algorithm, secret, text, mac []byte) bool {
	return bytes.Equal(NewKey(algorithm, secret).appendMAC(nil, text), mac) &&
		algorithm.matches(mac, secret, text)
}

// TestMatchesOneMAC changes every byte of a MAC and cuts or extends the MAC.
// Neither a Key nor a secret that is used once matches the result.
func TestMatchesOneMAC(t *testing.T) {
	secret, text := []byte("key"), []byte("text")
	for _, algorithm := range algorithms {
		key := NewKey(algorithm.Algorithm, secret)
		mac := key.appendMAC(nil, text)
		if !key.matches(mac, text) || !algorithm.matches(mac, secret, text) {
			t.Errorf("%s: the MAC does not match", algorithm)
		}
		wrong := [][]byte{append(mac[:len(mac):len(mac)], 0), append(mac[:len(mac):len(mac)], mac...)}
		for i := range mac {
			changed := bytes.Clone(mac)
			changed[i] ^= 1 << (i % 8)
			wrong = append(wrong, changed, mac[:i])
		}
		for _, mac := range wrong {
			if key.matches(mac, text) {
				t.Errorf("%s: a Key matches the wrong MAC %x", algorithm, mac)
			}
			if algorithm.matches(mac, secret, text) {
				t.Errorf("%s: a secret matches the wrong MAC %x", algorithm, mac)
			}
		}
	}
}

func TestAppendMACAppends(t *testing.T) {
	key := NewKey(HS512, []byte("key"))
	if got := key.appendMAC([]byte("before"), nil); !bytes.HasPrefix(got, []byte("before")) || len(got) != len("before")+HS512.size {
		t.Errorf("got %q", got)
	}
}

// TestKeyIsACopy overwrites the secret after making a key from it.
func TestKeyIsACopy(t *testing.T) {
	secret := []byte("a secret, overwritten by its owner")
	key := NewKey(HS512, secret)
	before := key.appendMAC(nil, []byte("text"))
	clear(secret)
	if after := key.appendMAC(nil, []byte("text")); !bytes.Equal(before, after) {
		t.Error("the key changed with the secret")
	}
}

func TestKeyIsSharedByGoroutines(t *testing.T) {
	t.Parallel()
	key := NewKey(HS512, []byte("key"))
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			text := fmt.Appendf(nil, "text %d", i)
			oracle := hmac.New(sha512.New, []byte("key"))
			oracle.Write(text)
			want := oracle.Sum(nil)
			for range 1000 {
				if !bytes.Equal(key.appendMAC(nil, text), want) {
					t.Errorf("goroutine %d: a wrong MAC", i)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestEqualMAC(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"same", "same", true},
		{"same", "sane", false},
		{"same", "sam", false},
		{"same", "same ", false},
		{"same", "", false},
	}
	for _, test := range tests {
		if got := equalMAC([]byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("equalMAC(%q, %q) = %t, want %t", test.a, test.b, got, test.want)
		}
	}
}

func FuzzMAC(f *testing.F) {
	for _, test := range rfc4231 {
		f.Add([]byte(test.key), []byte(test.data))
	}
	for _, length := range []int{0, 63, 64, 65, 127, 128, 129, 4096} {
		f.Add(bytes.Repeat([]byte{'k'}, length), []byte("text"))
	}
	f.Fuzz(func(t *testing.T, key, text []byte) {
		for _, algorithm := range algorithms {
			oracle := hmac.New(algorithm.newHash, key)
			oracle.Write(text)
			if !bothAgree(algorithm.Algorithm, key, text, oracle.Sum(nil)) {
				t.Errorf("%s differs from crypto/hmac", algorithm)
			}
		}
	})
}
