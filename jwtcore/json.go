package jwtcore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many objects and arrays may stand inside one another. It is
// jsontext's own limit, and that of many other decoders.
const maxDepth = 10000

// Member is one member of a JSON object: its name, unescaped, and its value
// as it stands in the text, without the white space around it.
type Member struct {
	Name  []byte
	Value jsontext.Value
}

// ReadObject checks that object is exactly one JSON object, then calls visit
// for each of its members, in order, and stops at the first error that visit
// returns. What a Member holds is part of object and must not be changed; only
// an escaped name is a copy.
//
// The object has to be as I-JSON has it (RFC 7493 §2): UTF-8, no lone
// surrogates, no name twice in one object at any depth however it is spelled,
// nothing but white space after it. It may nest 10,000 deep. Where it is not
// so, nothing is visited, and the error wraps ErrNotObject, names the byte at
// fault and quotes nothing.
func ReadObject(object []byte, visit func(Member) error) error {
	var members [maxPlainMembers]Member
	if count, ok := plainMembers(object, &members); ok {
		for _, member := range members[:count] {
			if err := visit(member); err != nil {
				return err
			}
		}
		return nil
	}
	if err := checkObject(object); err != nil {
		return err
	}
	return visitMembers(object, visit)
}

// checkObject tells whether object is what ReadObject demands.
func checkObject(object jsontext.Value) error {
	if !object.IsValid() {
		return fmt.Errorf("%w: %s", ErrNotObject, fault(object))
	}
	if object.Kind() != '{' {
		return fmt.Errorf("%w: it does not start with {", ErrNotObject)
	}
	return nil
}

// visitMembers finds the members of an object that has been checked: in valid
// JSON, quotes and brackets are enough to tell where each ends. This takes half
// the time that asking the decoder for one after the other does.
func visitMembers(object []byte, visit func(Member) error) error {
	for at := skipSpace(object, skipSpace(object, 0)+1); object[at] != '}'; {
		nameEnd := stringEnd(object, at)
		name, _ := StringValue(object[at:nameEnd])
		valueStart := skipSpace(object, skipSpace(object, nameEnd)+1) // past the colon
		valueEnd := valueEnd(object, valueStart)
		if err := visit(Member{Name: name, Value: object[valueStart:valueEnd]}); err != nil {
			return err
		}
		at = skipSpace(object, valueEnd)
		if object[at] == ',' {
			at = skipSpace(object, at+1)
		}
	}
	return nil
}

// skipSpace returns where the white space that starts at a place ends.
func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// stringEnd returns where the JSON string that starts at a place ends.
func stringEnd(text []byte, at int) int {
	for {
		at++
		at += bytes.IndexByte(text[at:], '"')
		backslashes := at
		for text[backslashes-1] == '\\' {
			backslashes--
		}
		if (at-backslashes)%2 == 0 { // the quote is not escaped
			return at + 1
		}
	}
}

// valueEnd returns where the value that starts at a place in an object ends.
func valueEnd(text []byte, at int) int {
	depth := 0
	for {
		switch text[at] {
		case '"':
			at = stringEnd(text, at)
		case '{', '[':
			depth++
			at++
			continue
		case '}', ']':
			if depth == 0 {
				return at // of the object: a number or a literal ends before it
			}
			depth--
			at++
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
			at++
			continue
		default:
			at++
			continue
		}
		if depth == 0 {
			return at
		}
	}
}

// StringValue returns the text of a valid JSON string, unescaped, as UTF-8;
// ok is false where value is of another type. The text is part of value where
// nothing in it is escaped.
func StringValue(value jsontext.Value) (text []byte, ok bool) {
	if value.Kind() != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return text, err == nil
}

// fault says where and why a text is not one JSON value. The decoder's own
// words quote names and characters of the text, which may be secret.
func fault(text []byte) string {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text))
	_, err := decoder.ReadValue()
	if err == nil {
		return fmt.Sprintf("more text follows it at byte %d", skipSpace(text, int(decoder.InputOffset())))
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	at := int(syntax.ByteOffset)
	return fmt.Sprintf("%s at byte %d", faultAt(text, at, err), at)
}

func faultAt(text []byte, at int, err error) string {
	character, size := utf8.DecodeRune(text[at:])
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "a member name that stands twice"
	case character == utf8.RuneError && size == 1:
		return "invalid UTF-8"
	case character == '\\':
		return "an escape sequence that stands for no character"
	case at >= maxDepth:
		return fmt.Sprintf("a syntax error, or nesting over %d levels,", maxDepth)
	default:
		return "a syntax error"
	}
}
