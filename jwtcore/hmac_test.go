package jwtcore

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"
	"testing"
)

var algorithms = []struct {
	*Algorithm
	newHash func() hash.Hash // the oracle's
}{
	{HS256, sha256.New},
	{HS384, sha512.New384},
	{HS512, sha512.New},
}

// rfc4231 are the test cases of RFC 4231 §4.2 to §4.8. Case 5 is truncated to
// 128 bits there.
var rfc4231 = []struct {
	key, data              string
	sha256, sha384, sha512 string
}{
	{
		strings.Repeat("\x0b", 20), "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
	},
	{
		"Jefe", "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
	},
	{
		strings.Repeat("\xaa", 20), strings.Repeat("\xdd", 50),
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
		"88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
		"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
	},
	{
		"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", strings.Repeat("\xcd", 50),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
		"3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
		"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
	},
	{
		strings.Repeat("\x0c", 20), "Test With Truncation",
		"a3b6167473100ee06e0c796c2955552b",
		"3abf34c3503b2a23a46efc619baef897",
		"415fad6271580a531d4179bc891d87a6",
	},
	{
		strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
		"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
	},
	{
		strings.Repeat("\xaa", 131), "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
		"6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
		"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
	},
}

func TestMACAgainstRFC4231(t *testing.T) {
	if len(rfc4231) != 7 {
		t.Fatalf("%d test cases, but the RFC has 7", len(rfc4231))
	}
	for i, test := range rfc4231 {
		wants := map[*Algorithm]string{HS256: test.sha256, HS384: test.sha384, HS512: test.sha512}
		for algorithm, want := range wants {
			mac := hex.EncodeToString(NewKey(algorithm, []byte(test.key)).appendMAC(nil, []byte(test.data)))
			if len(mac) != 2*algorithm.size {
				t.Errorf("case %d, %s: %d hex digits, want %d", i+1, algorithm, len(mac), 2*algorithm.size)
			}
			if !strings.HasPrefix(mac, want) {
				t.Errorf("case %d, %s: %s, want %s", i+1, algorithm, mac, want)
			}
		}
	}
}

// Tokens whose MACs the RFCs publish: RFC 7515 appendix A.1, and RFC 7520 §4.4,
// whose payload is a sentence and not claims.
var rfcTokens = []struct {
	name, key, signingInput, signature string
}{
	{
		"RFC 7515 A.1",
		"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
	},
	{
		"RFC 7520 4.4",
		"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
		"s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
	},
}

func TestMACAgainstTokensInRFCs(t *testing.T) {
	for _, test := range rfcTokens {
		key := NewKey(HS256, decodeBase64url(t, test.key))
		mac := key.appendMAC(nil, []byte(test.signingInput))
		if got := base64url.EncodeToString(mac); got != test.signature {
			t.Errorf("%s: %s, want %s", test.name, got, test.signature)
		}
	}
}

func decodeBase64url(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := base64url.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// TestMACAtBlockBoundaries compares with crypto/hmac at the lengths at which the
// padding and hashing of the key, and the blocks of the hash, begin and end.
func TestMACAtBlockBoundaries(t *testing.T) {
	lengths := []int{0, 1, 31, 32, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 255, 256, 1000, 1 << 16}
	for _, algorithm := range algorithms {
		for _, keyLength := range lengths {
			for _, textLength := range lengths {
				key, text := bytes.Repeat([]byte{'k'}, keyLength), bytes.Repeat([]byte{'t'}, textLength)
				oracle := hmac.New(algorithm.newHash, key)
				oracle.Write(text)
				if !bothAgree(algorithm.Algorithm, key, text, oracle.Sum(nil)) {
					t.Errorf("%s differs from crypto/hmac with a key of %d bytes and a text of %d", algorithm, keyLength, textLength)
				}
			}
		}
	}
}

// bothAgree reports whether a Key and a secret that is used once both make this
// MAC and no other.
func bothAgree(algorithm *Algorithm, secret, text, mac []byte) bool {
	wrong := append([]byte(nil), mac...)
	wrong[len(wrong)-1] ^= 1
	return bytes.Equal(NewKey(algorithm, secret).appendMAC(nil, text), mac) &&
		algorithm.matches(mac, secret, text) &&
		!algorithm.matches(wrong, secret, text)
}

func TestAppendMACKeepsWhatIsThere(t *testing.T) {
	key := NewKey(HS512, []byte("key"))
	if got := key.appendMAC([]byte("before"), nil); !bytes.HasPrefix(got, []byte("before")) || len(got) != len("before")+HS512.size {
		t.Errorf("got %q", got)
	}
}

// TestKeyIsACopy overwrites the secret after a key was made from it.
func TestKeyIsACopy(t *testing.T) {
	secret := []byte("a secret that its owner overwrites")
	key := NewKey(HS512, secret)
	before := key.appendMAC(nil, []byte("text"))
	clear(secret)
	if after := key.appendMAC(nil, []byte("text")); !bytes.Equal(before, after) {
		t.Error("the key changed with the secret")
	}
}

func TestKeyIsSharedByGoroutines(t *testing.T) {
	key := NewKey(HS512, []byte("key"))
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			text := fmt.Appendf(nil, "text %d", i)
			oracle := hmac.New(sha512.New, []byte("key"))
			oracle.Write(text)
			want := oracle.Sum(nil)
			for range 1000 {
				if !bytes.Equal(key.appendMAC(nil, text), want) {
					t.Errorf("a MAC of goroutine %d is wrong", i)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestEqualMAC(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"same", "same", true},
		{"same", "sane", false},
		{"same", "sam", false},
		{"same", "same ", false},
		{"same", "", false},
	}
	for _, test := range tests {
		if got := equalMAC([]byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("equalMAC(%q, %q) = %t", test.a, test.b, got)
		}
	}
}

func FuzzMAC(f *testing.F) {
	for _, test := range rfc4231 {
		f.Add([]byte(test.key), []byte(test.data))
	}
	for _, length := range []int{0, 63, 64, 65, 127, 128, 129, 4096} {
		f.Add(bytes.Repeat([]byte{'k'}, length), []byte("text"))
	}
	f.Fuzz(func(t *testing.T, key, text []byte) {
		for _, algorithm := range algorithms {
			oracle := hmac.New(algorithm.newHash, key)
			oracle.Write(text)
			if !bothAgree(algorithm.Algorithm, key, text, oracle.Sum(nil)) {
				t.Errorf("%s differs from crypto/hmac", algorithm)
			}
		}
	})
}
