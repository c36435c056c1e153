package jwtcore

import (
	"crypto/sha512"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A limit is the work that minting or verifying a token cannot avoid: the blocks of
// SHA-512 and, for a new token, a UUID and a reading of the clock.
//
// The inner hash of the MAC over a token of the golden vectors' size takes two
// blocks once the key's pads are absorbed, and the outer hash takes one. A key
// that is seen for the first time adds a block for each of its pads.
const (
	mintBlocks   = 3
	verifyBlocks = 5
)

// hashBlocks runs SHA-512 over n blocks, the last of which the padding fills.
func hashBlocks(text *[verifyBlocks * sha512.BlockSize]byte, n int) [sha512.Size]byte {
	return sha512.Sum512(text[:n*sha512.BlockSize-17])
}

// contenders returns functions to measure, each with a function that does only the
// work of its limit.
func contenders() map[string]struct{ run, limit func() } {
	key, secret := NewKey(HS512, []byte(publishedKey)), []byte(publishedKey)
	text, data := golden[0].token, []byte(golden[0].data)
	var blocks [verifyBlocks * sha512.BlockSize]byte
	return map[string]struct{ run, limit func() }{
		"Mint": {
			func() {
				id, _ := uuid.NewRandom()
				key.Mint(nil, Claims{IssuedAt: time.Now(), ID: id, Data: data})
			},
			func() {
				id, _ := uuid.NewRandom()
				copy(blocks[:], id[:])
				blocks[len(id)] = byte(time.Now().Unix())
				hashBlocks(&blocks, mintBlocks)
			},
		},
		"Verify": {
			func() {
				token, _ := Parse(text)
				token.Verify(secret)
			},
			func() { hashBlocks(&blocks, verifyBlocks) },
		},
	}
}

// BenchmarkLimit reports the time of a function as a multiple of its limit.
func BenchmarkLimit(b *testing.B) {
	for name, contender := range contenders() {
		b.Run(name, func(b *testing.B) {
			var run, limit time.Duration
			for b.Loop() {
				run, limit = fastest(contender.run, contender.limit)
			}
			b.ReportMetric(0, "ns/op") // the time of the search for the fastest
			b.ReportMetric(float64(run)/float64(limit), "times-limit")
		})
	}
}

// fastest runs two functions in turns, for a few microseconds at a time, and
// returns the shortest time of each. Other work on the machine can only make a
// time longer.
func fastest(first, second func()) (shortest, shortestSecond time.Duration) {
	shortest, shortestSecond = time.Hour, time.Hour
	for range 1000 {
		shortest = min(shortest, timeOf(first))
		shortestSecond = min(shortestSecond, timeOf(second))
	}
	return shortest, shortestSecond
}

func timeOf(run func()) time.Duration {
	began := time.Now()
	for range 10 {
		run()
	}
	return time.Since(began)
}

// BenchmarkMint includes a new id and a reading of the clock.
func BenchmarkMint(b *testing.B) {
	mint := contenders()["Mint"].run
	b.ReportAllocs()
	for b.Loop() {
		mint()
	}
}

// BenchmarkVerify verifies with a key that is seen for the first time.
func BenchmarkVerify(b *testing.B) {
	verify := contenders()["Verify"].run
	b.ReportAllocs()
	for b.Loop() {
		verify()
	}
}

// BenchmarkTwoCores reports how many times as many tokens two goroutines mint as
// one does in the same time.
func BenchmarkTwoCores(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Fatal("this benchmark needs two cores")
	}
	tokens := func(goroutines int) float64 { // per second
		const each = 50_000
		mint := func() {
			minter := contenders()["Mint"].run
			for range each {
				minter()
			}
		}
		began := time.Now()
		var wait sync.WaitGroup
		for range goroutines {
			wait.Go(mint)
		}
		wait.Wait()
		return float64(goroutines*each) / time.Since(began).Seconds()
	}
	var one, two float64
	for b.Loop() {
		one, two = max(one, tokens(1)), max(two, tokens(2))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(two/one, "times-one-core")
}

// BenchmarkMAC compares a Key, which keeps its two states, with a secret that is
// used once.
func BenchmarkMAC(b *testing.B) {
	secret, text := []byte(publishedKey), []byte(golden[0].token[:205])
	key, mac := NewKey(HS512, secret), make([]byte, HS512.size)
	b.Run("SavedStates", func(b *testing.B) {
		for b.Loop() {
			key.matches(mac, text)
		}
	})
	b.Run("Secret", func(b *testing.B) {
		for b.Loop() {
			HS512.matches(mac, secret, text)
		}
	})
}
