//go:build !race

package jwtcore

import (
	"crypto/sha512"
	"math"
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestAllocations counts exactly. The race detector makes pools forgetful, so
// it is not built with it.
func TestAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	key, text, secret := NewKey(HS512, []byte(publishedKey)), []byte(golden[0].token), []byte(publishedKey)
	claims := claimsOf(t, golden[0].issuedAt, golden[0].id, golden[0].data)
	space := make([]byte, 0, 1000)
	object := []byte(`{"a":{"b":[1,2]},"c":"d"}`)
	tests := []struct {
		name string
		want float64
		run  func()
	}{
		{"Mint", 1, func() { key.Mint(nil, claims) }},
		{"Mint into a buffer", 0, func() { key.Mint(space, claims) }},
		{"Parse", 1, func() { Parse(text) }},
		{"Parse and Verify", 1, func() {
			token, _ := Parse(text)
			token.Verify(secret)
		}},
		{"Parse and Validate", 1, func() {
			token, _ := Parse(text)
			token.Validate([]*Key{key}, claims.IssuedAt)
		}},
		{"ReadObject", 0, func() { ReadObject(object, func(Member) error { return nil }) }},
	}
	for _, test := range tests {
		if got := testing.AllocsPerRun(100, test.run); got != test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, got, test.want)
		}
	}
}

// TestSpeed holds minting and verifying against their limits, with a margin
// over the figures in the README: it is there to catch what makes them slow,
// not to measure. -v prints the ratios.
func TestSpeed(t *testing.T) {
	key, text, secret := NewKey(HS512, []byte(publishedKey)), []byte(golden[0].token), []byte(publishedKey)
	data := []byte(golden[0].data)
	var blocks [verifyBlocks * sha512.BlockSize]byte
	limits := []struct {
		name  string
		limit func()
		run   func()
		most  float64
	}{
		{"minting", func() { mintLimit(&blocks) }, func() {
			id, _ := uuid.NewRandom()
			key.Mint(nil, Claims{IssuedAt: time.Now(), ID: id, Data: data})
		}, 1.6},
		{"parsing and verifying", func() { hashBlocks(&blocks, verifyBlocks) }, func() {
			token, _ := Parse(text)
			token.Verify(secret)
		}, 2.1},
	}
	for _, test := range limits {
		ratio := math.Inf(1)
		for try := 0; try < 10 && ratio > test.most; try++ {
			times := fastest(test.limit, test.run)
			ratio = times[1].Seconds() / times[0].Seconds()
		}
		t.Logf("%s takes %.2f times its limit", test.name, ratio)
		if ratio > test.most {
			t.Errorf("%s takes %.2f times its limit, want at most %.2f", test.name, ratio, test.most)
		}
	}
}

// fastest runs each function by turns, for a few microseconds at a time, and
// returns the shortest time that each took: what else the machine does can
// only add to it.
func fastest(functions ...func()) []time.Duration {
	times := make([]time.Duration, len(functions))
	for round := range 3000 {
		for i, run := range functions {
			began := time.Now()
			for range 10 {
				run()
			}
			if took := time.Since(began); round == 0 || took < times[i] {
				times[i] = took
			}
		}
	}
	return times
}
