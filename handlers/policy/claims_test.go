package policy

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestConditions checks whether conditions on claims hold.
func TestConditions(t *testing.T) {
	for _, test := range []struct {
		query, claims string
		holds         bool
	}{
		// A string.
		{"/payload/data/role=admin", `{"payload":{"data":{"role":"admin"}}}`, true},
		{"/payload/data/role=admin", `{"payload":{"data":{"role":"Admin"}}}`, false},
		{"/payload/data/role=admin", `{"payload":{"data":{"role":"admin "}}}`, false},
		{"/payload/data/role=admin", `{"payload":{"data":{"role":"administrator"}}}`, false},
		{"/payload/data/role=admin", `{"payload":{"data":{"Role":"admin"}}}`, false},
		{"/payload/data/role=admin", `{"payload":{"data":"role"}}`, false},
		{"/payload/data/role=admin", `{"payload":{"role":"admin"}}`, false},
		{"/payload/data/role=admin", `{"role":"admin"}`, false},
		{"/payload/data/role=admin", `{"payload/data/role":"admin"}`, false},
		{"/payload/data/role=admin", `{}`, false},
		{"/a=", `{"a":""}`, true},
		{"/a=", `{"a":" "}`, false},
		{"/a=", `{"a":null}`, false},
		{"/a=", `{}`, false},
		{"/a=b=c", `{"a":"b=c"}`, true},
		{"/a==", `{"a":"="}`, true},
		{"/a=b?c#d;e", `{"a":"b?c#d;e"}`, true},

		// A string with escapes in the token.
		{"/a=admin", `{"\u0061":"\u0061dmin"}`, true},
		{"/a=%5Cu0061", `{"a":"a"}`, false},
		{"/a=%5Cu0061", `{"a":"\\u0061"}`, true},
		{"/a=%22", `{"a":"\""}`, true},
		{"/a=/", `{"a":"\/"}`, true},
		{"/a=%F0%9F%98%80", `{"a":"\ud83d\ude00"}`, true},
		{"/a=%0A", `{"a":"\n"}`, true},
		{"/a=%00", `{"a":"\u0000"}`, true},
		{"/a=", `{"a":"\u0000"}`, false},
		{"/a=%C3%A9", `{"a":"` + "e\u0301" + `"}`, false}, // no Unicode normalization

		// A number as it is spelled.
		{"/a=1.50", `{"a":1.50}`, true},
		{"/a=1.5", `{"a":1.50}`, false},
		{"/a=1.50", `{"a":1.5}`, false},
		{"/a=1e2", `{"a":1e2}`, true},
		{"/a=1e2", `{"a":1E2}`, false},
		{"/a=1e+2", `{"a":1e+2}`, true},
		{"/a=1e+2", `{"a":1e2}`, false},
		{"/a=100", `{"a":1e2}`, false},
		{"/a=-0", `{"a":-0}`, true},
		{"/a=0", `{"a":-0}`, false},
		{"/a=12345678901234567890123", `{"a": 12345678901234567890123 }`, true},
		{"/a=12345678901234567890124", `{"a":12345678901234567890123}`, false},
		{"/a=9007199254740993", `{"a":9007199254740992}`, false},
		{"/a=1e999", `{"a":1e999}`, true},
		{"/a=7", `{"a":"7"}`, true},

		// True and false.
		{"/a=true", `{"a":true}`, true},
		{"/a=true", `{"a":"true"}`, true},
		{"/a=true", `{"a":false}`, false},
		{"/a=false", `{"a":false}`, true},
		{"/a=True", `{"a":true}`, false},
		{"/a=1", `{"a":true}`, false},

		// Null and objects have no value that a query can spell.
		{"/a=null", `{"a":null}`, false},
		{"/a=null", `{"a":"null"}`, true},
		{"/a={}", `{"a":{}}`, false},
		{"/a=[]", `{"a":[]}`, false},
		{"/a=b", `{"a":{"b":"b"}}`, false},
		{"/a={\"b\":1}", `{"a":{"b":1}}`, false},

		// Arrays.
		{"/a=b", `{"a":["a",1,null,{"b":"b"},["b"],"b"]}`, true},
		{"/a=1.0", `{"a":["a",1.0]}`, true},
		{"/a=true", `{"a":[true]}`, true},
		{"/a=b", `{"a":[ "\u0062" ]}`, true},
		{"/a=b", `{"a":["a",["b"]]}`, false},
		{"/a=b", `{"a":[{"b":"b"}]}`, false},
		{"/a=null", `{"a":[null]}`, false},
		{"/a=", `{"a":[]}`, false},
		{"/a=", `{"a":[""]}`, true},
		{"/a=b,c", `{"a":["b","c"]}`, false},

		// Existence.
		{"/a", `{"a":"x"}`, true},
		{"/a", `{"a":""}`, true},
		{"/a", `{"a":0}`, true},
		{"/a", `{"a":false}`, true},
		{"/a", `{"a":{}}`, true},
		{"/a", `{"a":[]}`, true},
		{"/a", `{"a":[null]}`, true},
		{"/a", `{"a":null}`, false},
		{"/a", `{"b":"a"}`, false},
		{"/a", `{}`, false},
		{"/a/b", `{"a":{"b":{"c":null}}}`, true},
		{"/a/b/c", `{"a":{"b":{"c":null}}}`, false},

		// Several values and patterns at one pointer; different pointers.
		{"/a=b&/a=c", `{"a":"b"}`, true},
		{"/a=b&/a=c", `{"a":"c"}`, true},
		{"/a=b&/a=c", `{"a":"d"}`, false},
		{"/a=b&/a~=[0-9]", `{"a":"b"}`, true},
		{"/a=b&/a~=[0-9]", `{"a":"7"}`, true},
		{"/a~=[0-9]&/a=b", `{"a":"c"}`, false},
		{"/a~=x&/a~=y", `{"a":["z","y"]}`, true},
		{"/a=b&/b=c&/a=d", `{"a":"d","b":"c"}`, true},
		{"/a=b&/b=c&/a=d", `{"a":"d"}`, false},
		{"/a=b&/b=c&/a=d", `{"b":"c"}`, false},
		{"/a&/b", `{"a":1}`, false},
		{"/a&/b", `{"b":1}`, false},
		{"/a&/b", `{"b":1,"a":2}`, true},

		// Existence beside values demands no more and no less than the values.
		{"/a&/a=b", `{"a":"b"}`, true},
		{"/a&/a=b", `{"a":"c"}`, false},
		{"/a=b&/a", `{"a":"c"}`, false},
		{"/a~=b&/a", `{"a":["c"]}`, false},
		{"/a&/a", `{"a":["c"]}`, true},

		// The same pointer in two spellings.
		{"/a=b&/%61=c", `{"a":"c"}`, true},
		{"/a/b=b&%2Fa%2fb=c", `{"a":{"b":"b"}}`, true},
		{"/~0=b&/%7E0=c", `{"~":"c"}`, true},

		// Conditions inside a claim that has one itself.
		{"/a&/a/b=c", `{"a":{"b":"c"}}`, true},
		{"/a&/a/b=c", `{"a":{"b":"d"}}`, false},
		{"/a/b&/a=x", `{"a":{"b":1}}`, false},
		{"/a=x&/a/0=y", `{"a":["y","x"]}`, true},
		{"/a=x&/a/1=y", `{"a":["y","x"]}`, false},
		{"/a/1&/a/0/b=c&/a=z", `{"a":[{"b":"c"},1,"z"]}`, true},
	} {
		_, err := evaluate(t, test.query, test.claims)
		if test.holds != (err == nil) || err != nil && !errors.Is(err, ErrClaim) {
			t.Errorf("%s, %s: %v, want it to hold: %t", test.query, test.claims, err, test.holds)
		}
	}
}

// TestPointers follows JSON Pointers to claims. The first are the examples of RFC 6901 §5
// and §6, with the value that each leads to.
func TestPointers(t *testing.T) {
	const example = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}`
	for _, test := range []struct {
		query, claims string
		holds         bool
	}{
		{`/foo=bar&/foo/0=bar&/=0&/a~1b=1&/c%25d=2&/e^f=3&/g|h=4&/i\j=5&/k"l=6&/ =7&/m~0n=8`, example, true},
		{`/foo=baz&/foo/0=bar&/=0&/a~1b=1&/c%25d=2&/e%5Ef=3&/g%7Ch=4&/i%5Cj=5&/k%22l=6&/%20=7&/m~0n=8`, example, true},
		{"/foo/1=baz", example, true},
		{"/foo/2", example, false},
		{"/foo/-", example, false},

		{"/~0=1", `{"~":1}`, true},
		{"/~1=1", `{"/":1}`, true},
		{"/~01=1", `{"~1":1}`, true},
		{"/~01=1", `{"/":1}`, false},
		{"/~00=1", `{"~0":1}`, true},
		{"/~10=1", `{"/0":1}`, true},
		{"/~0~1~0=1", `{"~/~":1}`, true},
		{"/a~1b=1", `{"a":{"b":1}}`, false},
		{"/a%2Fb=1", `{"a":{"b":1}}`, true}, // decoded before it is split, as in RFC 6901 §6
		{"/a%2Fb=1", `{"a/b":1}`, false},
		{"/a+b=1+1", `{"a+b":"1+1"}`, true},
		{"/a+b=1", `{"a b":1}`, false},
		{"/a%3Db=1", `{"a=b":1}`, true},
		{"/a%26b=%26", `{"a&b":"&"}`, true},
		{"/%C3%A9=1", `{"\u00e9":1}`, true},
		{"/\u00e9=1", `{"\u00e9":1}`, true},
		{"/%00=1", `{"\u0000":1}`, true},

		{"/=1", `{"":1}`, true},
		{"//=1", `{"":{"":1}}`, true},
		{"//=1", `{"":1}`, false},
		{"/a/=1", `{"a":{"":1}}`, true},
		{"/a/=1", `{"a":1}`, false},

		{"/a/0", `{"a":["x"]}`, true},
		{"/a/0", `{"a":[null]}`, false},
		{"/a/00", `{"a":["x"]}`, false},
		{"/a/+0", `{"a":["x"]}`, false},
		{"/a/-0", `{"a":["x"]}`, false},
		{"/a/0.0", `{"a":["x"]}`, false},
		{"/a/01", `{"a":["x","y"]}`, false},
		{"/a/1e0", `{"a":["x","y"]}`, false},
		{"/a/18446744073709551616", `{"a":["x"]}`, false}, // 2^64
		{"/a/", `{"a":["x"]}`, false},
		{"/a/length", `{"a":["x"]}`, false},
		{"/a/11=l", `{"a":["a","b","c","d","e","f","g","h","i","j","k","l"]}`, true},
		{"/a/0/1/0=x", `{"a":[[1,["x"]]]}`, true},
		{"/a/0=b", `{"a":[["b"]]}`, true},
		{"/a/0=b", `{"a":[[["b"]]]}`, false},
		{"/a/01=x", `{"a":{"01":"x"}}`, true},
		{"/a/-=x", `{"a":{"-":"x"}}`, true},
		{"/a/0", `{"a":"x"}`, false},
		{"/a/b", `{"a":null}`, false},
	} {
		_, err := evaluate(t, test.query, test.claims)
		if test.holds != (err == nil) || err != nil && !errors.Is(err, ErrClaim) {
			t.Errorf("%s, %s: %v, want it to hold: %t", test.query, test.claims, err, test.holds)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, test := range []struct {
		query, claims string
		holds         bool
	}{
		{"scope=read", `{"scope":"read"}`, true},
		{"scope=read", `{"scope":"email profile read phone"}`, true}, // like the example of RFC 8693 §4.2
		{"scope=read", `{"sc\u006fpe":"\u0072ead"}`, true},
		{"scope=read", `{"scope":"  read "}`, true},
		{"scope=read", `{"scope":"Read"}`, false},
		{"scope=read", `{"scope":"reader"}`, false},
		{"scope=read", `{"scope":"unread"}`, false},
		{"scope=read", `{"scope":"read,write"}`, false},
		{"scope=read", `{"scope":"read\twrite"}`, false},
		{"scope=read", `{"scope":""}`, false},
		{"scope=read", `{"scope":null}`, false},
		{"scope=read", `{"scope":["read"]}`, false},
		{"scope=read", `{"scope":{"read":"read"}}`, false},
		{"scope=true", `{"scope":true}`, false},
		{"scope=1", `{"scope":1}`, false},
		{"scope=read", `{"scp":"read"}`, false},
		{"scope=read", `{"payload":{"scope":"read"}}`, false},
		{"scope=read", `{}`, false},
		{"scope=read&scope=write", `{"scope":"write read"}`, true},
		{"scope=read&scope=write", `{"scope":"read"}`, false},
		{"scope=read&scope=write", `{"scope":"write"}`, false},
		{"scope=read&scope=read", `{"scope":"read"}`, true},
		{"scope=a%2Bb&scope=a%22", `{"scope":"a\" a+b"}`, true},
		{"scope=a+b", `{"scope":"a+b"}`, true},
		{"scope=a+b", `{"scope":"a b"}`, false},
		{"scope=read&/scope=read write", `{"scope":"read write"}`, true},
	} {
		_, err := evaluate(t, test.query, test.claims)
		if test.holds != (err == nil) || err != nil && !errors.Is(err, ErrScope) {
			t.Errorf("%s, %s: %v, want it to hold: %t", test.query, test.claims, err, test.holds)
		}
	}
}

// TestStepsAreBounded checks that patterns match no text that would take them too long,
// and that a long list of short texts, or a simple pattern, is no such case.
func TestStepsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 11_000)
	for query, want := range map[string]bool{
		"/a~=x%2B":            true,
		"/a~=x*.{300}x":       true,
		"/a~=x*.{900}x":       false,
		"/a~=y&/a~=.*.{390}x": false,
		"/b~=x":               true,
		"/c~=.*.{900}x&/b~=x": false, // and nothing matches after it
		"/a~=x*.{300}x&/d~=z": true,
	} {
		p, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Evaluate(tokenOf(t, `{"c":"`+long+`","a":"`+long+`","b":["y","x"],"d":"z"}`), time.Unix(1, 0))
		if got := err == nil; got != want {
			t.Errorf("%s: %v, want it to pass: %t", query, err, want)
		}
	}
}
