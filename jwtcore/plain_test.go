package jwtcore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// plainObjects are what plainMembers is there to recognise.
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

func TestPlainMembers(t *testing.T) {
	for _, text := range plainObjects {
		if !checkPlainMembers(t, []byte(text)) {
			t.Errorf("%q is not recognised", text)
		}
		for end := range strings.TrimSpace(text) { // nothing is read beyond the end
			if checkPlainMembers(t, []byte(text)[:end:end]) {
				t.Errorf("%q is recognised", text[:end])
			}
		}
	}
	for _, text := range otherTexts {
		if checkPlainMembers(t, []byte(text)) {
			t.Errorf("%q is recognised", text)
		}
	}
}

// TestPlainMembersOfShortTexts tries every text of up to seven of the characters
// that a small object is made of.
func TestPlainMembersOfShortTexts(t *testing.T) {
	recognised := 0
	var try func(text []byte)
	try = func(text []byte) {
		if checkPlainMembers(t, text) {
			recognised++
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

func FuzzPlainMembers(f *testing.F) {
	for _, text := range slices.Concat(plainObjects, otherTexts) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkPlainMembers(t, text) })
}

// checkPlainMembers reports whether plainMembers recognises a text. Where it does,
// two decoders have to take it, and visitMembers has to find the same in it.
func checkPlainMembers(t *testing.T, text []byte) bool {
	t.Helper()
	var members [maxPlainMembers]Member
	count, ok := plainMembers(text, &members)
	if !ok {
		return false
	}
	if err := checkObject(text); err != nil || !json.Valid(text) {
		t.Errorf("%q is recognised, and is no JSON object: %v", text, err)
		return true
	}
	var want []Member
	visitMembers(text, func(member Member) error {
		want = append(want, member)
		return nil
	})
	same := func(a, b Member) bool { return bytes.Equal(a.Name, b.Name) && bytes.Equal(a.Value, b.Value) }
	if !slices.EqualFunc(members[:count], want, same) {
		t.Errorf("%q has the members %q, want %q", text, slices.Clone(members[:count]), want)
	}
	return true
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
