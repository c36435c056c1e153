package policy

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// node is a place in the claims that the JSON Pointers of a query lead to or through
// (RFC 6901).
type node struct {
	children  []child
	condition *claimCondition
	headers   []int // the indexes of the headers whose value is this claim
	isScope   bool
}

// child is a place one reference token further: a member of an object, or an element of
// an array.
type child struct {
	token string // without escapes
	*node
}

// child returns the place that token leads to, or nil.
func (n *node) child(token []byte) *node {
	for _, c := range n.children {
		if c.token == string(token) {
			return c.node
		}
	}
	return nil
}

// descend returns the place that tokens lead to, and how many places it had to add.
func (n *node) descend(tokens []string) (place *node, added int) {
	for _, token := range tokens {
		next := n.child([]byte(token))
		if next == nil {
			next = new(node)
			n.children = append(n.children, child{token, next})
			added++
		}
		n = next
	}
	return n, added
}

// claimCondition demands that a claim exists and is not null. If there are values or
// patterns, the claim must be or match one of them, or be an array with such an element.
type claimCondition struct {
	index    int    // in Policy.claims
	pointer  string // as the query spells it
	values   []string
	patterns []pattern
}

// acceptsAny reports whether the claim may have any value but null.
func (c *claimCondition) acceptsAny() bool { return len(c.values)+len(c.patterns) == 0 }

// hasValue reports whether the claim may be this string, number, true or false, apart
// from the patterns.
func (c *claimCondition) hasValue(text []byte) bool {
	isText := func(value string) bool { return value == string(text) }
	return c.acceptsAny() || slices.ContainsFunc(c.values, isText)
}

// evaluation is what a policy finds in the claims of a token.
type evaluation struct {
	policy    *Policy
	claims    *jsontext.Decoder // reads them once, from the first to the last
	met       []bool            // for each of policy.claims
	headers   []string
	hasScopes bool
	steps     int // that all patterns may have taken
}

// maxSteps bounds the steps of all patterns, an instruction for a byte each: about a
// tenth of a second. Beyond it, nothing matches. A pattern of 50 instructions gets
// there with 80 KB of text, which is more than a token has.
const maxSteps = 4_000_000

// read reads all claims.
func (e *evaluation) read(claims jsontext.Value) {
	ijson.Decode(claims, func(decoder *jsontext.Decoder) {
		e.claims = decoder
		e.visit(&e.policy.root)
	})
}

// visit reads the next value, which is at n. If n is nil, no pointer leads there.
func (e *evaluation) visit(n *node) {
	switch kind := e.claims.PeekKind(); {
	case n == nil:
		e.claims.SkipValue()
	case kind == '{':
		e.visitObject(n)
	case kind == '[':
		e.visitArray(n)
	default:
		if text, ok := e.readScalar(); ok {
			e.visitScalar(n, kind, text)
		}
	}
}

func (e *evaluation) visitObject(n *node) {
	e.meetAny(n.condition)
	e.claims.ReadToken()
	for e.hasNext() {
		quoted, _ := e.claims.ReadValue()
		name, _ := ijson.Text(quoted)
		e.visit(n.child(name))
	}
	e.claims.ReadToken()
}

func (e *evaluation) visitArray(n *node) {
	e.meetAny(n.condition)
	var list []string // of the elements, for the headers
	e.claims.ReadToken()
	for index := 0; e.hasNext(); index++ {
		element := n.child(strconv.AppendInt(make([]byte, 0, 20), int64(index), 10))
		kind := e.claims.PeekKind()
		if kind == '{' || kind == '[' {
			e.visit(element)
			continue
		}
		text, ok := e.readScalar()
		if !ok {
			continue
		}
		e.meet(n.condition, kind, text)
		if len(n.headers) > 0 {
			list = append(list, percentEncode(text, "%,"))
		}
		if element != nil {
			e.visitScalar(element, kind, text)
		}
	}
	e.claims.ReadToken()
	e.setHeaders(n, strings.Join(list, ","))
}

// visitScalar looks at a string, number, true or false at n.
func (e *evaluation) visitScalar(n *node, kind jsontext.Kind, text []byte) {
	e.meet(n.condition, kind, text)
	if len(n.headers) > 0 {
		e.setHeaders(n, percentEncode(text, "%"))
	}
	if n.isScope && kind == '"' {
		e.hasScopes = hasScopes(text, e.policy.scopes)
	}
}

// meet records whether a string, number, true or false, or an element of an array, meets
// a condition, unless another element did. The condition may be nil.
func (e *evaluation) meet(c *claimCondition, kind jsontext.Kind, text []byte) {
	if c != nil && !e.met[c.index] {
		e.met[c.index] = c.hasValue(text) || kind == '"' && e.matchesOne(c.patterns, text)
	}
}

// matchesOne reports whether text matches one of the patterns.
func (e *evaluation) matchesOne(patterns []pattern, text []byte) bool {
	for _, p := range patterns {
		e.steps += p.instructions * (len(text) + 1)
		if e.steps > maxSteps {
			return false
		}
		if p.Match(text) {
			return true
		}
	}
	return false
}

// meetAny records that an object or array meets a condition, if that accepts any value.
// The condition may be nil.
func (e *evaluation) meetAny(c *claimCondition) {
	if c != nil && c.acceptsAny() {
		e.met[c.index] = true
	}
}

func (e *evaluation) setHeaders(n *node, value string) {
	for _, header := range n.headers {
		e.headers[header] = value
	}
}

// hasNext reports whether the object or array that is being read has one more value.
func (e *evaluation) hasNext() bool {
	kind := e.claims.PeekKind()
	return kind != '}' && kind != ']' && kind != jsontext.KindInvalid
}

// readScalar reads the next value. It returns the text of a string, or the spelling of a
// number, true or false. Ok is false for null.
func (e *evaluation) readScalar() (text []byte, ok bool) {
	value, _ := e.claims.ReadValue()
	switch value.Kind() {
	case '"':
		return ijson.Text(value)
	case '0', 't', 'f':
		return value, true
	default:
		return nil, false
	}
}

// hasScopes reports whether scope, strings separated by spaces (RFC 8693 §4.2), has all
// that are needed.
func hasScopes(scope []byte, needed []string) bool {
	for _, name := range needed {
		if !hasScope(scope, name) {
			return false
		}
	}
	return true
}

func hasScope(scope []byte, name string) bool {
	for one := range bytes.SplitSeq(scope, []byte(" ")) {
		if string(one) == name {
			return true
		}
	}
	return false
}
