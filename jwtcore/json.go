package jwtcore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
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

// objectReader is a decoder with the buffer that it reads from, kept together
// so that both can be used again.
type objectReader struct {
	text    bytes.Buffer
	decoder jsontext.Decoder
}

var objectReaders = sync.Pool{New: func() any { return new(objectReader) }}

// ReadObject calls visit for each member of object, in order, and stops at the
// first error that visit returns. What a Member holds is part of object and
// must not be changed; only an escaped name is a copy.
//
// The text has to be exactly one JSON object as I-JSON has it (RFC 7493 §2):
// UTF-8, no lone surrogates, no name twice in one object at any depth however
// it is spelled, nothing but white space after it. It may nest 10,000 deep.
// Where it is not so, the error wraps ErrNotObject, names the byte at fault
// and quotes nothing. Members before that byte have been visited by then:
// whoever acts on them has to wait for ReadObject to return nil.
func ReadObject(object []byte, visit func(Member) error) error {
	reader := objectReaders.Get().(*objectReader)
	defer reader.release()
	reader.text = *bytes.NewBuffer(object)
	reader.decoder.Reset(&reader.text)
	decoder := &reader.decoder

	if first, err := decoder.ReadToken(); err != nil {
		return notObject(object, err)
	} else if first.Kind() != '{' {
		return fmt.Errorf("%w: it does not start with {", ErrNotObject)
	}
	for decoder.PeekKind() == '"' {
		member, err := readMember(decoder)
		if err != nil {
			return notObject(object, err)
		}
		if err := visit(member); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil { // the closing brace
		return notObject(object, err)
	}
	if _, err := decoder.ReadToken(); err == nil {
		return fmt.Errorf("%w: more JSON follows it", ErrNotObject)
	} else if err != io.EOF {
		return notObject(object, err)
	}
	return nil
}

// release gives the reader back without what it read.
func (r *objectReader) release() {
	r.text = bytes.Buffer{}
	r.decoder.Reset(&r.text)
	objectReaders.Put(r)
}

func readMember(decoder *jsontext.Decoder) (Member, error) {
	name, err := decoder.ReadValue()
	if err != nil {
		return Member{}, err
	}
	value, err := decoder.ReadValue()
	if err != nil {
		return Member{}, err
	}
	text, _ := StringValue(name)
	return Member{Name: text, Value: value}, nil
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

// notObject says where and why a text is not an object. The decoder's own
// words quote names and characters of the text, which may be secret.
func notObject(text []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrNotObject)
	}
	at := int(syntax.ByteOffset)
	return fmt.Errorf("%w: %s at byte %d", ErrNotObject, faultAt(text, at, err), at)
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
