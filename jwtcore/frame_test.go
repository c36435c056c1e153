package jwtcore

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFrame prepares one frame again and again, for times that go forwards and
// backwards, in several time zones, with lifetimes of different lengths.
func TestFrame(t *testing.T) {
	midnight := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	east, west := time.FixedZone("east", 14*60*60), time.FixedZone("west", -12*60*60)
	var f frame
	for _, at := range []time.Time{
		time.Unix(0, 0), time.Unix(1, 0), midnight.Add(-time.Nanosecond), midnight, midnight.Add(time.Second - 1), midnight.Add(-time.Second),
		midnight.Add(24*time.Hour - 1), midnight.Add(24 * time.Hour), midnight.In(east), midnight.Add(15 * time.Hour).In(east),
		midnight.In(west), midnight.Add(-time.Hour).In(west), midnight.Add(13 * time.Hour), midnight.Add(-365 * 24 * time.Hour), time.Unix(-1, 0),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), midnight,
	} {
		for _, expiresIn := range []int64{0, 1, 1, 900, 31_536_000, 0} {
			f.prepare(HS512, at, expiresIn)

			want := fmt.Sprintf(`{"iat":%d,`, at.Unix())
			if expiresIn != 0 {
				want += fmt.Sprintf(`"exp":%d,`, at.Unix()+expiresIn)
			}
			want += `"jti":"`
			encoded, found := strings.CutPrefix(string(f.prefix), HS512.encodedHeader+".")
			decoded, err := base64url.DecodeString(encoded)
			if got := string(decoded) + string(f.remainder); got != want || !found || err != nil || len(encoded)%4 != 0 {
				t.Errorf("%v, %d: prefix %s and remainder %q encode %s, want %s", at, expiresIn, f.prefix, f.remainder, got, want)
			}
			if got, want := string(f.suffix), `,"date":"`+at.UTC().Format(time.DateOnly)+`"}`; got != want {
				t.Errorf("%v: suffix %s, want %s", at, got, want)
			}
		}
	}
}

// BenchmarkFrame compares the frame for the first token of a second with the frame
// for the tokens after it.
func BenchmarkFrame(b *testing.B) {
	at := time.Unix(1668664446, 0)
	b.Run("Prepare", func(b *testing.B) {
		var f frame
		for b.Loop() {
			f.issuedAt = 0
			f.prepare(HS512, at, 3600)
		}
	})
	b.Run("UseAgain", func(b *testing.B) {
		var f frame
		for b.Loop() {
			f.prepare(HS512, at, 3600)
		}
	})
}
