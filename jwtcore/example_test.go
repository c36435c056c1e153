package jwtcore_test

import (
	"fmt"
	"time"

	"tokenmint/jwtcore"
)

// exampleKey is published. A real key is random and secret.
const exampleKey = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf"

func ExampleKey_Mint() {
	key := jwtcore.NewKey(jwtcore.HS512, []byte(exampleKey))
	token := key.Mint(nil, jwtcore.Claims{
		IssuedAt: time.Unix(1668676907, 0),
		ID:       [16]byte{0xf1, 0x0f, 0xb5, 0xf4, 0x74, 0x61, 0xde, 0x4d, 0xd8, 0xc7, 0x61, 0x13, 0xca, 0xd7, 0x80, 0x3b},
		Data:     []byte(`"this is test"`),
	})
	fmt.Println(string(token))
	// Output:
	// eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA
}

// This is the token of RFC 7515 appendix A.1. The RFC gives its key as base64url.
func ExampleToken_Verify() {
	token, err := jwtcore.Parse("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, err := jwtcore.DecodeSecret([]byte("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), "base64url")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("with its key:", token.Verify(secret))
	fmt.Println("with another:", token.Verify([]byte("another")))
	// Output:
	// with its key: <nil>
	// with another: the signature does not match: another key made it, or the header or the claims were changed since
}

func ExampleToken_Validity() {
	key := jwtcore.NewKey(jwtcore.HS512, []byte(exampleKey))
	minted := time.Unix(1668676907, 0)
	token, err := jwtcore.Parse(string(key.Mint(nil, jwtcore.Claims{
		IssuedAt:  minted,
		ExpiresIn: 60,
		Data:      []byte(`{"user":7}`),
	})))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, age := range []time.Duration{59 * time.Second, 60 * time.Second} {
		validity, _ := token.Validity(minted.Add(age))
		fmt.Println(validity.State, validity.Expires)
	}
	// Output:
	// valid 2022-11-17 09:22:47 +0000 UTC
	// expired 2022-11-17 09:22:47 +0000 UTC
}
