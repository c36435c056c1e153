// Package peers compares the speed of jwtcore with that of other Go libraries for
// JSON Web Tokens, and with the least that the work can cost.
//
//	go run ./ratios          a table of ratios, the contestants taking turns
//	go test -bench .         ordinary benchmarks, one contestant after the other
//
// It is a module of its own, so that the service depends on none of them.
package peers

import (
	"crypto/sha512"
	"fmt"
	"runtime"
	"time"

	"github.com/google/uuid"
)

// Contest is a piece of work and its contestants.
type Contest struct {
	Name        string
	Contestants []Contestant
}

// Contestant does the work of a contest once for each call of Do.
type Contestant struct {
	Name string
	Do   func() error
}

// The names of the two contestants that the others are compared with.
const (
	Tokenmint = "tokenmint"
	Limit     = "limit"
)

// Contests returns the two contests, mint and verify:
//
//   - To mint is to sign claims with HS512, with a new id and the current time.
//     What a library can prepare beforehand, such as the key or the header, is
//     prepared.
//   - To verify is to check the signature of a token under a key, decode header
//     and claims, and judge the time claims. The key is not prepared: an
//     inspector has never seen it before.
//
// Contests fails if a contestant does not do all of the work.
func Contests() ([]Contest, error) {
	mint := Contest{"mint", []Contestant{{Limit, limitOfMint}}}
	verify := Contest{"verify", []Contestant{{Limit, limitOfVerify}}}
	for _, library := range libraries {
		sign, err := library.newMinter(publishedKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", library.name, err)
		}
		if err := checkMint(sign); err != nil {
			return nil, fmt.Errorf("%s: mint: %w", library.name, err)
		}
		verifies := library.newVerifier(goldenTime)
		if err := checkVerify(verifies); err != nil {
			return nil, fmt.Errorf("%s: verify: %w", library.name, err)
		}
		mint.Contestants = append(mint.Contestants, Contestant{library.name, func() error {
			_, err := sign()
			return err
		}})
		verify.Contestants = append(verify.Contestants, Contestant{library.name, func() error {
			return verifies(golden, publishedKey)
		}})
	}
	return []Contest{mint, verify}, nil
}

// The work that no implementation can avoid, on the same SHA-512. The MAC of a
// token with these claims takes three blocks if the two blocks that depend only on
// the key are prepared (RFC 2104 §4): two for header and claims and one for the
// inner hash, padding included. A key seen for the first time adds its own two.
//
// A limit hashes that many blocks in one go, which costs less than the two hashes
// of a MAC. It encodes nothing and allocates nothing.
const (
	blocksOfMint   = 3
	blocksOfVerify = 5

	// shortestPadding is the least that SHA-512 appends to a message: one byte,
	// and sixteen for the length (FIPS 180-4 §5.1.2).
	shortestPadding = 17
)

var (
	textOfMint   [blocksOfMint*sha512.BlockSize - shortestPadding]byte
	textOfVerify [blocksOfVerify*sha512.BlockSize - shortestPadding]byte
)

// limitOfMint hashes, and gets the id and the time that every token needs.
func limitOfMint() error {
	sum := sha512.Sum512(textOfMint[:])
	now := time.Now()
	id, err := uuid.NewRandom()
	runtime.KeepAlive(sum) // keeps the compiler from dropping unused results
	runtime.KeepAlive(now)
	runtime.KeepAlive(id)
	return err
}

func limitOfVerify() error {
	sum := sha512.Sum512(textOfVerify[:])
	runtime.KeepAlive(sum)
	return nil
}
