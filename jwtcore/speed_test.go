//go:build !race

package jwtcore

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"runtime/debug"
	"strings"
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

// TestSpeed holds what minting and verifying take beyond their limits against what
// the same takes beyond them with the standard library. How fast the processor
// hashes is in none of that. The margin is wide: the test is there to catch what
// makes them slow, not to measure. -v prints the ratios to the limits.
func TestSpeed(t *testing.T) {
	key, text, secret := NewKey(HS512, []byte(publishedKey)), []byte(golden[0].token), []byte(publishedKey)
	data := []byte(golden[0].data)
	var blocks [verifyBlocks * sha512.BlockSize]byte
	tests := []struct {
		name               string
		run, limit, stdlib func()
		least              float64 // how many times as much stdlib takes beyond the limit
	}{
		{
			"minting",
			func() {
				id, _ := uuid.NewRandom()
				key.Mint(nil, Claims{IssuedAt: time.Now(), ID: id, Data: data})
			},
			func() { mintLimit(&blocks) },
			func() { stdlibMint(secret, data) },
			10,
		},
		{
			"parsing and verifying",
			func() {
				token, _ := Parse(text)
				token.Verify(secret)
			},
			func() { hashBlocks(&blocks, verifyBlocks) },
			func() { stdlibVerify(golden[0].token, secret) },
			5,
		},
	}
	for _, test := range tests {
		times := 0.0
		for try := 0; try < 10 && times < test.least; try++ {
			took := fastest(test.run, test.limit, test.stdlib)
			run, limit, stdlib := took[0].Seconds(), took[1].Seconds(), took[2].Seconds()
			times = (stdlib - limit) / max(run-limit, limit/100)
			t.Logf("%s takes %.2f times its limit; the standard library takes %.1f times as much beyond it", test.name, run/limit, times)
		}
		if times < test.least {
			t.Errorf("%s: beyond the limit the standard library takes %.1f times as much, want at least %.0f", test.name, times, test.least)
		}
	}
}

func stdlibMint(secret, data []byte) string {
	now := time.Now()
	claims, _ := json.Marshal(map[string]any{
		"iat":     now.Unix(),
		"jti":     strings.ReplaceAll(uuid.NewString(), "-", ""),
		"payload": map[string]any{"data": json.RawMessage(data), "date": now.UTC().Format(time.DateOnly)},
	})
	input := encodedHeader + "." + base64.RawURLEncoding.EncodeToString(claims)
	mac := hmac.New(sha512.New, secret)
	io.WriteString(mac, input)
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func stdlibVerify(text string, secret []byte) bool {
	segments := strings.Split(text, ".")
	for _, segment := range segments[:2] {
		decoded, _ := base64.RawURLEncoding.DecodeString(segment)
		var object map[string]any
		json.Unmarshal(decoded, &object)
	}
	signature, _ := base64.RawURLEncoding.DecodeString(segments[2])
	mac := hmac.New(sha512.New, secret)
	io.WriteString(mac, segments[0]+"."+segments[1])
	return hmac.Equal(mac.Sum(nil), signature)
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
