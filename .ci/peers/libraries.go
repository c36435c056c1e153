package peers

import (
	"encoding/hex"
	"errors"
	"time"

	cristalhq "github.com/cristalhq/jwt/v4"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	kataras "github.com/kataras/jwt"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"tokenmint/jwtcore"
)

// library is one implementation of JWT.
type library struct {
	name string

	// newMinter prepares secret and returns a function that mints a token.
	newMinter func(secret []byte) (mintFunc, error)

	// newVerifier returns a function that verifies tokens as of now. It does not
	// read a clock.
	newVerifier func(now time.Time) verifyFunc
}

type (
	mintFunc   func() (token, error)
	verifyFunc func(token token, secret []byte) error
)

// token is a token in the form that a library takes or returns. A minted token has
// only one of the fields set, since a conversion would cost time.
type token struct {
	text  string
	bytes []byte
}

// libraries are the contestants. Each is used as its documentation shows, and in
// the faster way if it shows two; golang-jwt is also used in a faster way that it
// does not show. All take and fill the same claims, except that go-jose and jwx
// convert them to maps of their own.
var libraries = []library{
	{Tokenmint, newTokenmintMinter, newTokenmintVerifier},
	{"golang-jwt v5", newGolangJWTMinter, newGolangJWTVerifier},
	{"golang-jwt v5, own claims", newOwnClaimsMinter, newOwnClaimsVerifier},
	{"cristalhq v4", newCristalhqMinter, newCristalhqVerifier},
	{"kataras", newKatarasMinter, newKatarasVerifier},
	{"go-jose v4", newGoJOSEMinter, newGoJOSEVerifier},
	{"jwx v3", newJWXMinter, newJWXVerifier},
}

var errTime = errors.New("the token is expired or not yet valid")

// userData is the data in the claims.
const userData = "this is test"

// claims are the claims of a token that tokenmint mints.
type claims struct {
	IssuedAt  int64   `json:"iat"`
	ExpiresAt int64   `json:"exp,omitempty"`
	ID        string  `json:"jti"`
	Payload   payload `json:"payload"`
}

type payload struct {
	Data string `json:"data"`
	Date string `json:"date"`
}

// newClaims returns the claims of a token that is minted now.
func newClaims() (claims, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return claims{}, err
	}
	now := time.Now()
	return claims{
		IssuedAt: now.Unix(),
		ID:       hex.EncodeToString(id[:]),
		Payload:  payload{Data: userData, Date: now.UTC().Format(time.DateOnly)},
	}, nil
}

// check judges the time claims, for libraries that leave that to their caller.
func (c claims) check(now time.Time) error {
	if c.ExpiresAt != 0 && now.Unix() >= c.ExpiresAt {
		return errTime
	}
	return nil
}

func newTokenmintMinter(secret []byte) (mintFunc, error) {
	key := jwtcore.NewKey(jwtcore.HS512, secret)
	data := []byte(`"` + userData + `"`)
	return func() (token, error) {
		id, err := uuid.NewRandom()
		if err != nil {
			return token{}, err
		}
		return token{bytes: key.Mint(nil, jwtcore.Claims{IssuedAt: time.Now(), ID: id, Data: data})}, nil
	}, nil
}

// newTokenmintVerifier does not decode the claims into a struct: Parse reads every
// member and returns them as JSON.
func newTokenmintVerifier(now time.Time) verifyFunc {
	return func(token token, secret []byte) error {
		parsed, err := jwtcore.Parse(token.text)
		if err != nil {
			return err
		}
		if err := parsed.Verify(secret); err != nil {
			return err
		}
		if validity, ok := parsed.Validity(now); ok && validity.State != jwtcore.StateValid {
			return errTime
		}
		return nil
	}
}

// embeddedClaims embeds RegisteredClaims, as golang-jwt's examples do.
type embeddedClaims struct {
	golangjwt.RegisteredClaims
	Payload payload `json:"payload"`
}

func newGolangJWTMinter(secret []byte) (mintFunc, error) {
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		issuedAt := golangjwt.NewNumericDate(time.Unix(claims.IssuedAt, 0))
		text, err := golangjwt.NewWithClaims(golangjwt.SigningMethodHS512, embeddedClaims{
			RegisteredClaims: golangjwt.RegisteredClaims{IssuedAt: issuedAt, ID: claims.ID},
			Payload:          claims.Payload,
		}).SignedString(secret)
		return token{text: text}, err
	}, nil
}

func newGolangJWTVerifier(now time.Time) verifyFunc {
	parse := newGolangJWTParser(now)
	return func(token token, secret []byte) error { return parse(token, secret, new(embeddedClaims)) }
}

// newGolangJWTParser returns a function that verifies a token and fills in claims.
func newGolangJWTParser(now time.Time) func(token token, secret []byte, claims golangjwt.Claims) error {
	parser := golangjwt.NewParser(
		golangjwt.WithValidMethods([]string{"HS512"}),
		golangjwt.WithTimeFunc(func() time.Time { return now }),
	)
	return func(token token, secret []byte, claims golangjwt.Claims) error {
		_, err := parser.ParseWithClaims(token.text, claims, func(*golangjwt.Token) (any, error) { return secret, nil })
		return err
	}
}

// ownClaims replaces golang-jwt's RegisteredClaims, whose times are slower to
// encode than whole seconds.
type ownClaims struct{ claims }

func (c ownClaims) GetExpirationTime() (*golangjwt.NumericDate, error) {
	if c.ExpiresAt == 0 {
		return nil, nil
	}
	return golangjwt.NewNumericDate(time.Unix(c.ExpiresAt, 0)), nil
}
func (c ownClaims) GetIssuedAt() (*golangjwt.NumericDate, error)  { return nil, nil }
func (c ownClaims) GetNotBefore() (*golangjwt.NumericDate, error) { return nil, nil }
func (c ownClaims) GetIssuer() (string, error)                    { return "", nil }
func (c ownClaims) GetSubject() (string, error)                   { return "", nil }
func (c ownClaims) GetAudience() (golangjwt.ClaimStrings, error)  { return nil, nil }

func newOwnClaimsMinter(secret []byte) (mintFunc, error) {
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		text, err := golangjwt.NewWithClaims(golangjwt.SigningMethodHS512, ownClaims{claims}).SignedString(secret)
		return token{text: text}, err
	}, nil
}

func newOwnClaimsVerifier(now time.Time) verifyFunc {
	parse := newGolangJWTParser(now)
	return func(token token, secret []byte) error { return parse(token, secret, new(ownClaims)) }
}

func newCristalhqMinter(secret []byte) (mintFunc, error) {
	signer, err := cristalhq.NewSignerHS(cristalhq.HS512, secret)
	if err != nil {
		return nil, err
	}
	builder := cristalhq.NewBuilder(signer)
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		built, err := builder.Build(claims)
		if err != nil {
			return token{}, err
		}
		return token{bytes: built.Bytes()}, nil
	}, nil
}

func newCristalhqVerifier(now time.Time) verifyFunc {
	return func(token token, secret []byte) error {
		verifier, err := cristalhq.NewVerifierHS(cristalhq.HS512, secret)
		if err != nil {
			return err
		}
		var claims claims
		if err := cristalhq.ParseClaims(token.bytes, verifier, &claims); err != nil {
			return err
		}
		return claims.check(now)
	}
}

func newKatarasMinter(secret []byte) (mintFunc, error) {
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		bytes, err := kataras.Sign(kataras.HS512, secret, claims)
		return token{bytes: bytes}, err
	}, nil
}

// newKatarasVerifier decodes the claims as the other verifiers do, for which
// kataras reads them a second time.
func newKatarasVerifier(now time.Time) verifyFunc {
	kataras.Clock = func() time.Time { return now } // it has no other way to set the time
	return func(token token, secret []byte) error {
		verified, err := kataras.Verify(kataras.HS512, secret, token.bytes)
		if err != nil {
			return err
		}
		var claims claims
		return verified.Claims(&claims)
	}
}

func newGoJOSEMinter(secret []byte) (mintFunc, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.HS512, Key: secret},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
	if err != nil {
		return nil, err
	}
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		text, err := josejwt.Signed(signer).Claims(claims).Serialize()
		return token{text: text}, err
	}, nil
}

func newGoJOSEVerifier(now time.Time) verifyFunc {
	algorithms := []jose.SignatureAlgorithm{jose.HS512}
	return func(token token, secret []byte) error {
		parsed, err := josejwt.ParseSigned(token.text, algorithms)
		if err != nil {
			return err
		}
		var claims claims
		if err := parsed.Claims(secret, &claims); err != nil {
			return err
		}
		return claims.check(now)
	}
}

func newJWXMinter(secret []byte) (mintFunc, error) {
	key, err := jwk.Import(secret)
	if err != nil {
		return nil, err
	}
	withKey := jwxjwt.WithKey(jwa.HS512(), key)
	return func() (token, error) {
		claims, err := newClaims()
		if err != nil {
			return token{}, err
		}
		built, err := jwxjwt.NewBuilder().
			IssuedAt(time.Unix(claims.IssuedAt, 0)).
			JwtID(claims.ID).
			Claim("payload", claims.Payload).
			Build()
		if err != nil {
			return token{}, err
		}
		bytes, err := jwxjwt.Sign(built, withKey)
		return token{bytes: bytes}, err
	}, nil
}

func newJWXVerifier(now time.Time) verifyFunc {
	withClock := jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return now }))
	return func(token token, secret []byte) error {
		_, err := jwxjwt.Parse(token.bytes, jwxjwt.WithKey(jwa.HS512(), secret), withClock)
		return err
	}
}
