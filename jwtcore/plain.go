package jwtcore

import (
	"bytes"
	"encoding/binary"
)

// The sizes up to which an object is plain.
const (
	maxPlainMembers = 8 // in one object
	maxPlainDepth   = 8 // objects inside one another
)

// plainMembers recognises the most common of what ReadObject takes: an object in
// which there are only strings, whole numbers, true, false, null, and objects like
// it, all in what isPlainText takes. It fills members and returns how many there
// are. Where ok is false nothing is said about the text, and the decoder has to be
// asked.
//
// It takes a third of the time that the decoder and visitMembers do, and a fifth off
// what an inspection takes beyond HTTP, the hashing included.
func plainMembers(text []byte, members *[maxPlainMembers]Member) (count int, ok bool) {
	start := skipSpace(text, 0)
	if byteAt(text, start) != '{' || !isPlainText(text) {
		return 0, false
	}
	count, end := plainObject(text, start, 1, members)
	return count, end > 0 && skipSpace(text, end) == len(text)
}

// isPlainText reports whether text is ASCII without backslashes and without the
// characters below the space. It looks at eight bytes at a time: the highest bit
// of each is set in word where it is not ASCII, in the first difference where it
// is less than a space, and in the second where it is a backslash. A byte may
// borrow from the next, but only one that is itself refused.
func isPlainText(text []byte) bool {
	const ones, highest = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64(text)
		if (word|(word-' '*ones)|((word^'\\'*ones)-ones))&highest != 0 {
			return false
		}
	}
	for _, c := range text {
		if c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// The functions that follow return where something ends that starts at a place in
// plain text, or 0 where it is not plain.

// plainObject is for a place with a {.
func plainObject(text []byte, at, depth int, members *[maxPlainMembers]Member) (count, end int) {
	at = skipSpace(text, at+1)
	if byteAt(text, at) == '}' {
		return 0, at + 1
	}
	for i := range members {
		nameEnd := plainStringEnd(text, at)
		if nameEnd == 0 {
			return 0, 0
		}
		name := text[at+1 : nameEnd-1]
		for _, other := range members[:i] {
			if bytes.Equal(other.Name, name) {
				return 0, 0
			}
		}
		colon := skipSpace(text, nameEnd)
		if byteAt(text, colon) != ':' {
			return 0, 0
		}
		value := skipSpace(text, colon+1)
		valueEnd := plainValueEnd(text, value, depth)
		if valueEnd == 0 {
			return 0, 0
		}
		members[i] = Member{Name: name, Value: text[value:valueEnd]}
		at = skipSpace(text, valueEnd)
		switch byteAt(text, at) {
		case '}':
			return i + 1, at + 1
		case ',':
			at = skipSpace(text, at+1)
		default:
			return 0, 0
		}
	}
	return 0, 0
}

func plainValueEnd(text []byte, at, depth int) int {
	switch c := byteAt(text, at); {
	case c == '"':
		return plainStringEnd(text, at)
	case c == '{' && depth < maxPlainDepth:
		var members [maxPlainMembers]Member
		_, end := plainObject(text, at, depth+1, &members)
		return end
	case isDigit(c):
		return wholeNumberEnd(text, at)
	default:
		return literalEnd(text, at)
	}
}

func plainStringEnd(text []byte, at int) int {
	if byteAt(text, at) != '"' {
		return 0
	}
	length := bytes.IndexByte(text[at+1:], '"')
	if length < 0 {
		return 0
	}
	return at + length + len(`""`)
}

// wholeNumberEnd is for a place with a digit.
func wholeNumberEnd(text []byte, at int) int {
	end := at
	for isDigit(byteAt(text, end)) {
		end++
	}
	if text[at] == '0' && end > at+1 {
		return 0
	}
	return end
}

func literalEnd(text []byte, at int) int {
	for _, literal := range []string{"true", "false", "null"} {
		if end := at + len(literal); end <= len(text) && string(text[at:end]) == literal {
			return end
		}
	}
	return 0
}

// byteAt returns the byte at a place, and behind the end a zero, which is nowhere
// in plain text.
func byteAt(text []byte, at int) byte {
	if at < len(text) {
		return text[at]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
