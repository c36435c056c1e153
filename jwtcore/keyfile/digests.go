package keyfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A digest represents an id of any length. It is the first 128 bits of its SHA-256:
// to find another id with the same digest takes about 2^128 tries.
type digest [16]byte

func newDigest(id []byte) digest {
	sum := sha256.Sum256(id)
	return digest(sum[:])
}

func (d digest) compare(other digest) int { return bytes.Compare(d[:], other[:]) }

// prefix returns the first 16 bits of d.
func (d digest) prefix() int { return int(binary.BigEndian.Uint16(d[:])) }

// digests is a set of digests in a sorted array, which takes the least memory, with an
// index over their prefixes. Of a million digests, about 15 have the same prefix, and a
// search among these seldom waits for memory. It takes less than half the time of a search
// in the whole array, which is 0.2 µs instead of 0.5 µs:
//
//	go test ./jwtcore/keyfile -run '^$' -bench Contain
type digests struct {
	sorted []digest
	starts [1<<16 + 1]uint32 // by prefix: the number of digests with a lower one
}

// newDigests returns the set of all, which it keeps and changes.
func newDigests(all []digest) *digests {
	slices.SortFunc(all, digest.compare)
	set := &digests{sorted: slices.Compact(all)}
	for _, d := range set.sorted {
		set.starts[d.prefix()+1]++
	}
	for prefix := range set.starts[1:] {
		set.starts[prefix+1] += set.starts[prefix]
	}
	return set
}

// contain reports whether d is in the set.
func (s *digests) contain(d digest) bool {
	prefix := d.prefix()
	_, found := slices.BinarySearchFunc(s.sorted[s.starts[prefix]:s.starts[prefix+1]], d, digest.compare)
	return found
}

// with returns the union of two sets. It counts first, as parseRevoked does.
func (s *digests) with(other *digests) *digests {
	missing := 0
	for _, d := range other.sorted {
		if !s.contain(d) {
			missing++
		}
	}
	if missing == 0 {
		return s
	}
	union := append(make([]digest, 0, s.len()+missing), s.sorted...)
	for _, d := range other.sorted {
		if !s.contain(d) {
			union = append(union, d)
		}
	}
	return newDigests(union)
}

func (s *digests) len() int { return len(s.sorted) }
