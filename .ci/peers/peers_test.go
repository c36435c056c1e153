package peers

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestContests runs the checks of every library.
func TestContests(t *testing.T) {
	contests, err := Contests()
	if err != nil {
		t.Fatal(err)
	}
	for _, contest := range contests {
		for _, contestant := range contest.Contestants {
			if err := contestant.Do(); err != nil {
				t.Errorf("%s: %s: %v", contest.Name, contestant.Name, err)
			}
		}
	}
}

// TestChecksFail runs the checks on minters and verifiers that leave out a part of
// the work.
func TestChecksFail(t *testing.T) {
	proper, err := newTokenmintMinter(publishedKey)
	if err != nil {
		t.Fatal(err)
	}
	once, err := proper()
	if err != nil {
		t.Fatal(err)
	}
	otherKeyed, err := newTokenmintMinter(otherKey)
	if err != nil {
		t.Fatal(err)
	}
	minters := map[string]mintFunc{
		"the same jti":         func() (token, error) { return once, nil },
		"not the current time": func() (token, error) { return golden, nil },
		"does not match":       func() (token, error) { return token{bytes: changed(once.bytes)}, nil },
		"another key":          otherKeyed,
		"the header is":        func() (token, error) { return signed(`{"alg":"HS512"}`, `{}`), nil },
		"unknown field":        func() (token, error) { return signed(goldenHeader, `{"sub":"x"}`), nil },
		"failed":               func() (token, error) { return token{}, errors.New("failed") },
	}
	for want, mint := range minters {
		if err := checkMint(mint); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	verifiers := map[string]verifyFunc{
		"another key":       func(token, []byte) error { return nil },
		"the golden vector": func(token, []byte) error { return errors.New("refused") },
		"an expired token":  newTokenmintVerifier(goldenTime.Add(-24 * time.Hour)),
	}
	for want, verify := range verifiers {
		if err := checkVerify(verify); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// changed returns text with its first signature character replaced.
func changed(text []byte) []byte {
	text = bytes.Clone(text)
	first := &text[bytes.LastIndexByte(text, '.')+1]
	if *first == 'A' {
		*first = 'B'
	} else {
		*first = 'A'
	}
	return text
}

// TestBlocks counts the blocks of SHA-512 in the MAC of the golden vector: the
// limits must hash as many.
func TestBlocks(t *testing.T) {
	blocks := func(size int) int { return (size + shortestPadding + sha512.BlockSize - 1) / sha512.BlockSize }
	if len(publishedKey) > sha512.BlockSize {
		t.Error("the key is longer than a block, and must be hashed first")
	}
	keyed := blocks(sha512.BlockSize+len(withoutSignature(golden))-1) - 1 + blocks(sha512.BlockSize+sha512.Size) - 1
	if keyed != blocksOfMint || keyed+2 != blocksOfVerify {
		t.Errorf("the MAC takes %d blocks after the key's two", keyed)
	}
	if blocks(len(textOfMint)) != blocksOfMint || blocks(len(textOfMint)+1) != blocksOfMint+1 {
		t.Errorf("%d bytes do not fill the blocks of mint", len(textOfMint))
	}
	if blocks(len(textOfVerify)) != blocksOfVerify || blocks(len(textOfVerify)+1) != blocksOfVerify+1 {
		t.Errorf("%d bytes do not fill the blocks of verify", len(textOfVerify))
	}
}

func BenchmarkMint(b *testing.B)   { benchmark(b, "mint") }
func BenchmarkVerify(b *testing.B) { benchmark(b, "verify") }

func benchmark(b *testing.B, name string) {
	contests, err := Contests()
	if err != nil {
		b.Fatal(err)
	}
	for _, contest := range contests {
		if contest.Name != name {
			continue
		}
		for _, contestant := range contest.Contestants {
			b.Run(contestant.Name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := contestant.Do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
