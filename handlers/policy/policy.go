// Package policy decides whether the claims of a token meet the conditions of a route,
// and which of the claims its application learns. The configuration of a proxy states
// both in the query of the gate's URL.
//
// It guards against these threats:
//
//   - Parse refuses every query that it does not understand completely, so that a typing
//     error never drops a condition.
//   - Claims are compared as the token spells them: no number is rounded.
//   - Patterns are measured before they are compiled, and match in linear time.
//   - The claims are read in one pass, however deep the pointers lead.
//   - No byte of a claim reaches a header unless it is visible ASCII; all others are
//     percent-encoded.
//   - No error contains a value of the query, which may be secret, or of the token.
package policy

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"tokenmint/jwtcore"
)

// Policy is what a query demands of a token, and what it adds to the response. A Policy
// is immutable, so goroutines can share it.
type Policy struct {
	sources   []Source
	leeway    time.Duration
	maxAge    time.Duration // 0 if a token of any age may pass
	scopes    []string
	claims    []*claimCondition
	headers   []string // the names that set adds to the response
	root      node     // of the claims
	noClaims  bool
	preflight string
	size      int
}

// Source is a place where a request may carry its token.
type Source struct {
	Kind SourceKind
	Name string // of the cookie or header; empty for Bearer
}

// SourceKind is a kind of Source.
type SourceKind int

// The kinds of sources.
const (
	Bearer SourceKind = iota // the header Authorization, after Bearer (RFC 6750 §2.1)
	Cookie                   // the value of a cookie (RFC 6265 §4.2)
	Header                   // the whole value of another header
)

// Default returns the policy without conditions: the token comes in the header
// Authorization, and the response has its claims.
func Default() *Policy { return &Policy{sources: []Source{{Kind: Bearer}}} }

// Sources returns where to look for the token: the first source that the request has
// counts. There is at least one.
func (p *Policy) Sources() iter.Seq[Source] { return slices.Values(p.sources) }

// Leeway returns by how much clocks may differ. Evaluate applies it to "iat"; the caller
// applies it to "exp" and "nbf".
func (p *Policy) Leeway() time.Duration { return p.leeway }

// SendsClaims reports whether the response carries all claims of the token.
func (p *Policy) SendsClaims() bool { return !p.noClaims }

// Preflight returns the name of the header in which the proxy reports the method of a
// request. It is empty if a CORS preflight request needs a token like any other.
func (p *Policy) Preflight() string { return p.preflight }

// Headers returns the names of the headers that the response must have, in canonical
// form, each with its index in the result of Evaluate.
func (p *Policy) Headers() iter.Seq2[int, string] { return slices.All(p.headers) }

// Size returns about how many bytes of memory the policy takes, or somewhat more.
func (p *Policy) Size() int { return p.size }

// The errors of Evaluate wrap one of these.
var (
	// ErrMaxAge means that the token is too old, or does not say how old it is.
	ErrMaxAge = errors.New("the age of the token does not pass here")

	// ErrScope means that the claim "scope" (RFC 8693 §4.2) lacks a scope.
	ErrScope = errors.New("the token lacks a scope that is needed here")

	// ErrClaim means that a claim is absent or has another value.
	ErrClaim = errors.New("the token does not have the claim that is needed here")
)

// Evaluate returns the values of Headers, in the same order. Each is empty or visible
// ASCII. The value is empty if the claim is absent, null or an object.
//
// If the token, which must come from jwtcore.Parse, does not meet the policy at now, the
// error wraps ErrMaxAge, ErrScope or ErrClaim. Its text is one line that suits an
// error_description (RFC 6750 §3): it names the pointer of a condition as the query
// spells it, but no value. Evaluate does not verify the token.
func (p *Policy) Evaluate(token *jwtcore.Token, now time.Time) (headers []string, err error) {
	if err := p.checkAge(token, now); err != nil {
		return nil, err
	}
	if len(p.root.children) == 0 {
		return nil, nil
	}
	e := evaluation{policy: p, met: make([]bool, len(p.claims)), headers: make([]string, len(p.headers))}
	e.read(token.Claims)
	if len(p.scopes) > 0 && !e.hasScopes {
		return nil, ErrScope
	}
	if i := slices.Index(e.met, false); i >= 0 {
		return nil, fmt.Errorf("%w: %s", ErrClaim, p.claims[i].pointer)
	}
	return e.headers, nil
}

// checkAge returns an error if the token is older than the policy allows at now.
func (p *Policy) checkAge(token *jwtcore.Token, now time.Time) error {
	if p.maxAge == 0 {
		return nil
	}
	issuedAt, ok := token.IssuedAt()
	switch {
	case !ok:
		return fmt.Errorf("%w: its time of issue, iat, is not a number", ErrMaxAge)
	case issuedAt.After(now.Add(p.leeway)):
		return fmt.Errorf("%w: its time of issue is in the future", ErrMaxAge)
	case now.Sub(issuedAt) > p.maxAge+p.leeway:
		return ErrMaxAge
	default:
		return nil
	}
}
