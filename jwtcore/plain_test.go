package jwtcore

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// plainObjects are what isPlainObject is there to recognise.
var plainObjects = []string{
	`{}`,
	` { } `,
	`{"Token":"e30.e30.","Signing_key":"key"}`,
	`{"Token": "e30.e30.", "Signing_key": "key", "Key_encoding": null}`,
	`{"user_data":"this is test"}`,
	`{"user_data":{"name":"~ []{}:,","admin":true,"deleted":false,"id":0,"age":10}}`,
	`{"iat":1668676907,"exp":1668677807,"jti":"f10fb5f47461de4dd8c76113cad7803b","payload":{"data":"this is test","date":"2022-11-17"}}`,
	`{"":"","a":{"":"","a":{}},"b":{"a":1}}`,
	"{\"a\":\"\x7f\"}",
	members(maxPlainMembers),
	nested(maxPlainDepth),
}

// otherTexts are those that it leaves to the decoder. Some are valid.
var otherTexts = []string{
	"", " ", "{", "}", "{}}", "{} x", "{}{}", "{,}", `"{}"`, "[]", "null", "1", "{]", "({}", "[}", "1}", `"}`,
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1;"b":2}`, `{"a":1 "b":2}`, `{"a" 1}`, `{"a"::1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1`, `{"a":"`, `{"a`, `{"a":"b"`, `{"a":{}`, `{"a":1]`, `{"a":{]}`,
	`{"a":01}`, `{"a":00}`, `{"a":1.5}`, `{"a":-1}`, `{"a":1e2}`, `{"a":+1}`, `{"a":1 2}`, `{"a":0x1}`, `{"a":.5}`,
	`{"a":tru}`, `{"a":truefalse}`, `{"a":True}`, `{"a":nul`, `{"a":NaN}`, `{"a":undefined}`,
	`{"a":1,"a":2}`, `{"a":1,"b":2,"a":3}`, `{"a":{"b":1,"b":2}}`, `{"":1,"":2}`, `{"a":1,"\u0061":2}`,
	`{"a":"\n"}`, `{"a":"\\"}`, `{"a":"\"}`, `{"a":"` + "\n" + `"}`, `{"a":"` + "\x00" + `"}`, `{"a":"` + "\x1f" + `"}`, `{"a":"ä"}`, `{"a":"` + "\xff" + `"}`, `{"a":"` + "\x80" + `"}`, "\xef\xbb\xbf{}",
	"{\n}", "\t{}", "{}\r\n", "{}\x00", "{\x00}", "{}\f",
	`{"a":[]}`, `{"a":[1,"b"]}`,
	members(maxPlainMembers + 1), nested(maxPlainDepth + 1),
}

func members(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"%d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

func TestIsPlainObject(t *testing.T) {
	for _, text := range plainObjects {
		if !isPlainObject([]byte(text)) {
			t.Errorf("%q is not recognised", text)
		}
		for end := range strings.TrimSpace(text) { // so nothing is read beyond the end
			if isPlainObject([]byte(text)[:end:end]) {
				t.Errorf("%q is recognised", text[:end])
			}
		}
	}
	for _, text := range otherTexts {
		if isPlainObject([]byte(text)) {
			t.Errorf("%q is recognised", text)
		}
	}
}

// TestIsPlainObjectInShortTexts tries every text of up to seven bytes, and asks
// two decoders about what is recognised.
func TestIsPlainObjectInShortTexts(t *testing.T) {
	recognised := 0
	var try func(text []byte)
	try = func(text []byte) {
		if isPlainObject(text) {
			recognised++
			if !jsontext.Value(text).IsValid() || !json.Valid(text) {
				t.Errorf("%q is recognised, and is no JSON object", text)
			}
		}
		if len(text) == 7 {
			return
		}
		for _, c := range []byte(`{}":,01 `) {
			try(append(text, c))
		}
	}
	try(nil)
	if recognised == 0 {
		t.Error("nothing is recognised")
	}
}

// TestIsPlainText puts every byte in every place of a word, and behind the last.
func TestIsPlainText(t *testing.T) {
	for c := range 256 {
		want := c >= ' ' && c <= 0x7f && c != '\\'
		for at := range 20 {
			text := []byte("[ is plain~text... ]")
			text[at] = byte(c)
			if isPlainText(text) != want {
				t.Errorf("%q: %t", text, !want)
			}
		}
	}
}

// FuzzIsPlainObject holds what is recognised against two decoders.
func FuzzIsPlainObject(f *testing.F) {
	for _, text := range plainObjects {
		f.Add([]byte(text))
	}
	for _, text := range otherTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !isPlainObject(text) {
			return
		}
		if value := jsontext.Value(text); !value.IsValid() || value.Kind() != '{' || !json.Valid(text) {
			t.Errorf("%q is recognised, and is no JSON object", text)
		}
	})
}
