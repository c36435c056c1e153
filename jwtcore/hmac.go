package jwtcore

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"hash"
	"sync"
)

// HMAC, by hand (RFC 2104 §2):
//
//	HMAC(K, text) = H((K xor opad) || H((K xor ipad) || text))
//
// H is the hash function and works on blocks of B bytes. K is the key, hashed
// first if it is longer than B, then padded with zeros to B bytes. ipad is the
// byte 0x36 and opad the byte 0x5c, each repeated B times.
//
// K xor ipad and K xor opad fill a block each, so the state of H after either
// depends on the key alone. A Key keeps these two states instead of the key
// (RFC 2104 §4): a MAC then costs two blocks less, two fifths of those of a
// token. BenchmarkMAC shows the gain.
var (
	ipad = bytes.Repeat([]byte{0x36}, sha512.BlockSize)
	opad = bytes.Repeat([]byte{0x5c}, sha512.BlockSize)
)

// Algorithm is one of the HMAC algorithms of JWS (RFC 7518 §3.2). There are
// exactly three: HS256, HS384 and HS512.
type Algorithm struct {
	name          string
	size          int       // bytes in a MAC
	header        string    // the JOSE header of tokens minted with it
	encodedHeader string    // the first segment of these tokens
	hashers       sync.Pool // of *hasher, with hashes that are reset
}

// The algorithms, named as in the header parameter "alg".
var (
	HS256 = newAlgorithm("HS256", sha256.Size, sha256.New)
	HS384 = newAlgorithm("HS384", sha512.Size384, sha512.New384)
	HS512 = newAlgorithm("HS512", sha512.Size, sha512.New)
)

func newAlgorithm(name string, size int, newHash func() hash.Hash) *Algorithm {
	a := &Algorithm{name: name, size: size, header: `{"typ":"JWT","alg":"` + name + `"}`}
	a.encodedHeader = base64url.EncodeToString([]byte(a.header))
	a.hashers.New = func() any { return &hasher{hash: newHash().(restorableHash)} }
	return a
}

// String returns the name of the algorithm, as "alg" spells it.
func (a *Algorithm) String() string { return a.name }

// restorableHash is a hash whose state can be saved and restored. The hashes of
// crypto/sha256 and crypto/sha512 are documented to be such.
type restorableHash interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// hasher is a hash function with the memory that one token needs.
type hasher struct {
	hash  restorableHash
	key   [sha512.Size]byte      // the hash of a long key
	block [sha512.BlockSize]byte // the key xor a pad
	sum   [sha512.Size]byte      // the inner hash, then the MAC

	// For Mint:
	frame  frame  // of the last token
	claims []byte // the claims from the id on, or from a little before it
}

func (a *Algorithm) hasher() *hasher { return a.hashers.Get().(*hasher) }

// release returns h to the pool. The state of its hash, which is as good as the
// key that it was derived from, is not left behind.
func (a *Algorithm) release(h *hasher) {
	h.hash.Reset()
	a.hashers.Put(h)
}

// Key is an HMAC key, prepared for one algorithm. It does not contain the bytes
// of the key itself. It is immutable, so goroutines can share it.
type Key struct {
	algorithm    *Algorithm
	inner, outer []byte // the states of H after K xor ipad, and after K xor opad
	fingerprint  string
}

// NewKey returns a Key for algorithm and secret, the bytes of the key, which may
// be of any length: an inspector must accept the keys that it is given. For keys
// that sign, RFC 7518 §3.2 requires at least the size of the MAC; package keyfile
// enforces that. NewKey does not keep secret.
func NewKey(algorithm *Algorithm, secret []byte) *Key {
	h := algorithm.hasher()
	defer algorithm.release(h)
	inner, outer := h.states(secret)
	return &Key{algorithm: algorithm, inner: inner, outer: outer, fingerprint: fingerprint(secret)}
}

// states returns the states of H after K xor ipad, and after K xor opad.
func (h *hasher) states(secret []byte) (inner, outer []byte) {
	defer h.forget()
	key := h.fit(secret)
	h.absorb(key, ipad)
	inner = h.state()
	h.absorb(key, opad)
	return inner, h.state()
}

// matches reports whether mac is HMAC(key, text).
func (k *Key) matches(mac, text []byte) bool {
	h := k.algorithm.hasher()
	defer k.algorithm.release(h)
	return equalMAC(h.appendMAC(h.sum[:0], k, text), mac)
}

// appendMAC appends HMAC(k, text) to dst.
func (h *hasher) appendMAC(dst []byte, k *Key, text []byte) []byte {
	h.restore(k.inner)
	h.hash.Write(text)
	innerSum := h.hash.Sum(h.sum[:0])
	h.restore(k.outer)
	h.hash.Write(innerSum)
	return h.hash.Sum(dst)
}

// matches reports whether mac is HMAC(secret, text).
func (a *Algorithm) matches(mac, secret, text []byte) bool {
	h := a.hasher()
	defer a.release(h)
	return equalMAC(h.mac(secret, text), mac)
}

// mac returns HMAC(secret, text), which is valid until h is used again. It is for a
// secret that is used once: saving its two states would cost more than it gains.
func (h *hasher) mac(secret, text []byte) []byte {
	defer h.forget()
	key := h.fit(secret)
	h.absorb(key, ipad)
	h.hash.Write(text)
	innerSum := h.hash.Sum(h.sum[:0])
	h.absorb(key, opad)
	h.hash.Write(innerSum)
	return h.hash.Sum(h.sum[:0])
}

// fit returns the key K of the formula without its padding: secret, or its hash
// if it is longer than a block.
func (h *hasher) fit(secret []byte) []byte {
	if len(secret) <= h.hash.BlockSize() {
		return secret
	}
	h.hash.Write(secret)
	return h.hash.Sum(h.key[:0])
}

// absorb starts the hash with the block K xor pad.
func (h *hasher) absorb(key, pad []byte) {
	block := h.block[:h.hash.BlockSize()]
	clear(block[copy(block, key):])
	subtle.XORBytes(block, block, pad)
	h.hash.Reset()
	h.hash.Write(block)
}

// forget overwrites what h holds of a secret. The hash keeps the end of what was
// written to it in a buffer of one block, which Reset leaves as it is; the last
// byte of that buffer is never used.
func (h *hasher) forget() {
	clear(h.key[:])
	clear(h.block[:])
	h.hash.Reset()
	h.hash.Write(h.block[:h.hash.BlockSize()-1])
	h.hash.Reset()
}

func (h *hasher) state() []byte {
	state, err := h.hash.AppendBinary(nil)
	if err != nil {
		panic("jwtcore: cannot save the state of the hash: " + err.Error())
	}
	return state
}

func (h *hasher) restore(state []byte) {
	if err := h.hash.UnmarshalBinary(state); err != nil {
		panic("jwtcore: cannot restore the state of the hash: " + err.Error())
	}
}

// equalMAC reports whether two MACs are equal, in a time that depends on nothing
// but their lengths. The lengths may differ, and are not secret: the algorithm
// determines one, and the sender of the token knows the other.
func equalMAC(a, b []byte) bool {
	return subtle.ConstantTimeCompare(a, b) == 1
}
