package policy

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

const (
	// maxPattern is the size in bytes of the longest pattern.
	maxPattern = 256

	// maxInstructions bounds the program that a pattern compiles to. A pattern of a few
	// bytes can repeat itself into a program of hundreds of megabytes.
	maxInstructions = 1000

	// maxAllInstructions bounds the programs of all patterns of a query: a client that
	// reaches the gate directly can send queries of its own.
	maxAllInstructions = 4000
)

var (
	errPatternLong     = fmt.Errorf("its pattern is longer than %d bytes", maxPattern)
	errPatternRange    = errors.New("its pattern ignores case, and has a range of characters beyond ASCII")
	errPatternSyntax   = errors.New("its pattern is not a regular expression of RE2")
	errPatternComplex  = fmt.Errorf("its pattern compiles to more than %d instructions", maxInstructions)
	errPatternsComplex = fmt.Errorf("the patterns up to this one compile to more than %d instructions", maxAllInstructions)
)

// To ignore the case of a range, package syntax looks at each of its characters, which
// can take a tenth of a second.
var (
	ignoresCase  = regexp.MustCompile(`\(\?[A-Za-z-]*i`)
	hasWideRange = regexp.MustCompile(`-([^\x00-\x7F]|\\x\{)`)
)

// pattern is a regular expression that matches a text from its first to its last
// character.
type pattern struct {
	*regexp.Regexp
	instructions int // of its program, at most
	size         int // in bytes
}

// compile returns the pattern in text. It measures the pattern before it compiles it.
func compile(text string) (p pattern, err error) {
	switch {
	case len(text) > maxPattern:
		return p, errPatternLong
	case ignoresCase.MatchString(text) && hasWideRange.MatchString(text):
		return p, errPatternRange
	}
	parsed, err := syntax.Parse(text, syntax.Perl) // on its own: a|b)(c|d must not be right
	if err != nil {
		return p, errPatternSyntax
	}
	p.instructions = frameInstructions + instructions(parsed)
	if p.instructions > maxInstructions {
		return p, errPatternComplex
	}
	p.size = patternSize + instructionSize*p.instructions + runeSize*classRunes(parsed)
	p.Regexp, err = regexp.Compile(frameStart + text + frameEnd)
	if err != nil { // text ends within a quotation, which \E ends
		p.Regexp, err = regexp.Compile(frameStart + text + `\E` + frameEnd)
	}
	if err != nil {
		return p, errPatternSyntax
	}
	return p, nil
}

// The frame of a pattern. A program that does not begin with \A has no one-pass form, for
// which package regexp copies a character class for each repetition: 8 MB for \pL{990}.
const (
	frameStart        = `(?:)\A(?:`
	frameEnd          = `)\z`
	frameInstructions = 5 // (?:), \A, \z, and two that every program has
)

// instructions returns an upper bound on the instructions that a regular expression
// compiles to. If the bound exceeds maxInstructions, the result may be any greater number.
func instructions(r *syntax.Regexp) int {
	total := 0
	for _, sub := range r.Sub {
		total += instructions(sub)
	}
	switch r.Op {
	case syntax.OpLiteral:
		total = len(r.Rune)
	case syntax.OpCapture, syntax.OpStar: // OpStar: two if its operand can be empty
		total += 2
	case syntax.OpPlus, syntax.OpQuest:
		total++
	case syntax.OpAlternate:
		total += len(r.Sub) - 1
	case syntax.OpRepeat:
		total = repeat(total, r.Min, r.Max)
	}
	return min(max(total, 1), maxInstructions+1)
}

// repeat returns the bound for a repetition of what compiles to so many instructions:
// x{2,} becomes xx+, and x{2,4} becomes xx(x(x)?)?.
func repeat(instructions, least, most int) int {
	if most < 0 {
		return instructions*max(least, 1) + 2
	}
	return instructions*most + most - least
}

// What a pattern takes in memory, in bytes, or somewhat more. All repetitions of a
// character class share its runes.
const (
	patternSize     = 1 << 10
	instructionSize = 64
	runeSize        = 4
)

// classRunes returns for how many runes the character classes of a regular expression
// have room.
func classRunes(r *syntax.Regexp) int {
	total := 0
	if r.Op == syntax.OpCharClass {
		total = cap(r.Rune)
	}
	for _, sub := range r.Sub {
		total += classRunes(sub)
	}
	return total
}
