package ijson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// members calls ReadObject and returns the members that it visits, as text.
func members(object string) (string, error) {
	var text strings.Builder
	err := ReadObject([]byte(object), func(name []byte, value jsontext.Value) {
		fmt.Fprintf(&text, "%s=%s;", name, value)
	})
	return text.String(), err
}

func TestReadObject(t *testing.T) {
	deepest := strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1)
	tests := []struct{ object, want string }{
		{`{}`, ""},
		{" \t\r\n{ \t\r\n} \t\r\n", ""},
		{`{"a":1}`, "a=1;"},
		{"{\n\t\"z\" : [1 , 2] ,\r\n \"a\" : \" \" }", `z=[1 , 2];a=" ";`},
		{`{"a":-0.50E+1,"b":true,"c":false,"d":null,"e":{"f":{}},"g":"h"}`, `a=-0.50E+1;b=true;c=false;d=null;e={"f":{}};g="h";`},
		{`{"\u0061\"\/":"\ud83d\ude00"}`, `a"/="\ud83d\ude00";`},
		{`{"":1,"A":2,"a":3,"Ä":4}`, "=1;A=2;a=3;Ä=4;"},
		{`{"a":{"b":1},"b":{"b":1}}`, `a={"b":1};b={"b":1};`},
		{`{"a":` + deepest + `}`, "a=" + deepest + ";"},
	}
	for _, test := range tests {
		if got, err := members(test.object); got != test.want || err != nil {
			t.Errorf("%.80s: %.80s, %v, want %.80s", test.object, got, err, test.want)
		}
	}
}

func TestIsArrayOfStrings(t *testing.T) {
	for value, want := range map[string]bool{
		`[]`:              true,
		` [ ] `:           true,
		`["a"]`:           true,
		` [ "a" , "]" ] `: true,
		`["a",1]`:         false,
		`["a",null]`:      false,
		`[["a"]]`:         false,
		`[{}]`:            false,
		`"a"`:             false,
		`{"a":"b"}`:       false,
		`{}`:              false,
		`null`:            false,
	} {
		if got := IsArrayOfStrings(jsontext.Value(value)); got != want {
			t.Errorf("%s: %t, want %t", value, got, want)
		}
	}
}

// TestDecode reads values token by token. Two decoders that are in use at the same time
// must not share what they read.
func TestDecode(t *testing.T) {
	read := func(decoder *jsontext.Decoder) (tokens string) {
		for {
			token, err := decoder.ReadToken()
			if err != nil {
				return tokens
			}
			tokens += token.String() + ";"
		}
	}
	for value, want := range map[string]string{
		`1.50`:                                 "1.50;",
		` [ "\u0061" , null , { } ] `:          "[;a;null;{;};];",
		`{"a":{"b":[true]},"c":-0}`:            "{;a;{;b;[;true;];};c;-0;};",
		``:                                     "",
		`{"` + strings.Repeat("a", 9999) + `"`: "{;" + strings.Repeat("a", 9999) + ";",
	} {
		var got, inner string
		Decode(jsontext.Value(value), func(outer *jsontext.Decoder) {
			Decode(jsontext.Value(value), func(decoder *jsontext.Decoder) { inner = read(decoder) })
			got = read(outer)
		})
		if got != want || inner != want {
			t.Errorf("%.80s: %.80s and %.80s, want %.80s", value, got, inner, want)
		}
	}
}

func TestReadObjectRefuses(t *testing.T) {
	tests := []struct{ text, reason string }{
		{``, "it ends too early"},
		{` `, "it ends too early"},
		{`{`, "it ends too early"},
		{`{"a"`, "it ends too early"},
		{`{"a":`, "it ends too early"},
		{`{"a":1`, "it ends too early"},
		{`{"a":1,`, "it ends too early"},
		{`{"a":"b`, "it ends too early"},
		{`null`, "it does not start with {"},
		{`[{}]`, "it does not start with {"},
		{`"{}"`, "it does not start with {"},
		{`1`, "it does not start with {"},
		{`}`, "a syntax error at byte 0"},
		{"\ufeff{}", "a syntax error at byte 0"},
		{`{"a":1}x`, "more text follows it at byte 7"},
		{"{} \r\n\t{}", "more text follows it at byte 6"},
		{"{}\x00", "more text follows it at byte 2"},
		{"{}\v", "more text follows it at byte 2"},
		{`{"a":1,}`, "a syntax error at byte 6"},
		{`{,"a":1}`, "a syntax error at byte 1"},
		{`{a:1}`, "a syntax error at byte 1"},
		{`{'a':1}`, "a syntax error at byte 1"},
		{`{"a" 1}`, "a syntax error at byte 5"},
		{`{"a":1 "b":2}`, "a syntax error at byte 7"},
		{`{1:1}`, "a syntax error at byte 1"},
		{`{"a":01}`, "a syntax error at byte 6"},
		{`{"a":.5}`, "a syntax error at byte 5"},
		{`{"a":+1}`, "a syntax error at byte 5"},
		{`{"a":1.}`, "a syntax error at byte 7"},
		{"{\"a\":\ufffd}", "a syntax error at byte 5"},
		{`{"a":NaN}`, "a syntax error at byte 5"},
		{`{"a":truE}`, "a syntax error at byte 8"},
		{`{/**/}`, "a syntax error at byte 1"},
		{"{\"a\":\"\n\"}", "a syntax error at byte 6"},
		{`{"a":"\x"}`, "an escape sequence at byte 6 represents no character"},
		{`{"a":"\ud800"}`, "an escape sequence at byte 6 represents no character"},
		{`{"a":"\udc00\ud800"}`, "an escape sequence at byte 6 represents no character"},
		{`{"\udc00":1}`, "an escape sequence at byte 2 represents no character"},
		{"{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6"},
		{"{\"\xc0\xaf\":1}", "invalid UTF-8 at byte 2"},
		{"{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8 at byte 6"},
		{`{"a":1,"a":1}`, "a member name occurs twice, again at byte 7"},
		{`{"a":1,"\u0061":2}`, "a member name occurs twice, again at byte 7"},
		{`{"":1,"":2}`, "a member name occurs twice, again at byte 6"},
		{`{"a":[{"b":1,"c":2,"b":3}]}`, "a member name occurs twice, again at byte 19"},
		{`{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, "nesting deeper than 10000 levels, at byte 10004"},
		{strings.Repeat(`{"a":`, 100_000), "nesting deeper than 10000 levels, at byte 50000"},
		{"{\"" + strings.Repeat("a", MaxDepth-5) + "\":x}", "a syntax error at byte 9999"},
		{"{\"" + strings.Repeat("a", MaxDepth-4) + "\":x}", "a syntax error, or nesting deeper than 10000 levels, at byte 10000"},
	}
	for _, test := range tests {
		_, err := members(test.text)
		if !errors.Is(err, ErrNotObject) || !strings.HasSuffix(err.Error(), test.reason) {
			t.Errorf("%.80q: %v, want %q", test.text, err, test.reason)
		}
	}
}

func TestCheck(t *testing.T) {
	deepest := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `-0.50E+1`, `true`, `false`, `null`, " \t\r\n1 \t\r\n", `{"a":{"a":[1,{}]}}`, `"\ud83d\ude00"`, deepest,
	} {
		if err := Check([]byte(text)); err != nil {
			t.Errorf("%.80q: %v", text, err)
		}
	}
	for _, test := range []struct{ text, reason string }{
		{``, "it ends too early"},
		{" \n", "it ends too early"},
		{`-`, "it ends too early"},
		{`"a`, "it ends too early"},
		{`{"a":1`, "it ends too early"},
		{`hello`, "a syntax error at byte 0"},
		{`'a'`, "a syntax error at byte 0"},
		{"\ufeff1", "a syntax error at byte 0"},
		{`}`, "a syntax error at byte 0"},
		{`,1`, "a syntax error at byte 0"},
		{`[1,]`, "a syntax error at byte 3"},
		{`nul`, "it ends too early"},
		{`nulL`, "a syntax error at byte 3"},
		{`1x`, "more text follows it at byte 1"},
		{`01`, "more text follows it at byte 1"},
		{`1 2`, "more text follows it at byte 2"},
		{`1,`, "more text follows it at byte 1"},
		{"{}\x00", "more text follows it at byte 2"},
		{`"\ud800"`, "an escape sequence at byte 1 represents no character"},
		{"\"\xff\"", "invalid UTF-8 at byte 1"},
		{"\xff", "invalid UTF-8 at byte 0"},
		{`{"a":1,"\u0061":2}`, "a member name occurs twice, again at byte 7"},
		{`[{"b":1,"c":2,"b":3}]`, "a member name occurs twice, again at byte 14"},
		{"[" + deepest + "]", "nesting deeper than 10000 levels, at byte 10000"},
	} {
		if err := Check([]byte(test.text)); !errors.Is(err, ErrNotValue) || !strings.HasSuffix(err.Error(), test.reason) {
			t.Errorf("%.80q: %v, want %q", test.text, err, test.reason)
		}
	}
}

// FuzzCheck compares Check with ReadObject, which reads the text as the value of a member.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `[1,{}] `, `"\ud800"`, "1 ", "1}", `1,"b":2`, "\xff", "null", "-"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members := 0
		err := ReadObject([]byte(`{"a":`+text+`}`), func([]byte, jsontext.Value) { members++ })
		if got, want := Check([]byte(text)) == nil, err == nil && members == 1; got != want && len(text) < MaxDepth {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	})
}

// TestErrorsQuoteNothing puts a secret into every part of a faulty text.
func TestErrorsQuoteNothing(t *testing.T) {
	const secret = "Secret"
	for _, text := range []string{
		secret, `{"` + secret + `"`, `{"` + secret + `":1,"` + secret + `":2}`, `{"a":"` + secret + "\n\"}", `{"a":"\` + secret + `"}`, `{"a":` + secret + `}`, `{}` + secret, "{\"" + secret + "\xff\":1}",
	} {
		if _, err := members(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
		if err := Check([]byte(text)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Check of %q: %v", text, err)
		}
	}
}

// TestReadObjectSharesNoCapacity checks that appending to a name or a value leaves
// the object alone.
func TestReadObjectSharesNoCapacity(t *testing.T) {
	object := []byte(`{"a":1,"b":2}`)
	before := string(object)
	err := ReadObject(object, func(name []byte, value jsontext.Value) {
		_ = append(name, '!')
		_ = append(value, '!')
	})
	if err != nil || string(object) != before {
		t.Errorf("%s, %v, want %s", object, err, before)
	}
}

// TestReaderIsReleasedEmpty checks that a pooled reader holds no text.
func TestReaderIsReleasedEmpty(t *testing.T) {
	r := newReader([]byte(`{"a":1}`))
	if _, err := r.decoder.ReadToken(); err != nil {
		t.Fatal(err)
	}
	r.release()
	if r.buffer.Cap() != 0 || len(r.decoder.UnreadBuffer()) != 0 {
		t.Errorf("the reader holds %q", r.decoder.UnreadBuffer())
	}
}

func TestText(t *testing.T) {
	tests := []struct {
		value, text string
		ok          bool
	}{
		{`""`, "", true},
		{`"a"`, "a", true},
		{`"a\n\u0000\ud83d\ude00\\\""`, "a\n\x00😀\\\"", true},
		{`1`, "", false}, {`null`, "", false}, {`["a"]`, "", false}, {`{"a":"a"}`, "", false}, {``, "", false},
	}
	for _, test := range tests {
		if text, ok := Text(jsontext.Value(test.value)); string(text) != test.text || ok != test.ok {
			t.Errorf("%s: %q, %t, want %q, %t", test.value, text, ok, test.text, test.ok)
		}
	}
}

func TestDepth(t *testing.T) {
	tests := map[string]int{
		`1`: 0, `"[[["`: 0, `null`: 0, `[]`: 1, `{}`: 1, ` [ ] `: 1, `[1,"[",[[]],{}]`: 3, `{"a":{"b":[1]}}`: 3, `[[],[],[[]]]`: 3,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth): MaxDepth,
	}
	for value, want := range tests {
		if got := Depth(jsontext.Value(value)); got != want {
			t.Errorf("%.80s: %d, want %d", value, got, want)
		}
	}
}

func TestAppendCompact(t *testing.T) {
	tests := []struct{ value, want string }{
		{" \t\r\n1.50", `1.50`},
		{"\"\\u0061 \\/\" \t\r\n", `"\u0061 \/"`},
		{"null", `null`},
		{" { \"b\" : 1E+2 ,\r\n\t\"\\u0061\" : [ ] } ", `{"b":1E+2,"\u0061":[]}`},
		{" [ -0 , { \"a\" : true } ] ", `[-0,{"a":true}]`},
		{`{"a" : 1, "a" : 2}`, `{"a":1,"a":2}`},
	}
	for _, test := range tests {
		if got := AppendCompact([]byte("before "), jsontext.Value(test.value)); string(got) != "before "+test.want {
			t.Errorf("%q became %s, want before %s", test.value, got, test.want)
		}
	}
}

func TestAppendCompactPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for an invalid value")
		}
	}()
	AppendCompact(nil, jsontext.Value(`[`))
}

// FuzzReadObject reads arbitrary text. If ReadObject accepts it, encoding/json
// finds the same members in it, and compacts them in the same way.
func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{`{}`, ` {"a" : [1, {"b":"\u0061"}] , "c":-0.50E+1} `, `{"a":1,"a":2}`, `{"\ud800":1}`, `{"a":1} x`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		before := bytes.Clone(object)
		var order []string
		values := map[string]json.RawMessage{}
		err := ReadObject(object, func(name []byte, value jsontext.Value) {
			order = append(order, string(name))
			values[string(name)] = json.RawMessage(value)
		})
		if !bytes.Equal(object, before) {
			t.Fatalf("ReadObject changed its input %q to %q", before, object)
		}
		if err != nil {
			if !errors.Is(err, ErrNotObject) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v", object, err)
			}
			return
		}
		var oracle map[string]json.RawMessage
		if err := json.Unmarshal(object, &oracle); err != nil {
			t.Fatalf("%q: ReadObject accepts it, but encoding/json returns: %v", object, err)
		}
		if len(order) != len(oracle) || len(values) != len(oracle) {
			t.Fatalf("%q: the members are %q, but encoding/json finds %d", object, order, len(oracle))
		}
		for name, value := range oracle {
			if string(values[name]) != string(value) {
				t.Fatalf("%q: %q is %s, but encoding/json finds %s", object, name, values[name], value)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, value); err != nil {
				t.Fatal(err)
			}
			if got := AppendCompact([]byte("before "), jsontext.Value(value)); string(got) != "before "+want.String() {
				t.Fatalf("%s: compacted to %s, want %s", value, got, want.String())
			}
		}
	})
}

func ExampleReadObject() {
	print := func(name []byte, value jsontext.Value) { fmt.Printf("%s is %s\n", name, value) }
	fmt.Println(ReadObject([]byte(`{"b": 1.50, "\u0061": [true]}`), print))
	fmt.Println(ReadObject([]byte(`{"c": 1, "\u0063": 2}`), print))
	// Output:
	// b is 1.50
	// a is [true]
	// <nil>
	// c is 1
	// not one JSON object: a member name occurs twice, again at byte 9
}

func BenchmarkReadObject(b *testing.B) {
	object := []byte(`{"iat":1668676907,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}}`)
	b.ReportAllocs()
	for b.Loop() {
		ReadObject(object, func([]byte, jsontext.Value) {})
	}
}
