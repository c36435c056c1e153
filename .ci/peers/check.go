package peers

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"tokenmint/jwtcore"
)

// publishedKey is the key of the golden vectors. The service's specification
// contains it, so it is not a secret.
var publishedKey = []byte("a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf")

// otherKey has signed none of the tokens.
var otherKey = bytes.Repeat([]byte("0"), len(publishedKey))

// golden was signed with publishedKey at goldenTime.
var (
	golden     = newToken("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA")
	goldenTime = time.Unix(1668676907, 0)
)

const goldenHeader = `{"typ":"JWT","alg":"HS512"}`

func newToken(text string) token { return token{text: text, bytes: []byte(text)} }

// signed returns a token with the header and the claims, and with their MAC of
// HS512 under publishedKey, made by the standard library.
func signed(header, claims string) token {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha512.New, publishedKey)
	mac.Write([]byte(input))
	return newToken(input + "." + encode(mac.Sum(nil)))
}

var wantID = regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`)

// checkMint mints two tokens and checks all of their content.
func checkMint(mint mintFunc) error {
	var ids [2]string
	for i := range ids {
		before := time.Now()
		minted, err := mint()
		if err != nil {
			return err
		}
		got, err := readMinted(minted)
		if err != nil {
			return err
		}
		issuedAt := time.Unix(got.IssuedAt, 0)
		want := payload{Data: userData, Date: issuedAt.UTC().Format(time.DateOnly)}
		switch {
		case issuedAt.Unix() < before.Unix() || issuedAt.After(time.Now()):
			return fmt.Errorf("iat is not the current time: %v", issuedAt)
		case got.Payload != want:
			return fmt.Errorf("the payload is %v, want %v", got.Payload, want)
		case !wantID.MatchString(got.ID):
			return fmt.Errorf("jti is not a version 4 UUID without hyphens: %s", got.ID)
		}
		ids[i] = got.ID
	}
	if ids[0] == ids[1] {
		return errors.New("two tokens have the same jti")
	}
	return nil
}

// readMinted returns the claims of a token, which publishedKey must have signed.
func readMinted(minted token) (got claims, err error) {
	text := minted.text
	if text == "" {
		text = string(minted.bytes)
	}
	parsed, err := jwtcore.Parse(text)
	if err != nil {
		return got, err
	}
	if err := parsed.Verify(publishedKey); err != nil {
		return got, err
	}
	if parsed.Verify(otherKey) == nil {
		return got, errors.New("the token verifies under any key")
	}
	var header map[string]string
	if err := json.Unmarshal(parsed.Header, &header); err != nil {
		return got, err
	}
	if len(header) != 2 || header["alg"] != "HS512" || header["typ"] != "JWT" {
		return got, fmt.Errorf("the header is %s", parsed.Header)
	}
	decoder := json.NewDecoder(bytes.NewReader(parsed.Claims))
	decoder.DisallowUnknownFields()
	return got, decoder.Decode(&got)
}

// checkVerify gives a verifier tokens that must pass, and others that pass only if
// it leaves out some part of the work.
func checkVerify(verify verifyFunc) error {
	const hour = 3600
	expiring := fmt.Sprintf(`{"exp":%d}`, goldenTime.Unix()+hour)
	expired := fmt.Sprintf(`{"exp":%d}`, goldenTime.Unix()-hour)
	tests := []struct {
		name  string
		token token
		key   []byte
		pass  bool
	}{
		{"the golden vector", golden, publishedKey, true},
		{"a token that expires later", signed(goldenHeader, expiring), publishedKey, true},
		{"another key", golden, otherKey, false},
		{"an expired token", signed(goldenHeader, expired), publishedKey, false},
		{"a signature of another token", newToken(withoutSignature(golden) + signatureOf(signed(goldenHeader, expiring))), publishedKey, false},
		{"no signature", newToken(withoutSignature(golden)), publishedKey, false},
		{"claims that are not JSON", signed(goldenHeader, `{"iat":1668676907`), publishedKey, false},
		{"a header that is not JSON", signed(`{"typ":"JWT","alg":"HS512"`, expiring), publishedKey, false},
		{"a header with another algorithm", signed(`{"typ":"JWT","alg":"HS256"}`, expiring), publishedKey, false},
	}
	for _, test := range tests {
		err := verify(test.token, test.key)
		if test.pass && err != nil {
			return fmt.Errorf("%s: %w", test.name, err)
		}
		if !test.pass && err == nil {
			return fmt.Errorf("%s passes", test.name)
		}
	}
	return nil
}

// withoutSignature returns the token up to and including its second dot.
func withoutSignature(t token) string { return t.text[:bytes.LastIndexByte(t.bytes, '.')+1] }

func signatureOf(t token) string { return t.text[bytes.LastIndexByte(t.bytes, '.')+1:] }
