// Package peers times jwtcore against the other Go libraries that make JSON
// Web Tokens, and against the least that the work can cost.
//
//	go run ./ratios          a table of ratios, all contestants by turns
//	go test -bench .         the usual benchmarks, one contestant after the other
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

// Contest is one piece of work, and those who do it.
type Contest struct {
	Name        string
	Contestants []Contestant
}

// Contestant does the work of a contest once each time that Do is called.
type Contestant struct {
	Name string
	Do   func() error
}

// The names of the two contestants that the others are held against.
const (
	Tokenmint = "tokenmint"
	Limit     = "limit"
)

// Contests returns the two contests, mint and verify:
//
//   - To mint is to sign one set of claims with HS512, with a new id and the
//     time of the moment. Whatever a library can make ready beforehand, the key
//     or the header say, is ready.
//   - To verify is to say whether a token with a golden vector's claims is
//     signed by a key, header and claims decoded and the time claims judged.
//     The key is bytes that were never seen before, as in an inspector.
//
// Each contestant has been through its checks: those who do not do the work
// make it fail.
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

// What no implementation can do without, on one and the same SHA-512. The MAC
// of a token with these claims takes three blocks where the two blocks that
// depend on the key alone are kept ready (RFC 2104 §4): two for header and
// claims and one for the inner hash, with their padding. A key seen for the
// first time adds its own two.
//
// A limit hashes that many blocks in one go, which is less than the two
// hashes that a MAC takes turns between. It encodes nothing and allocates
// nothing.
const (
	blocksOfMint   = 3
	blocksOfVerify = 5

	// shortestPadding is what SHA-512 puts behind a text at least: a byte,
	// and the length in sixteen (FIPS 180-4 §5.1.2).
	shortestPadding = 17
)

var (
	textOfMint   [blocksOfMint*sha512.BlockSize - shortestPadding]byte
	textOfVerify [blocksOfVerify*sha512.BlockSize - shortestPadding]byte
)

// limitOfMint is the hashing, and the id and the time that every token takes.
func limitOfMint() error {
	sum := sha512.Sum512(textOfMint[:])
	now := time.Now()
	id, err := uuid.NewRandom()
	runtime.KeepAlive(sum) // or the compiler could leave out what nobody uses
	runtime.KeepAlive(now)
	runtime.KeepAlive(id)
	return err
}

func limitOfVerify() error {
	sum := sha512.Sum512(textOfVerify[:])
	runtime.KeepAlive(sum)
	return nil
}
