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
// first where it is longer than B, then padded with zeros to B bytes. ipad is
// the byte 0x36 and opad the byte 0x5c, each repeated B times.
//
// K xor ipad and K xor opad fill a block each, so the state of H after either
// depends on the key alone. A Key keeps those two states instead of the key
// (RFC 2104 §4): a MAC then costs two blocks less.
var (
	ipad = bytes.Repeat([]byte{0x36}, sha512.BlockSize)
	opad = bytes.Repeat([]byte{0x5c}, sha512.BlockSize)
)

// Algorithm is one of the HMAC algorithms of JWS (RFC 7518 §3.2). There are
// exactly three: HS256, HS384 and HS512.
type Algorithm struct {
	name    string
	size    int       // bytes in a MAC
	hashers sync.Pool // of *hasher
}

// The algorithms that this package knows, by the names that the header
// parameter "alg" gives them.
var (
	HS256 = newAlgorithm("HS256", sha256.Size, sha256.New)
	HS384 = newAlgorithm("HS384", sha512.Size384, sha512.New384)
	HS512 = newAlgorithm("HS512", sha512.Size, sha512.New)
)

// restorableHash is what crypto/sha256 and crypto/sha512 document of their
// hashes: the state can be taken out and put back.
type restorableHash interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// hasher is a hash function with the space that one token needs.
type hasher struct {
	hash  restorableHash
	key   [sha512.Size]byte      // a long key's hash
	block [sha512.BlockSize]byte // the key xor a pad
	sum   [sha512.Size]byte      // the inner hash, then the MAC

	// For minting:
	frame  frame  // that of the last token
	claims []byte // the claims from the id on, or a little before it
}

func newAlgorithm(name string, size int, newHash func() hash.Hash) *Algorithm {
	return &Algorithm{
		name: name,
		size: size,
		hashers: sync.Pool{New: func() any {
			return &hasher{hash: newHash().(restorableHash)}
		}},
	}
}

// String returns the algorithm's name, as "alg" spells it.
func (a *Algorithm) String() string { return a.name }

// Key is an HMAC key made ready for one algorithm. It holds no bytes of the
// key itself. It does not change, so any number of goroutines may share it.
type Key struct {
	algorithm    *Algorithm
	inner, outer []byte // H after the block K xor ipad, and after K xor opad
}

// NewKey makes secret ready for algorithm. Secret may have any length and any
// bytes, and is not kept: a minimum length is ParseKeys' business, since an
// inspector has to take the keys that it meets.
func NewKey(algorithm *Algorithm, secret []byte) *Key {
	h := algorithm.hashers.Get().(*hasher)
	defer algorithm.hashers.Put(h)

	secret = h.fit(secret)
	h.absorb(secret, ipad)
	inner := h.state()
	h.absorb(secret, opad)
	return &Key{algorithm: algorithm, inner: inner, outer: h.state()}
}

// appendMAC appends HMAC(key, text) to dst.
func (k *Key) appendMAC(dst, text []byte) []byte {
	h := k.algorithm.hashers.Get().(*hasher)
	dst = h.appendMAC(dst, k, text)
	k.algorithm.hashers.Put(h)
	return dst
}

// matches reports whether mac is HMAC(key, text).
func (k *Key) matches(mac, text []byte) bool {
	h := k.algorithm.hashers.Get().(*hasher)
	equal := equalMAC(h.appendMAC(h.sum[:0], k, text), mac)
	k.algorithm.hashers.Put(h)
	return equal
}

func (h *hasher) appendMAC(dst []byte, k *Key, text []byte) []byte {
	h.restore(k.inner)
	h.hash.Write(text)
	innerSum := h.hash.Sum(h.sum[:0])
	h.restore(k.outer)
	h.hash.Write(innerSum)
	return h.hash.Sum(dst)
}

// matches reports whether mac is HMAC(secret, text). It is for a secret that is
// used once: keeping its two states would cost more than they save.
func (a *Algorithm) matches(mac, secret, text []byte) bool {
	h := a.hashers.Get().(*hasher)
	defer a.hashers.Put(h)

	secret = h.fit(secret)
	h.absorb(secret, ipad)
	h.hash.Write(text)
	innerSum := h.hash.Sum(h.sum[:0])
	h.absorb(secret, opad)
	h.hash.Write(innerSum)
	return equalMAC(h.hash.Sum(h.sum[:0]), mac)
}

// fit returns the key K of the formula without its padding: secret, or its
// hash where it is longer than a block.
func (h *hasher) fit(secret []byte) []byte {
	if len(secret) <= h.hash.BlockSize() {
		return secret
	}
	h.hash.Reset()
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

func (h *hasher) state() []byte {
	state, err := h.hash.AppendBinary(nil)
	if err != nil {
		panic("jwtcore: the hash does not give its state: " + err.Error())
	}
	return state
}

func (h *hasher) restore(state []byte) {
	if err := h.hash.UnmarshalBinary(state); err != nil {
		panic("jwtcore: the hash does not take its own state back: " + err.Error())
	}
}

// equalMAC reports whether two MACs are the same, in a time that depends on
// nothing but their lengths. Lengths may differ, and are no secret: the
// algorithm fixes the one, and who sent the token knows the other.
func equalMAC(a, b []byte) bool {
	return subtle.ConstantTimeCompare(a, b) == 1
}
