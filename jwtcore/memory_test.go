package jwtcore

import (
	"bytes"
	"crypto/sha512"
	"hash"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"
)

// TestTokenSharesNoMemory checks that appending to one part of a token leaves the
// others alone, and that changing the header of one token leaves other tokens
// alone.
func TestTokenSharesNoMemory(t *testing.T) {
	parse := func() Token {
		token, err := Parse(golden[0].token)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := parse()
	for _, part := range [][]byte{token.Header, token.Claims, token.signingInput, token.signature} {
		free := part[len(part):cap(part)]
		for i := range free {
			free[i] = '!'
		}
	}
	if err := token.Verify([]byte(publishedKey)); err != nil {
		t.Errorf("after appending to each part: %v", err)
	}
	if string(token.Header) != hs512 || !bytes.HasSuffix(token.Claims, []byte(`"}}`)) {
		t.Errorf("appending to a part changed another: %s %s", token.Header, token.Claims)
	}
	copy(token.Header, "changed")
	if other := parse(); string(other.Header) != hs512 {
		t.Errorf("the header of a new token is %s", other.Header)
	}
}

func TestDecodeSecretCopies(t *testing.T) {
	for _, encoding := range []string{"", "utf8", "hex", "base64", "base64url"} {
		text := []byte("abcd")
		secret, err := DecodeSecret(text, encoding)
		if err != nil {
			t.Fatal(err)
		}
		before := string(secret)
		clear(text)
		if string(secret) != before {
			t.Errorf("%q: the secret changed with the text", encoding)
		}
	}
}

// memoryOf returns the memory of the value that pointer points to.
func memoryOf(pointer any) []byte {
	value := reflect.ValueOf(pointer)
	return unsafe.Slice((*byte)(value.UnsafePointer()), value.Type().Elem().Size())
}

// TestHasherForgetsSecret looks for secrets in the memory of a hasher, which is
// pooled.
func TestHasherForgetsSecret(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	for _, algorithm := range algorithms {
		for _, size := range []int{1, 20, 63, 64, 65, 127, 128, 129, 150, 255, 256, 300} {
			secret := make([]byte, size)
			for i := range secret {
				secret[i] = byte(1 + rand.IntN(255))
			}
			for name, use := range map[string]func(*hasher){
				"states": func(h *hasher) { h.states(secret) },
				"mac":    func(h *hasher) { h.mac(secret, []byte(strings.Repeat("text", 10))) },
			} {
				h := &hasher{hash: algorithm.newHash().(restorableHash)}
				use(h)
				memory := append(bytes.Clone(memoryOf(h)), memoryOf(h.hash)...)
				for _, trace := range traces(algorithm.newHash(), secret) {
					if bytes.Contains(memory, trace) {
						t.Errorf("%s, %s, %d bytes: the memory contains a trace of the secret: %x", name, algorithm, size, trace)
					}
				}
				if !bytes.Equal(memoryOf(h.hash), memoryOf(algorithm.newHash())) {
					t.Errorf("%s, %s, %d bytes: the memory of the hash is not that of a new one", name, algorithm, size)
				}
			}
		}
	}
}

// traces returns all sequences of 8 bytes in a secret and in its hash, each also
// xor ipad and xor opad.
func traces(hash hash.Hash, secret []byte) (traces [][]byte) {
	hash.Write(secret)
	for _, text := range [][]byte{secret, hash.Sum(nil)} {
		for _, pad := range []byte{0, ipad[0], opad[0]} {
			for i := 0; i+8 <= len(text); i++ {
				trace := bytes.Clone(text[i : i+8])
				for j := range trace {
					trace[j] ^= pad
				}
				traces = append(traces, trace)
			}
		}
	}
	return traces
}

// TestReleaseResetsHash checks that the states of a Key do not stay in the pool.
func TestReleaseResetsHash(t *testing.T) {
	algorithm := newAlgorithm("HS512", sha512.Size, sha512.New)
	key, h := NewKey(algorithm, []byte("key")), algorithm.hasher()
	fresh := string(h.state())
	h.restore(key.outer)
	algorithm.release(h)
	if string(h.state()) != fresh {
		t.Error("the hash keeps its state")
	}
}

func TestRestorePanics(t *testing.T) {
	h := HS512.hasher()
	defer HS512.release(h)
	defer func() {
		if recover() == nil {
			t.Error("no panic for an invalid state")
		}
	}()
	h.restore([]byte("invalid"))
}
