//go:build !race

package jwtcore

import (
	"crypto/sha512"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestAllocations counts exactly. It is not built with the race detector, under
// which pools drop some of what they hold.
func TestAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	key, text, secret := NewKey(HS512, []byte(publishedKey)), golden[0].token, []byte(publishedKey)
	claims := claimsOf(t, golden[0].issuedAt, golden[0].id, golden[0].data)
	withAdditional := Claims{IssuedAt: claims.IssuedAt, Additional: jsontext.Value(`{"sub":"x"}`)}
	space := make([]byte, 0, 1000)
	token, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	keys, now, longSecret := []*Key{key}, claims.IssuedAt, make([]byte, 200)
	tests := []struct {
		name string
		want float64
		run  func()
	}{
		{"Mint", 1, func() { key.Mint(nil, claims) }},
		{"Mint with other claims", 1, func() { key.Mint(nil, withAdditional) }},
		{"Mint into a buffer", 0, func() { key.Mint(space, claims) }},
		{"Parse", 2, func() { Parse(text) }}, // the header, and all other parts
		{"Verify", 0, func() { token.Verify(secret) }},
		{"matches with a key longer than a block", 0, func() { HS512.matches(token.signature, longSecret, token.signingInput) }},
		{"Validate", 0, func() { token.Validate(keys, now, 0) }},
	}
	for _, test := range tests {
		if got := testing.AllocsPerRun(100, test.run); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}

// TestHasherIsReleased checks that each function that takes a hasher from the pool
// returns it.
func TestHasherIsReleased(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // a pool keeps one list per processor
	algorithm := newAlgorithm("HS512", sha512.Size, sha512.New)
	key, mac := NewKey(algorithm, nil), make([]byte, sha512.Size)
	h := algorithm.hasher()
	algorithm.release(h)
	for name, use := range map[string]func(){
		"NewKey":            func() { NewKey(algorithm, nil) },
		"Mint":              func() { key.Mint(nil, Claims{}) },
		"appendSignature":   func() { algorithm.appendSignature(nil, 0, nil) },
		"Key.matches":       func() { key.matches(mac, nil) },
		"Algorithm.matches": func() { algorithm.matches(mac, nil, nil) },
	} {
		use()
		again := algorithm.hasher()
		if again != h {
			t.Errorf("%s does not release its hasher", name)
		}
		algorithm.release(again)
		h = again
	}
}
