package policy

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxQuery is the size in bytes of the longest query.
	maxQuery = 2 << 10

	// maxAge is the greatest max_age in seconds: a hundred years.
	maxAge = 3_153_600_000

	// maxLeeway is the greatest leeway in seconds.
	maxLeeway = 300
)

// ErrQuery means that a query is not a policy. The errors of Parse wrap it. Their text is
// one line of ASCII that contains nothing of the query but the number of the parameter at
// fault.
var ErrQuery = errors.New("the query of the gate's URL is wrong")

// Reasons why a query is not a policy.
var (
	errQueryEmpty  = errors.New("it is empty")
	errQueryLong   = fmt.Errorf("it is longer than %d bytes", maxQuery)
	errEncoding    = errors.New("it is not percent-encoded UTF-8")
	errParameter   = errors.New("there is no such parameter, and a JSON Pointer begins with /")
	errTwice       = errors.New("it occurs twice")
	errPointer     = errors.New("its JSON Pointer has a ~ that neither 0 nor 1 follows")
	errScopeValue  = errors.New("its value is empty or has a space")
	errSource      = errors.New("its value is not bearer, cookie:NAME or header:NAME")
	errHeaderName  = errors.New("its value is not the name of a header")
	errSet         = errors.New("its value is not the name of a header, a colon and a JSON Pointer")
	errReserved    = errors.New("it sets a header that HTTP or the gate uses")
	errSetTwice    = errors.New("an earlier parameter sets the same header")
	errClaimsValue = errors.New("its value is not off")
)

// Parse returns the policy in the query of a URL, without the question mark: pairs of a
// name and a value, percent-encoded and separated by &. A plus sign is not a space. If
// the query is not a policy, the error wraps ErrQuery.
func Parse(query string) (*Policy, error) {
	switch {
	case query == "":
		return nil, fmt.Errorf("%w: %w", ErrQuery, errQueryEmpty)
	case len(query) > maxQuery:
		return nil, fmt.Errorf("%w: %w", ErrQuery, errQueryLong)
	}
	p := parser{policy: &Policy{size: policySize + len(query)}}
	for i, pair := range strings.Split(query, "&") {
		if err := p.add(pair); err != nil {
			return nil, fmt.Errorf("%w: parameter %d: %w", ErrQuery, i+1, err)
		}
	}
	if len(p.policy.sources) == 0 {
		p.policy.sources = Default().sources
	}
	return p.policy, nil
}

// What parts of a policy take in memory, in bytes, or somewhat more.
const (
	policySize    = 512
	parameterSize = 256
	nodeSize      = 128
)

// parser builds a policy.
type parser struct {
	policy       *Policy
	seen         []string // the parameters that may occur once
	instructions int      // of all patterns
}

// add adds what a pair demands.
func (p *parser) add(pair string) error {
	spelled, value, hasValue := strings.Cut(pair, "=")
	name, err := decode(spelled)
	if err != nil {
		return err
	}
	if value, err = decode(value); err != nil {
		return err
	}
	p.policy.size += parameterSize
	if strings.HasPrefix(name, "/") {
		return p.addCondition(spelled, name, value, hasValue)
	}
	return p.addParameter(name, value)
}

// decode returns the text that s encodes.
func decode(s string) (string, error) {
	text, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(text) {
		return "", errEncoding
	}
	return text, nil
}

// addParameter adds what is not a condition on a claim. None of the values may be empty,
// so that a name without = is wrong, too.
func (p *parser) addParameter(name, value string) (err error) {
	switch name {
	case "scope":
		return p.addScope(value)
	case "token":
		return p.addSource(value)
	case "set":
		return p.addHeader(value)
	}
	if slices.Contains(p.seen, name) {
		return errTwice
	}
	p.seen = append(p.seen, name)
	switch name {
	case "max_age":
		p.policy.maxAge, err = seconds(value, 1, maxAge)
	case "leeway":
		p.policy.leeway, err = seconds(value, 0, maxLeeway)
	case "claims":
		p.policy.noClaims = true
		if value != "off" {
			err = errClaimsValue
		}
	case "preflight":
		p.policy.preflight = value
		if !isToken(value) || isReserved(value) { // such as Origin, which is the client's own
			err = errHeaderName
		}
	default:
		err = errParameter
	}
	return err
}

// seconds returns the duration in value, a whole number of seconds.
func seconds(value string, least, most uint64) (time.Duration, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("its value is not a whole number of seconds from %d to %d", least, most)
	}
	return time.Duration(n) * time.Second, nil
}

func (p *parser) addScope(value string) error {
	if value == "" || strings.Contains(value, " ") {
		return errScopeValue
	}
	p.policy.scopes = append(p.policy.scopes, value)
	p.place([]string{"scope"}).isScope = true
	return nil
}

func (p *parser) addSource(value string) error {
	source := Source{Kind: Bearer}
	kind, name, _ := strings.Cut(value, ":")
	switch {
	case value == "bearer", kind == "header" && strings.EqualFold(name, "Authorization"):
	case kind == "cookie" && isToken(name):
		source = Source{Cookie, name}
	case kind == "header" && isToken(name):
		source = Source{Header, name}
	default:
		return errSource
	}
	p.policy.sources = append(p.policy.sources, source)
	return nil
}

func (p *parser) addHeader(value string) error {
	name, pointer, _ := strings.Cut(value, ":")
	if !isToken(name) || !strings.HasPrefix(pointer, "/") {
		return errSet
	}
	if isReserved(name) {
		return errReserved
	}
	if slices.ContainsFunc(p.policy.headers, func(other string) bool { return fold(other) == fold(name) }) {
		return errSetTwice
	}
	tokens, err := parsePointer(pointer)
	if err != nil {
		return err
	}
	place := p.place(tokens)
	place.headers = append(place.headers, len(p.policy.headers))
	p.policy.headers = append(p.policy.headers, textproto.CanonicalMIMEHeaderKey(name))
	return nil
}

// addCondition adds a condition on the claim at a JSON Pointer. Without a value, the
// claim must exist. If the name ends in ~, which no pointer does, the value is a pattern.
func (p *parser) addCondition(spelled, name, value string, hasValue bool) error {
	pointer, isPattern := name, false
	if hasValue {
		pointer, isPattern = strings.CutSuffix(name, "~")
	}
	tokens, err := parsePointer(pointer)
	if err != nil {
		return err
	}
	if isPattern {
		spelled = cutTilde(spelled)
	}
	condition := p.condition(p.place(tokens), spelled)
	switch {
	case isPattern:
		return p.addPattern(condition, value)
	case hasValue:
		condition.values = append(condition.values, value)
	}
	return nil
}

// cutTilde returns what precedes the ~ at the end of a name.
func cutTilde(spelled string) string {
	if pointer, found := strings.CutSuffix(spelled, "~"); found {
		return pointer
	}
	return spelled[:len(spelled)-len("%7E")]
}

// condition returns the condition at a place, which it adds if there is none.
func (p *parser) condition(place *node, spelled string) *claimCondition {
	if place.condition == nil {
		pointer := percentEncode([]byte(spelled), `"\`) // as an error_description needs it (RFC 6750 §3)
		place.condition = &claimCondition{index: len(p.policy.claims), pointer: pointer}
		p.policy.claims = append(p.policy.claims, place.condition)
	}
	return place.condition
}

func (p *parser) addPattern(condition *claimCondition, text string) error {
	pattern, err := compile(text)
	if err != nil {
		return err
	}
	if p.instructions += pattern.instructions; p.instructions > maxAllInstructions {
		return errPatternsComplex
	}
	p.policy.size += pattern.size
	condition.patterns = append(condition.patterns, pattern)
	return nil
}

// place returns the place in the claims that the reference tokens of a pointer lead to.
func (p *parser) place(tokens []string) *node {
	place, added := p.policy.root.descend(tokens)
	p.policy.size += added * nodeSize
	return place
}

// parsePointer returns the reference tokens of a JSON Pointer that begins with a slash
// (RFC 6901 §3 and §4).
func parsePointer(pointer string) ([]string, error) {
	if strings.Count(pointer, "~") != strings.Count(pointer, "~0")+strings.Count(pointer, "~1") {
		return nil, errPointer
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		tokens[i] = unescape.Replace(token)
	}
	return tokens, nil
}

// unescape replaces the escapes of a JSON Pointer, each once: ~01 is ~1.
var unescape = strings.NewReplacer("~1", "/", "~0", "~")
