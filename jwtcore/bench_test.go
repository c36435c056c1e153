package jwtcore

import (
	"crypto/sha512"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The limits are what no minter and no inspector of such a token can do
// without: the blocks of SHA-512, and for a new token a UUID and the clock.
//
// The inner hash of the MAC over a token of the golden vectors' size takes two
// blocks once the key's pads are absorbed, the outer hash one. A key seen for
// the first time adds a block for each of its pads.
const (
	mintBlocks   = 3
	verifyBlocks = 5
)

// hashBlocks runs SHA-512 over n blocks. The padding fills the last of them.
func hashBlocks(text *[verifyBlocks * sha512.BlockSize]byte, n int) [sha512.Size]byte {
	return sha512.Sum512(text[:n*sha512.BlockSize-17])
}

func init() { uuid.EnableRandPool() } // as the service does

// mintLimit does what no minting can do without.
func mintLimit(text *[verifyBlocks * sha512.BlockSize]byte) {
	id, _ := uuid.NewRandom()
	copy(text[:], id[:])
	text[len(id)] = byte(time.Now().Unix())
	hashBlocks(text, mintBlocks)
}

func BenchmarkMintLimit(b *testing.B) {
	var text [verifyBlocks * sha512.BlockSize]byte
	for b.Loop() {
		mintLimit(&text)
	}
}

func BenchmarkMint(b *testing.B) {
	key, data := NewKey(HS512, []byte(publishedKey)), []byte(`"this is test"`)
	b.ReportAllocs()
	for b.Loop() {
		id, err := uuid.NewRandom()
		if err != nil {
			b.Fatal(err)
		}
		key.Mint(nil, Claims{IssuedAt: time.Now(), ID: id, Data: data})
	}
}

func BenchmarkVerifyLimit(b *testing.B) {
	var text [verifyBlocks * sha512.BlockSize]byte
	for b.Loop() {
		hashBlocks(&text, verifyBlocks)
	}
}

func BenchmarkVerify(b *testing.B) {
	text, secret := []byte(golden[0].token), []byte(publishedKey)
	b.ReportAllocs()
	for b.Loop() {
		token, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if err := token.Verify(secret); err != nil {
			b.Fatal(err)
		}
	}
}
