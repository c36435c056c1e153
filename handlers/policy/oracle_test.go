package policy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"tokenmint/jwtcore"
)

// The oracle is a second gate, as plain as possible. It follows the documentation of the
// conditions: it decodes all claims into maps, walks each pointer from the start and
// compares. Parse and Evaluate must agree with it on any input.

// oracle is what a query demands.
type oracle struct {
	pointers []string            // in the order of the query
	values   map[string][]string // by pointer
	patterns map[string][]*regexp.Regexp
	scopes   []string
	maxAge   int // 0 if there is none
	leeway   int
	sets     map[string]string // from the canonical name of a header to the pointer
}

var (
	oraclePointer = regexp.MustCompile(`^(/([^/~]|~0|~1)*)+$`)
	oracleNumber  = regexp.MustCompile(`^[0-9]+$`)
	oracleToken   = "[-!#$%&'*+.^_`|~0-9A-Za-z]+"
	oracleSource  = regexp.MustCompile(`^(bearer|(cookie|header):` + oracleToken + `)$`)
	oracleSet     = regexp.MustCompile(`^(` + oracleToken + `):(/(?s:.*))$`)
	oracleName    = regexp.MustCompile(`^` + oracleToken + `$`)
	oracleIndex   = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)
)

// newOracle reads a query. Ok is false if it lets no one pass.
func newOracle(query string) (o *oracle, ok bool) {
	if query == "" || len(query) > 2048 {
		return nil, false
	}
	o = &oracle{values: map[string][]string{}, patterns: map[string][]*regexp.Regexp{}, sets: map[string]string{}}
	times := map[string]int{} // of each name
	for pair := range strings.SplitSeq(strings.ReplaceAll(query, "+", "%2B"), "&") {
		left, right, hasValue := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(left)
		value, errValue := url.QueryUnescape(right)
		if err != nil || errValue != nil || !utf8.ValidString(name+"."+value) {
			return nil, false
		}
		times[name]++
		if strings.HasPrefix(name, "/") {
			ok = o.readCondition(name, value, hasValue)
		} else {
			ok = o.readParameter(name, value, times[name])
		}
		if !ok {
			return nil, false
		}
	}
	return o, true
}

func (o *oracle) readCondition(name, value string, hasValue bool) bool {
	pointer, isPattern := name, false
	if hasValue && strings.HasSuffix(name, "~") {
		pointer, isPattern = name[:len(name)-1], true
	}
	if !oraclePointer.MatchString(pointer) {
		return false
	}
	if !slices.Contains(o.pointers, pointer) {
		o.pointers = append(o.pointers, pointer)
	}
	if !isPattern {
		if hasValue {
			o.values[pointer] = append(o.values[pointer], value)
		}
		return true
	}
	pattern, err := regexp.Compile(value)
	if err != nil || len(value) > 256 {
		return false
	}
	pattern.Longest()
	o.patterns[pointer] = append(o.patterns[pointer], pattern)
	return true
}

func (o *oracle) readParameter(name, value string, times int) bool {
	number, _ := strconv.Atoi(value)
	isNumber := oracleNumber.MatchString(value)
	switch name {
	case "scope":
		o.scopes = append(o.scopes, value)
		return value != "" && !strings.Contains(value, " ")
	case "max_age":
		o.maxAge = number
		return times == 1 && isNumber && number >= 1 && number <= 3153600000
	case "leeway":
		o.leeway = number
		return times == 1 && isNumber && number <= 300
	case "token":
		return oracleSource.MatchString(value)
	case "claims":
		return times == 1 && value == "off"
	case "preflight":
		return times == 1 && oracleName.MatchString(value)
	case "set":
		parts := oracleSet.FindStringSubmatch(value)
		if parts == nil || !oraclePointer.MatchString(parts[2]) {
			return false
		}
		for other := range o.sets {
			if oracleFold(other) == oracleFold(parts[1]) {
				return false
			}
		}
		o.sets[http.CanonicalHeaderKey(parts[1])] = parts[2]
		return true
	default:
		return false
	}
}

var oraclePunctuation = regexp.MustCompile(`[^0-9a-z]`)

func oracleFold(name string) string {
	return oraclePunctuation.ReplaceAllString(strings.ToLower(name), "-")
}

// oracleWalk follows a JSON Pointer (RFC 6901 §4). The result is nil if it leads nowhere.
func oracleWalk(claims any, pointer string) any {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch value := claims.(type) {
		case map[string]any:
			claims = value[token]
		case []any:
			index, err := strconv.Atoi(token)
			if err != nil || !oracleIndex.MatchString(token) || index >= len(value) {
				return nil
			}
			claims = value[index]
		default:
			return nil
		}
	}
	return claims
}

// oracleText returns how the token spells a number, true or false, or what a string says.
func oracleText(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return string(value), true
	case bool:
		return fmt.Sprint(value), true
	default:
		return "", false
	}
}

// meets reports whether the claim at a pointer is as the query demands.
func (o *oracle) meets(claims any, pointer string) bool {
	claim := oracleWalk(claims, pointer)
	if claim == nil || len(o.values[pointer])+len(o.patterns[pointer]) == 0 {
		return claim != nil
	}
	candidates, isArray := claim.([]any)
	if !isArray {
		candidates = []any{claim}
	}
	for _, candidate := range candidates {
		text, ok := oracleText(candidate)
		if ok && slices.Contains(o.values[pointer], text) {
			return true
		}
		if _, isString := candidate.(string); !isString {
			continue
		}
		for _, pattern := range o.patterns[pointer] {
			if match := pattern.FindStringIndex(text); match != nil && match[0] == 0 && match[1] == len(text) {
				return true
			}
		}
	}
	return false
}

func (o *oracle) hasScopes(claims any) bool {
	text, _ := oracleWalk(claims, "/scope").(string)
	held := map[string]bool{}
	for _, scope := range strings.Split(text, " ") {
		held[scope] = true
	}
	for _, scope := range o.scopes {
		if !held[scope] {
			return false
		}
	}
	return true
}

// isFresh reports whether the token is not too old. Unsure reports whether that may depend
// on rounding.
func (o *oracle) isFresh(claims any) (fresh, unsure bool) {
	if o.maxAge == 0 {
		return true, false
	}
	number, isNumber := oracleWalk(claims, "/iat").(json.Number)
	if !isNumber {
		return false, false
	}
	issuedAt, _, err := big.ParseFloat(string(number), 10, 300, big.ToNearestEven)
	if err != nil { // its exponent is out of range even for package big
		return false, true
	}
	age := new(big.Float).Sub(big.NewFloat(float64(now.Unix())), issuedAt)
	oldest, youngest := big.NewFloat(float64(o.maxAge+o.leeway)), big.NewFloat(float64(-o.leeway))
	for _, limit := range []*big.Float{oldest, youngest} {
		distance := new(big.Float).Abs(new(big.Float).Sub(age, limit))
		unsure = unsure || distance.Sign() > 0 && distance.Cmp(big.NewFloat(1e-5)) < 0
	}
	return age.Cmp(oldest) <= 0 && age.Cmp(youngest) >= 0, unsure
}

// oracleHeader returns what a header says about a claim.
func oracleHeader(claim any) string {
	list, isArray := claim.([]any)
	if !isArray {
		return oracleEncode(claim, "%")
	}
	var elements []string
	for _, element := range list {
		if _, ok := oracleText(element); ok {
			elements = append(elements, oracleEncode(element, "%,"))
		}
	}
	return strings.Join(elements, ",")
}

func oracleEncode(claim any, special string) string {
	text, _ := oracleText(claim)
	encoded := ""
	for _, c := range []byte(text) {
		if c < 0x21 || c > 0x7e || strings.Contains(special, string(rune(c))) {
			encoded += fmt.Sprintf("%%%02X", c)
		} else {
			encoded += string(rune(c))
		}
	}
	return encoded
}

// decide returns the kind of error that the token with these claims gets, and the headers
// of the response if there is none.
func (o *oracle) decide(claims any) (headers map[string]string, err error) {
	if fresh, _ := o.isFresh(claims); !fresh {
		return nil, ErrMaxAge
	}
	if !o.hasScopes(claims) {
		return nil, ErrScope
	}
	for _, pointer := range o.pointers {
		if !o.meets(claims, pointer) {
			return nil, ErrClaim
		}
	}
	headers = map[string]string{}
	for name, pointer := range o.sets {
		headers[name] = oracleHeader(oracleWalk(claims, pointer))
	}
	return headers, nil
}

var description = regexp.MustCompile(`^[\x20\x21\x23-\x5b\x5d-\x7e]+$`) // RFC 6750 §3

// checkAgainstOracle compares the two gates.
func checkAgainstOracle(t *testing.T, query string, claims []byte) {
	p, err := Parse(query)
	if errors.Is(err, errReserved) || errors.Is(err, errPatternComplex) || errors.Is(err, errPatternsComplex) {
		return // which other tests check
	}
	o, ok := newOracle(query)
	if (err == nil) != ok {
		t.Fatalf("%q: %v, but the oracle accepts it: %t", query, err, ok)
	}
	encode := base64.RawURLEncoding.EncodeToString
	token, errToken := jwtcore.Parse(encode([]byte(`{}`)) + "." + encode(claims) + ".")
	if err != nil || errToken != nil {
		return
	}
	var decoded any
	decoder := json.NewDecoder(strings.NewReader(string(claims)))
	decoder.UseNumber()
	if err := decoder.Decode(&decoded); err != nil {
		t.Fatalf("%q: %v", claims, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("%q: %v", claims, err)
	}
	if _, unsure := o.isFresh(decoded); unsure {
		return
	}
	want, wantErr := o.decide(decoded)
	values, err := p.Evaluate(&token, now)
	if !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) {
		t.Fatalf("%q, %q: %v, but the oracle returns: %v", query, claims, err, wantErr)
	}
	if err != nil {
		if !description.MatchString(err.Error()) {
			t.Fatalf("%q, %q: %q does not suit an error_description", query, claims, err)
		}
		return
	}
	got := map[string]string{}
	for i, name := range p.Headers() {
		got[name] = values[i]
	}
	checkVisibleASCII(t, values)
	if !maps.Equal(got, want) {
		t.Fatalf("%q, %q: %q, but the oracle returns: %q", query, claims, got, want)
	}
}

// seedQueries have each kind of parameter, right and wrong.
var seedQueries = []string{
	"/payload/data/role=admin", "/a=b&/a=c&/a~=[0-9]%2B&/a", "/email~=.%2B@example%5C.com", `/a~=(?m)^a$|\Qb`, "/a~=)|(", "/a/0=1.50&/a/01&/a/-",
	"/exp&scope=read&scope=write", "scope=a%20b", "scope=a+b", "max_age=60&leeway=30", "max_age=0", "leeway=301", "token=cookie:a&token=header:b&token=bearer", "token=c",
	"set=Remote-User:/sub&set=B:/a/b&set=C:/a", "set=A_b:/a&set=a-B:/b", "set=Token-Id:/a", "claims=off&preflight=X-Forwarded-Method", "claims=on",
	"//=&/~0~1%2F%7E01=%00", "/~2", "/%", "/%FF", "&", "=", "", "/a~0~=b", "/a%7E=b", "/a=true&/b=-0&/c=null&/d=1e2", "/a&/a/b&/a/0", "/scope~=.*&scope=x&set=S:/scope",
	"/a~=a*?|(b|c){2,}&/a~=", "/\u00e9=\u00e9", "/a=b&/%61=c",
}

// seedClaims have the kinds of values that seedQueries ask for.
var seedClaims = []string{
	`{}`, `{"payload":{"data":{"role":"admin"}}}`, `{"a":"b"}`, `{"a":["c",1.50,true,null,{"b":"7"},["x"],"7,%"]}`, `{"email":["\u0061da@example.com"]}`,
	`{"exp":1,"scope":"write read"}`, `{"exp":null,"scope":"read"}`, `{"iat":999910}`, `{"iat":999909}`, `{"iat":1000031}`, `{"iat":"1000000"}`, `{"iat":1e999999999}`, `{"iat":-1e-999999999}`, `{"iat":1e99999999999999999999}`,
	`{"sub":"a b\u00e9\r\n","a":{"b":false}}`, `{"":{"":""},"~/":{"~1":"\u0000"}}`, `{"a":true,"b":-0,"c":"null","d":1e2}`, `{"a~":"b"}`, `{"a":"a\nb"}`, `{"a":[[1.50],{"b":0}]}`,
	"{\"\u00e9\":\"\\u00e9\"}", `{"a":1,"a":2}`, `[]`, ` { "a" : [ 1.50 , "y" ] } `, `{"scope":["read"],"a":[]}`, `{"iat":1000000.5}`,
}

// TestAgainstOracle compares the two gates for all pairs of seeds.
func TestAgainstOracle(t *testing.T) {
	for _, query := range seedQueries {
		for _, claims := range seedClaims {
			checkAgainstOracle(t, query, []byte(claims))
		}
	}
}

// FuzzEvaluate compares the two gates for arbitrary queries and claims.
func FuzzEvaluate(f *testing.F) {
	for i, query := range seedQueries {
		f.Add(query, []byte(seedClaims[i%len(seedClaims)]))
	}
	f.Fuzz(checkAgainstOracle)
}
