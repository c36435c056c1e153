package jwtcore

import "testing"

// TestFingerprint has values from
//
//	printf 'tokenmint key%s' KEY | sha256sum
func TestFingerprint(t *testing.T) {
	tests := []struct{ secret, want string }{
		{publishedKey, "9315b8ee"},
		{"clé", "3eeda588"},
		{"", "7f0dbd48"},
	}
	for _, test := range tests {
		for _, algorithm := range algorithms {
			if got := NewKey(algorithm.Algorithm, []byte(test.secret)).Fingerprint(); got != test.want {
				t.Errorf("%s, %q: %s, want %s", algorithm, test.secret, got, test.want)
			}
		}
	}
}
