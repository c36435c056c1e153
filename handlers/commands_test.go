package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tokenmint/jwtcore"
)

// execution is what an execution of a command writes.
type execution struct{ out, log bytes.Buffer }

// command returns a Command that reads input and writes to e, at goldenTime.
func (e *execution) command(input io.Reader, arguments ...string) Command {
	messageOnly := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key != slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}
	return Command{
		Arguments: arguments,
		Stdin:     input,
		Stdout:    &e.out,
		Now:       func() time.Time { return goldenTime },
		Logger:    slog.New(slog.NewTextHandler(&e.log, &slog.HandlerOptions{ReplaceAttr: messageOnly})),
	}
}

// checkLog checks that each line that was logged starts with the text in its place.
func (e *execution) checkLog(t *testing.T, name string, want ...string) {
	t.Helper()
	for i, text := range want {
		want[i] = strings.TrimSuffix("msg="+strconv.Quote(text), `"`)
	}
	checkLines(t, name+": log", slices.Collect(strings.Lines(e.log.String())), want)
}

// checkLines checks that each line contains the part in its place.
func checkLines(t *testing.T, name string, lines, parts []string) {
	t.Helper()
	if len(lines) != len(parts) {
		t.Errorf("%s: %d lines, want %d: %.300q", name, len(lines), len(parts), lines)
		return
	}
	for i, part := range parts {
		if !strings.Contains(lines[i], part) {
			t.Errorf("%s: line %d is %.200s, want %s in it", name, i+1, lines[i], part)
		}
	}
}

// claimsIn returns the claims of the tokens in out, a line each. They must verify.
func claimsIn(t *testing.T, out bytes.Buffer) (claims []string) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		token, err := jwtcore.Parse(strings.TrimSuffix(line, "\n"))
		if err == nil {
			err = token.Verify([]byte(publishedKey))
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		claims = append(claims, string(token.Claims))
	}
	return claims
}

// TestMintCommand mints from an argument and from lines.
func TestMintCommand(t *testing.T) {
	const once = 1
	tests := []struct {
		name      string
		m         Minting
		input     string
		arguments []string
		want      []string // what the claims end with, after "jti"
		log       []string
	}{
		{"argument", Minting{Count: once}, "unread", []string{`{"user": 1}`}, []string{`,"payload":{"data":{"user":1},"date":"2022-11-17"}}`}, nil},
		{"any value", Minting{Count: once}, "1.50\n \"\\u0061\" \ntrue\n[ ]\r\n{ \"b\" : 1, \"a\":2 } \n\n\t\nfalse", nil,
			[]string{`{"data":1.50,`, `{"data":"\u0061",`, `{"data":true,`, `{"data":[],`, `{"data":{"b":1,"a":2},`, `{"data":false,`}, nil},
		{"several of each", Minting{Count: 2}, "1\n2\n", nil, []string{`{"data":1,`, `{"data":1,`, `{"data":2,`, `{"data":2,`}, nil},
		{"lifetime", Minting{Count: once, ExpiresIn: time.Hour}, "", []string{"1"}, []string{`"exp":1668680507,`}, nil},
		{"claims", Minting{Count: once, Claims: jsontext.Value(` { "sub" : "me" } `)}, "1\nnull\n null \n", nil, []string{`"date":"2022-11-17"},"sub":"me"}`, `","sub":"me"}`, `","sub":"me"}`}, nil},
		{"null", Minting{Count: once}, "", []string{"null"}, nil, []string{"user_data: null is not user_data: pass another JSON value, or -claims"}},
		{"empty argument", Minting{Count: once}, "1", []string{""}, nil, []string{"user_data: not one JSON value: it ends too early; a string needs quotes"}},
		{"a string without quotes", Minting{Count: once}, "", []string{"hello"}, nil, []string{"user_data: not one JSON value: a syntax error at byte 0; a string needs quotes"}},
		{"a date without quotes", Minting{Count: once}, "", []string{"2022-11-17"}, nil, []string{"user_data: not one JSON value: more text follows it at byte 4; a string needs quotes"}},
		{"two lines in an argument", Minting{Count: once}, "", []string{"1\n2"}, nil, []string{"user_data: not one JSON value: more text follows it at byte 2; a string needs quotes"}},
		{"wrong lines", Minting{Count: once}, "\n{\"a\":1\n2\n{\"a\":1,\"a\":2}\n\xff\n3", nil, []string{`{"data":2,`, `{"data":3,`}, []string{
			"line 2: not one JSON value: it ends too early", "line 4: not one JSON value: a member name occurs twice, again at byte 7", "line 5: not one JSON value: invalid UTF-8 at byte 0; a string needs quotes"}},
		{"a line that is too long", Minting{Count: once}, "1\n" + strings.Repeat(" ", maxMintBody) + "2\n3\n", nil, []string{`{"data":1,`, `{"data":3,`}, []string{"line 2: it is too large"}},
		{"too large with its claims", Minting{Count: once, Claims: jsontext.Value(`{"a":1}`)}, "1\n\"" + strings.Repeat("x", maxMintBody-8) + "\"\n", nil, []string{`{"data":1,`}, []string{"line 2: it is too large"}},
		{"too deep", Minting{Count: once}, "", []string{strings.Repeat("[", 9998) + strings.Repeat("]", 9998)}, nil, []string{"user_data: user_data nests too deeply"}},
	}
	for _, test := range tests {
		var e execution
		err := newService(t, io.Discard).Mint(e.command(strings.NewReader(test.input), test.arguments...), test.m)
		if want := test.log != nil; errors.Is(err, ErrReported) != want || !want && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		e.checkLog(t, test.name, test.log...)
		checkLines(t, test.name+": claims", claimsIn(t, e.out), test.want)
	}
}

func TestMintingCheck(t *testing.T) {
	for _, test := range []struct {
		m    Minting
		max  time.Duration
		want string // in the error; "" for none
	}{
		{Minting{Count: 1}, 0, ""},
		{Minting{Count: 1e6, ExpiresIn: 876_000 * time.Hour, Claims: jsontext.Value(`{}`)}, 0, ""},
		{Minting{Count: 1, ExpiresIn: time.Hour}, time.Hour, ""},
		{Minting{Count: 1, ExpiresIn: time.Hour}, time.Hour + time.Second - 1, ""},
		{Minting{Count: 0}, 0, "-n is less than 1"},
		{Minting{Count: -1}, 0, "-n is less than 1"},
		{Minting{Count: 1}, time.Hour, "-expires-in is required"},
		{Minting{Count: 1, ExpiresIn: time.Hour + time.Second}, time.Hour, "-expires-in is longer than MAX_EXPIRES_IN (or -max-expires-in): at most 1h0m0s"},
		{Minting{Count: 1, Claims: jsontext.Value(``)}, 0, "-claims: unusable claims: not one JSON object: it ends too early"},
		{Minting{Count: 1, Claims: jsontext.Value(`null`)}, 0, "-claims: unusable claims: not one JSON object"},
		{Minting{Count: 1, Claims: jsontext.Value(`[]`)}, 0, "-claims: unusable claims: not one JSON object"},
		{Minting{Count: 1, Claims: jsontext.Value(`{"a":1}{}`)}, 0, "more text follows it at byte 7"},
		{Minting{Count: 1, Claims: jsontext.Value(`{"jti":"x"}`)}, 0, "jti is set for every token"},
		{Minting{Count: 1, Claims: jsontext.Value(`{"sub":1}`)}, 0, "sub must be a string"},
	} {
		err := test.m.Check(test.max)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v, at most %v: %v, want %q", test.m, test.max, err, test.want)
		}
	}
}

// TestLargestCommandToken mints the largest user data from a line, and inspects the token.
func TestLargestCommandToken(t *testing.T) {
	service := newService(t, io.Discard)
	var minted, inspected execution
	claims := jsontext.Value(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)
	data := `"` + strings.Repeat("x", maxMintBody-len(claims)-2) + `"`
	if err := service.Mint(minted.command(strings.NewReader(data)), Minting{Count: 2, Claims: claims}); err != nil {
		t.Fatal(err)
	}
	if err := service.Inspect(inspected.command(&minted.out)); err != nil || strings.Count(inspected.out.String(), data) != 2 {
		t.Errorf("%d bytes, %v", inspected.out.Len(), err)
	}
}

// TestCommandClock lets time pass in each read and each write. Tokens are issued at the
// time after that.
func TestCommandClock(t *testing.T) {
	service := newService(t, io.Discard)
	now := goldenTime
	var lines, arguments execution
	var want []string
	input := strings.NewReader("1\n22\n333\n")
	command := lines.command(readerFunc(func(p []byte) (int, error) {
		now = now.Add(time.Hour)
		n, err := input.Read(p[:1])
		if p[0] == '\n' && n == 1 {
			want = append(want, fmt.Sprintf(`{"iat":%d,`, now.Unix()))
		}
		return n, err
	}))
	command.Now = func() time.Time { return now }
	if err := service.Mint(command, Minting{Count: 1}); err != nil {
		t.Error(err)
	}
	checkLines(t, "lines", claimsIn(t, lines.out), want)

	reads, writes := 0, 0
	command = arguments.command(nil, "1")
	command.Now = func() time.Time { reads++; return now }
	command.Stdout = writerFunc(func(p []byte) (int, error) {
		now = now.Add(time.Hour)
		writes++
		return arguments.out.Write(p)
	})
	start := now
	const count = 1_000
	if err := service.Mint(command, Minting{Count: count}); err != nil {
		t.Error(err)
	}
	claims := claimsIn(t, arguments.out)
	if last := fmt.Sprintf(`{"iat":%d,`, start.Add(time.Duration(writes-1)*time.Hour).Unix()); len(claims) != count || writes < 2 || !strings.HasPrefix(claims[count-1], last) {
		t.Errorf("%d tokens in %d writes, the last one %s, want %s", len(claims), writes, claims[len(claims)-1], last)
	}
	if reads != writes+1 {
		t.Errorf("the clock was read %d times for %d writes", reads, writes)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestAnswersBeforeTheNextRead checks that nothing waits in a buffer while a command waits
// for input.
func TestAnswersBeforeTheNextRead(t *testing.T) {
	var e execution
	inputs := []string{"1\n", "2\n3", "\nx\n4\n", ""}
	answers := []int{0, 1, 2, 4}
	read := 0
	command := e.command(readerFunc(func(p []byte) (int, error) {
		if got := strings.Count(e.out.String(), "\n"); got != answers[read] {
			t.Errorf("%d answers before read %d, want %d", got, read, answers[read])
		}
		read++
		if read == len(inputs) {
			return 0, io.EOF
		}
		return copy(p, inputs[read-1]), nil
	}))
	if err := newService(t, io.Discard).Mint(command, Minting{Count: 1}); !errors.Is(err, ErrReported) || read != len(inputs) {
		t.Errorf("%d reads, %v", read, err)
	}
	e.checkLog(t, "x", "line 4: not one JSON value")
}

// TestErrorsInOrder lets answers and errors meet in one place, such as a terminal.
func TestErrorsInOrder(t *testing.T) {
	var e execution
	command := e.command(strings.NewReader("1\nx\n2\n"))
	command.Stdout = &e.log
	if err := newService(t, io.Discard).Mint(command, Minting{Count: 1}); !errors.Is(err, ErrReported) {
		t.Error(err)
	}
	checkLines(t, "terminal", slices.Collect(strings.Lines(e.log.String())), []string{"eyJ", "line 2: ", "eyJ"})
}

// TestInspectCommand inspects tokens as arguments and as lines. The answers must be those
// of POST /token/verify.
func TestInspectCommand(t *testing.T) {
	service, server := newServer(t, func(c *Config) {
		c.SigningKeys = newKeys(publishedKey, "an old key")
		c.Revoked = revokedBy(t, "revoked\n")
	})
	tests := []struct {
		name, token string
		good        bool
	}{
		{"minted", goldenToken, true},
		{"an old key", sign("an old key", headerHS512, `{}`), true},
		{"valid", sign(publishedKey, headerHS512, `{"exp":1668676908,"nbf":1668676907}`), true},
		{"expired", sign(publishedKey, headerHS512, `{"exp":1668676907}`), false},
		{"not yet valid", sign(publishedKey, headerHS512, `{"nbf":1668676908}`), false},
		{"invalid", sign(publishedKey, headerHS512, `{"exp":"1668676908"}`), false},
		{"revoked", sign(publishedKey, headerHS512, `{"jti":"revoked"}`), false},
		{"another key", sign("another key", headerHS512, `{}`), false},
		{"not signed", goldenToken[:strings.LastIndex(goldenToken, ".")+1], false},
	}
	var input, answers strings.Builder
	for _, test := range tests {
		answer := send(t, "POST", server.URL+"/token/verify", `{"Token":"`+test.token+`"}`, jsonHeader()).body + "\n"
		input.WriteString(test.token + "\r\n")
		answers.WriteString(answer)
		for _, command := range []func(e *execution) Command{
			func(e *execution) Command { return e.command(nil, test.token) },
			func(e *execution) Command {
				return e.command(strings.NewReader("\n" + goldenToken + "\n" + test.token))
			},
		} {
			var e execution
			err := service.Inspect(command(&e))
			if test.good && err != nil || !test.good && !errors.Is(err, ErrReported) || !strings.HasSuffix(e.out.String(), answer) {
				t.Errorf("%s: %v, %s, want %s", test.name, err, e.out.String(), answer)
			}
			e.checkLog(t, test.name)
		}
	}
	var e execution
	if err := service.Inspect(e.command(strings.NewReader(input.String()))); !errors.Is(err, ErrReported) || e.out.String() != answers.String() {
		t.Errorf("%v, %s, want %s", err, e.out.String(), answers.String())
	}
}

// TestInspectMalformed inspects lines that are not tokens, among others.
func TestInspectMalformed(t *testing.T) {
	var e execution
	input := goldenToken + "\n\nx\n" + goldenToken + " \nBearer " + goldenToken + "\n" + strings.Repeat("x", maxInspectBody+1) + "\n" + goldenToken
	err := newService(t, io.Discard).Inspect(e.command(strings.NewReader(input)))
	if !errors.Is(err, ErrReported) || strings.Count(e.out.String(), `"Signature Verification":true`) != 2 || strings.Count(e.out.String(), "\n") != 2 {
		t.Errorf("%v, %s", err, e.out.String())
	}
	e.checkLog(t, "lines", "line 3: malformed token: a JWT has three segments", "line 4: malformed token: the signature segment is not base64url as in RFC 7515: it contains white space",
		"line 5: malformed token: it starts with Bearer", "line 6: it is too large")
	e = execution{}
	if err := newService(t, io.Discard).Inspect(e.command(nil, "")); !errors.Is(err, ErrReported) || e.out.Len() > 0 {
		t.Errorf("empty: %v, %s", err, e.out.String())
	}
	e.checkLog(t, "empty", "token: malformed token")
}

// TestInspectWithKeyFile reads keys in all encodings, and files that do not have one key.
func TestInspectWithKeyFile(t *testing.T) {
	const text = "a sécret key"
	encodings := map[string]string{
		"": text, "utf8": text, "hex": hex.EncodeToString([]byte(text)),
		"base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(text)),
	}
	path := filepath.Join(t.TempDir(), "key")
	inspect := func(content, encoding, token string) (*execution, error) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var e execution
		return &e, InspectWithKeyFile(e.command(strings.NewReader(token+"\n"+token)), path, encoding)
	}
	token := sign(text, headerHS512, `{}`)
	const answer = `{"Header":{"typ":"JWT","alg":"HS512"},"Claims":{},"Signature Verification":`
	for encoding, key := range encodings {
		for _, ending := range []string{"", "\n", "\r\n"} {
			if e, err := inspect(key+ending, encoding, token); err != nil || e.out.String() != strings.Repeat(answer+"true}\n", 2) {
				t.Errorf("%s %q: %v, %s", encoding, ending, err, e.out.String())
			}
		}
	}
	e, err := inspect(encodings["hex"], "utf8", token)
	if want := answer + `false,"Reason":"the signature does not match the key as sent, but it matches as hex: send Key_encoding hex"}` + "\n"; !errors.Is(err, ErrReported) || e.out.String() != want+want {
		t.Errorf("hex as utf8: %v, %s, want %s", err, e.out.String(), want)
	}
	if _, err := inspect(strings.Repeat("k", 100_000), "", sign(strings.Repeat("k", 100_000), headerHS512, `{}`)); err != nil {
		t.Errorf("a long key: %v", err)
	}
	for content, test := range map[string]struct{ encoding, want string }{
		"":                     {"", "it has no key"},
		"\r\n":                 {"hex", "it has no key"},
		text + "\n" + text:     {"", "it has more than one line"},
		text + "\n\n":          {"base64", "it has more than one line"},
		text + "\r" + text:     {"", "it has more than one line"},
		text:                   {"hex", "undecodable key: the key is not hex"},
		encodings["hex"] + "0": {"hex", "undecodable key: the key is not hex"},
		text + "=":             {"base64url", "undecodable key: the key is not base64url"},
	} {
		e, err := inspect(content, test.encoding, token)
		if err == nil || !strings.HasPrefix(err.Error(), "-key-file: "+path+": "+test.want) || e.out.Len() > 0 {
			t.Errorf("%q: %v, %s, want %s", content, err, e.out.String(), test.want)
			continue
		}
		findTraces(t, "the error", err.Error()+e.log.String(), text)
	}
}

// TestCommandsWithoutValues gives commands no argument and no line.
func TestCommandsWithoutValues(t *testing.T) {
	service := newService(t, io.Discard)
	for _, input := range []string{"", "\n", " \n\r\n\t"} {
		var e execution
		if err := service.Mint(e.command(strings.NewReader(input)), Minting{Count: 1, Claims: jsontext.Value(`{}`)}); err == nil || err.Error() != "no user_data: neither an argument nor a line of standard input" {
			t.Errorf("mint %q: %v", input, err)
		}
		if err := service.Inspect(e.command(strings.NewReader(input))); err == nil || err.Error() != "no token: neither an argument nor a line of standard input" {
			t.Errorf("inspect %q: %v", input, err)
		}
	}
}

// TestCommandIO lets the input and the output fail.
func TestCommandIO(t *testing.T) {
	service := newService(t, io.Discard)
	failure := errors.New("failure")
	for input, answered := range map[string]int{"": 0, "1\n": 1, "1\n2": 1, "1\n" + strings.Repeat("2", 100_000): 1} {
		var e execution
		err := service.Mint(e.command(io.MultiReader(strings.NewReader(input), iotest.ErrReader(failure))), Minting{Count: 1})
		if !errors.Is(err, failure) || err.Error() != "standard input: failure" || len(claimsIn(t, e.out)) != answered {
			t.Errorf("input that fails after %.10q: %v, %s", input, err, e.out.String())
		}
		e.checkLog(t, input)
	}
	for name, command := range map[string]func(e *execution) Command{
		"a token without end": func(e *execution) Command { return e.command(nil, "1") },
		"lines without end": func(e *execution) Command {
			return e.command(readerFunc(func(p []byte) (int, error) { return copy(p, "1\n"), nil }))
		},
		"errors without end": func(e *execution) Command {
			return e.command(readerFunc(func(p []byte) (int, error) { return copy(p, "1\nx\n"), nil }))
		},
	} {
		var e execution
		c := command(&e)
		c.Stdout = writerFunc(func([]byte) (int, error) { return 0, failure })
		count := 1
		if len(c.Arguments) > 0 {
			count = math.MaxInt
		}
		if err := service.Mint(c, Minting{Count: count}); !errors.Is(err, failure) || err.Error() != "standard output: failure" {
			t.Errorf("%s: %v", name, err)
		}
		e.checkLog(t, name)
	}
}

// TestCommandCanary passes secrets in values that are wrong.
func TestCommandCanary(t *testing.T) {
	service := newCanaryService(t, io.Discard, "text", AccessLogOff)
	var e execution
	token := sign(canarySecret, headerHS512, `{"sub":"`+canaryData+`"}`)
	input := strings.Join([]string{canaryData, `{"` + canaryData + `":1,"` + canaryData + `":2}`, `"` + canaryData, `"\` + canaryData + `"`, "1" + canaryData, token, canarySecret, "null" + canarySecret}, "\n")
	if err := service.Mint(e.command(strings.NewReader(input)), Minting{Count: 1}); !errors.Is(err, ErrReported) || e.out.Len() > 0 {
		t.Errorf("%v, %s", err, e.out.String())
	}
	input = strings.Join([]string{canaryData, canarySecret, token + "=", token + "." + token, "Bearer " + token, `"` + token + `"`, token[1:], canaryData + "." + canaryData + "." + canaryData}, "\n")
	if err := service.Inspect(e.command(strings.NewReader(input))); !errors.Is(err, ErrReported) || e.out.Len() > 0 {
		t.Errorf("%v, %s", err, e.out.String())
	}
	if lines := strings.Count(e.log.String(), "\n"); lines != 16 {
		t.Errorf("%d errors, want 16", lines)
	}
	err := Minting{Count: 1, Claims: jsontext.Value(`{"sub":"` + canaryData + `"`)}.Check(0)
	segments := strings.Split(token, ".")
	findTraces(t, "the log", e.log.String()+fmt.Sprint(err), canarySecret, canaryData, segments[1], segments[2])
}
