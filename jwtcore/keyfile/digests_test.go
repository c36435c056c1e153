package keyfile

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomDigests returns n digests. Many of them are the same, have the same prefix, or
// the first or last prefix there is.
func randomDigests(random *rand.Rand, n int) []digest {
	all := make([]digest, n)
	for i := range all {
		binary.BigEndian.PutUint16(all[i][:], []uint16{0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, uint16(random.Uint32())}[random.IntN(7)])
		all[i][2], all[i][15] = byte(random.IntN(3)), byte(random.IntN(3))
	}
	return all
}

// TestDigests compares sets and their unions with maps.
func TestDigests(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		var sets [2]*digests
		var oracles [2]map[digest]bool
		for i := range sets {
			all := randomDigests(random, random.IntN(200)*(round%3))
			oracles[i] = map[digest]bool{}
			for _, d := range all {
				oracles[i][d] = true
			}
			sets[i] = newDigests(all)
			checkDigests(t, random, sets[i], oracles[i])
		}
		union := maps.Clone(oracles[0])
		maps.Copy(union, oracles[1])
		checkDigests(t, random, sets[0].with(sets[1]), union)
		for i := range sets { // are as they were
			checkDigests(t, random, sets[i], oracles[i])
		}
	}
}

func checkDigests(t *testing.T, random *rand.Rand, set *digests, oracle map[digest]bool) {
	t.Helper()
	if set.len() != len(oracle) {
		t.Fatalf("%d digests, want %d", set.len(), len(oracle))
	}
	for _, d := range slices.AppendSeq(randomDigests(random, 100), maps.Keys(oracle)) {
		if set.contain(d) != oracle[d] {
			t.Fatalf("contain(%x) is %t", d, !oracle[d])
		}
	}
}

// TestDigest has a value from
//
//	printf 0e5cdc4bc96a19d7fdb331ec8113dad0 | sha256sum
func TestDigest(t *testing.T) {
	if got := fmt.Sprintf("%x", newDigest([]byte("0e5cdc4bc96a19d7fdb331ec8113dad0"))); got != "2e3760f1ce3101ef0af6631010cb71d6" {
		t.Error(got)
	}
}

// BenchmarkContain looks for a million digests, half of which are in a set of a million,
// in the set and in its array as a whole.
func BenchmarkContain(b *testing.B) {
	const count = 1_000_000
	all := make([]digest, 2*count)
	for i := range all {
		all[i] = newDigest(fmt.Appendf(nil, "%032x", i))
	}
	set := newDigests(slices.Clone(all[:count]))
	lookedFor := all[count/2 : count/2*3]
	b.Run("index", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			set.contain(lookedFor[i%count])
		}
	})
	b.Run("plain", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, _ = slices.BinarySearchFunc(set.sorted, lookedFor[i%count], digest.compare)
		}
	})
}
