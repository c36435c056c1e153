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
			run, limit := time.Hour, time.Hour
			for b.Loop() {
				run, limit = min(run, timeOf(contender.run)), min(limit, timeOf(contender.limit))
			}
			b.ReportMetric(0, "ns/op") // which is not that of one call
			b.ReportMetric(float64(run)/float64(limit), "times-limit")
		})
	}
}

// timeOf returns the time of a few calls. They take microseconds, so that the
// shortest of many such times is free from what else the machine does.
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

// BenchmarkTwoCores reports how many times the work of one core two cores do in the
// same time, garbage collection included. The limit shows what the machine allows.
func BenchmarkTwoCores(b *testing.B) {
	for name := range contenders() {
		for what, newRun := range map[string]func() func(){
			name:           func() func() { return contenders()[name].run },
			name + "Limit": func() func() { return contenders()[name].limit },
		} {
			b.Run(what, func(b *testing.B) {
				var one, two float64
				for b.Loop() {
					one, two = max(one, callsPerSecond(1, newRun)), max(two, callsPerSecond(2, newRun))
				}
				b.ReportMetric(0, "ns/op") // which is not that of one call
				b.ReportMetric(two/one, "times-one-core")
			})
		}
	}
}

// callsPerSecond makes a function for each of that many cores, and calls all of them
// at the same time.
func callsPerSecond(cores int, newRun func() func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	const each = 50_000
	began := time.Now()
	var wait sync.WaitGroup
	for range cores {
		wait.Go(func() {
			run := newRun()
			for range each {
				run()
			}
		})
	}
	wait.Wait()
	return float64(cores*each) / time.Since(began).Seconds()
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
