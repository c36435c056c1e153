//go:build !race

package jwtcore

import (
	"runtime/debug"
	"testing"
)

// TestAllocations counts exactly. It is not built with the race detector, which
// makes pools drop what they hold.
func TestAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	key, text, secret := NewKey(HS512, []byte(publishedKey)), golden[0].token, []byte(publishedKey)
	claims := claimsOf(t, golden[0].issuedAt, golden[0].id, golden[0].data)
	space := make([]byte, 0, 1000)
	tests := []struct {
		name string
		want float64
		run  func()
	}{
		{"Mint", 1, func() { key.Mint(nil, claims) }},
		{"Mint into a buffer", 0, func() { key.Mint(space, claims) }},
		{"Parse", 4, func() { Parse(text) }}, // the two first segments, and each of the three decoded
		{"Parse and Verify", 4, func() {
			token, _ := Parse(text)
			token.Verify(secret)
		}},
	}
	for _, test := range tests {
		if got := testing.AllocsPerRun(100, test.run); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}
