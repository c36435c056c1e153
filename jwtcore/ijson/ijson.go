// Package ijson reads JSON as strictly as I-JSON demands (RFC 7493 §2): UTF-8
// without lone surrogates, no member name twice in one object however it is
// escaped, and nothing but white space after the value. Two readers of such a
// text cannot understand it differently.
//
// Values are passed on as they are spelled, because decoding and encoding them
// would change numbers and the order of members. No error quotes the text, which
// may be secret.
package ijson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrNotObject is wrapped by all errors about a text that is not exactly one
// object, and ErrNotValue by those about a text that is not exactly one value.
var (
	ErrNotObject = errors.New("not one JSON object")
	ErrNotValue  = errors.New("not one JSON value")
)

// MaxDepth is how deeply objects and arrays may nest. It is the limit of package
// jsontext, and of many other decoders.
const MaxDepth = 10_000

// reader is a decoder that reads from memory. It is pooled.
type reader struct {
	buffer  bytes.Buffer
	decoder jsontext.Decoder
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// newReader returns a reader of text, which must not change until release.
func newReader(text []byte) *reader {
	r := readers.Get().(*reader)
	r.buffer = *bytes.NewBuffer(text)
	r.decoder.Reset(&r.buffer) // reads from the buffer's memory, without a copy
	return r
}

// release returns r to the pool, without a reference to what it has read.
func (r *reader) release() {
	r.buffer = bytes.Buffer{}
	r.decoder.Reset(&r.buffer)
	readers.Put(r)
}

// ReadObject calls visit for each member of object, in order. Name is the
// member's name without quotes and escapes. Value is the part of object that
// spells the member's value; it must not be modified.
//
// ReadObject returns an error that wraps ErrNotObject if object is not exactly
// one JSON object, or nests deeper than MaxDepth. The error names the byte at
// fault. It may return an error after it has called visit for the members before
// the fault: if so, discard them.
func ReadObject(object []byte, visit func(name []byte, value jsontext.Value)) error {
	r := newReader(object)
	defer r.release()
	err := r.readMembers(object, visit)
	if err == nil {
		err = r.readEnd(object)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotObject, err)
	}
	return nil
}

func (r *reader) readMembers(object []byte, visit func(name []byte, value jsontext.Value)) error {
	start, err := r.decoder.ReadToken()
	if err != nil {
		return fault(object, err)
	}
	if start.Kind() != '{' {
		return errors.New("it does not start with {")
	}
	for r.decoder.PeekKind() != '}' {
		quoted, err := r.decoder.ReadValue()
		if err != nil {
			return fault(object, err)
		}
		name, _ := Text(r.part(object, quoted))
		value, err := r.decoder.ReadValue()
		if err != nil {
			return fault(object, err)
		}
		visit(name, r.part(object, value))
	}
	return nil
}

// part returns the part of object that spells value, which was just read. The
// decoder does not promise that value itself is that part, or lasts.
func (r *reader) part(object []byte, value jsontext.Value) jsontext.Value {
	end := int(r.decoder.InputOffset())
	return object[end-len(value) : end : end]
}

// readEnd checks that nothing follows the last member but the closing brace and
// white space.
func (r *reader) readEnd(object []byte) error {
	if _, err := r.decoder.ReadToken(); err != nil {
		return fault(object, err)
	}
	return r.checkRest(object)
}

// checkRest checks that nothing but white space follows what was read of text.
func (r *reader) checkRest(text []byte) error {
	if rest := bytes.TrimLeft(text[r.decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return fmt.Errorf("more text follows it at byte %d", len(text)-len(rest))
	}
	return nil
}

// Check returns an error that wraps ErrNotValue if text is not exactly one JSON value
// of any type, or nests deeper than MaxDepth. The error names the byte at fault.
func Check(text []byte) error {
	r := newReader(text)
	defer r.release()
	_, err := r.decoder.ReadValue()
	if err != nil {
		err = fault(text, err)
	} else {
		err = r.checkRest(text)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotValue, err)
	}
	return nil
}

// fault describes an error of the decoder. The decoder's own words quote names
// and characters of the text.
func fault(text []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early")
	}
	at := int(syntax.ByteOffset)
	character, size := utf8.DecodeRune(text[at:])
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("a member name occurs twice, again at byte %d", at)
	case character == utf8.RuneError && size == 1:
		return fmt.Errorf("invalid UTF-8 at byte %d", at)
	case character == '\\':
		return fmt.Errorf("an escape sequence at byte %d represents no character", at)
	case at >= MaxDepth:
		return fmt.Errorf("a syntax error, or nesting deeper than %d levels, at byte %d", MaxDepth, at)
	default:
		return fmt.Errorf("a syntax error at byte %d", at)
	}
}

// Text returns the text of a valid JSON string, without quotes and escapes. The
// text may be a part of value; it must not be modified. Ok is false if value is
// not a string.
func Text(value jsontext.Value) (text []byte, ok bool) {
	if value.Kind() != '"' {
		return nil, false
	}
	if !bytes.ContainsRune(value, '\\') {
		return value[1 : len(value)-1 : len(value)-1], true
	}
	text, err := jsontext.AppendUnquote(nil, value)
	return text, err == nil
}

// IsArrayOfStrings reports whether a valid JSON value is an array of strings only.
func IsArrayOfStrings(value jsontext.Value) bool {
	if value.Kind() != '[' {
		return false
	}
	r := newReader(value)
	defer r.release()
	r.decoder.ReadToken() // the bracket
	for r.decoder.PeekKind() == '"' {
		r.decoder.ReadToken()
	}
	return r.decoder.PeekKind() == ']'
}

// Decode calls read with a decoder of value, which must be valid JSON. The decoder is
// pooled: read must not retain it.
func Decode(value jsontext.Value, read func(decoder *jsontext.Decoder)) {
	r := newReader(value)
	defer r.release()
	read(&r.decoder)
}

// AppendCompact appends a valid JSON value to dst, without its insignificant
// white space. Numbers and strings stay as they are spelled.
func AppendCompact(dst []byte, value jsontext.Value) []byte {
	if kind := value.Kind(); kind != '{' && kind != '[' {
		return append(dst, bytes.Trim(value, " \t\r\n")...)
	}
	dst, err := jsontext.AppendFormat(dst, value, jsontext.AllowDuplicateNames(true), jsontext.PreserveRawStrings(true))
	if err != nil {
		panic("ijson: AppendCompact of an invalid value")
	}
	return dst
}

// Depth returns how deeply objects and arrays nest in a valid JSON value: 0 for
// a number, 1 for an empty array.
func Depth(value jsontext.Value) int {
	r := newReader(value)
	defer r.release()
	deepest := 0
	for {
		if _, err := r.decoder.ReadToken(); err != nil {
			return deepest
		}
		deepest = max(deepest, r.decoder.StackDepth())
	}
}
