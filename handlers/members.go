package handlers

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore/ijson"
)

// members checks the types of the members of a request.
type members struct {
	typeErr error // names a member of the wrong type
}

// text returns the text of a member that must be a string, or nil if it is null.
func (m *members) text(name []byte, value jsontext.Value) []byte {
	text, ok := ijson.Text(value)
	if !ok && !isNull(value) {
		m.typeErr = fmt.Errorf("%w: %s must be a string", errMemberType, name)
	}
	return text
}

// object returns a member that must be an object, or nil if it is null.
func (m *members) object(name []byte, value jsontext.Value) jsontext.Value {
	switch {
	case isNull(value):
		return nil
	case value.Kind() != '{':
		m.typeErr = fmt.Errorf("%w: %s must be an object", errMemberType, name)
		return nil
	default:
		return value
	}
}

// isNull reports whether value is absent or null; the API treats both alike.
func isNull(value jsontext.Value) bool {
	return value == nil || value.Kind() == 'n'
}
