package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const linesType = "application/x-ndjson"

var streamRoutes = []route{
	{"POST /tokens HTTP/1.1\r\n", linesType, maxMint},
	{"POST /tokens/verify HTTP/1.1\r\n", linesType, maxInspect},
}

// stream returns the header of a stream, and what the client has sent of it.
func (r route) stream(sent string) string {
	return r.header() + "Transfer-Encoding: chunked\r\n\r\n" + sent
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// forEver returns a function that sends text again and again, until the service closes
// the connection.
func forEver(text string) func(connection) {
	return func(c connection) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// whileReading returns a function that calls send and reads all answers meanwhile.
func whileReading(send func(connection)) func(connection) {
	return func(c connection) {
		go io.Copy(io.Discard, c)
		send(c)
	}
}

// chunkSize is about how many bytes a client sends at a time.
const chunkSize = 16 << 10

// repeated returns a chunk that repeats text, which may be a line.
func repeated(text string) string { return chunk(strings.Repeat(text, chunkSize/len(text))) }

// answeredLines are chunks of lines that have answers: good ones, and the shortest bad
// ones.
func answeredLines() []string {
	token := encode(`{"typ":"JWT","alg":"HS512"}`) + "." + encode(`{"data":"this is test"}`) + ".AAAA"
	return []string{
		repeated(`{"user_data":"this is test"}` + "\n"),
		repeated(`{"Token":"` + token + `"}` + "\n"),
		repeated("x\n"),
	}
}

// fullStreams are streams in full flow, once all of them have begun: of lines that have
// answers, of blank lines, and of a line without an end.
func fullStreams() []talk {
	var talks []talk
	for _, r := range streamRoutes {
		for _, text := range append(answeredLines(), repeated("\n"), repeated("x")) {
			flow := whileReading(forEver(text))
			talks = append(talks, talk{text: r.stream(""), then: func(c connection) {
				time.Sleep(2 * time.Second)
				flow(c)
			}})
		}
	}
	return talks
}

// heldStreams are streams that stop where it hurts: before, within and after a line,
// within a UTF-8 sequence, and within and after the header of a chunk. Some of the
// clients go on with a byte every nine seconds, and some end the request there.
func heldStreams() []talk {
	const line = `{"user_data":"é"}` + "\n"
	cut := strings.Index(line, "é") + 1
	var talks []talk
	for _, r := range streamRoutes {
		for _, sent := range []string{"", chunk(line), chunk(line[:cut]), chunk(line) + "5", chunk(line) + "5\r\n", chunk(line) + "x\r\n"} {
			text := r.stream(sent)
			talks = append(talks, talk{text: text, then: dripping}, talk{text: text, then: endingEarly})
		}
	}
	return talks
}

// dripping sends a byte every nine seconds, until the service closes the connection.
func dripping(c connection) {
	whileReading(func(c connection) {
		for {
			time.Sleep(9 * time.Second)
			if _, err := io.WriteString(c, chunk("x")); err != nil {
				return
			}
		}
	})(c)
}

// endingEarly closes the direction to the service, and reads what it still answers.
func endingEarly(c connection) {
	c.tcp.CloseWrite()
	untilClosed(c)
}

// heldLines are streams whose clients hold back the last byte of a line: of the longest
// ones, and of the longest that the service does not count. Others stay after a long line
// that fails as late as possible.
func heldLines() []talk {
	var talks []talk
	for _, r := range streamRoutes {
		for _, size := range []int{r.maxBody, maxSmallBody} {
			text := r.stream(chunk(strings.Repeat("x", size)))
			talks = append(talks, talk{text: text, then: unlessRefused})
		}
		text := r.stream(chunk(lateFailure + "\n"))
		talks = append(talks, talk{text: text, then: unlessRefused})
	}
	return talks
}

// lateFailure is a long request to mint, and only its last claim is wrong.
var lateFailure = `{"claims":{"a":` + longString(maxMint-50) + `,"iat":1}}`

// unreadStreams are streams whose answers the client does not read, to short lines and to
// the longest ones.
func unreadStreams() []talk {
	var talks []talk
	for _, r := range streamRoutes {
		texts := answeredLines()
		for _, line := range r.largest() {
			texts = append(texts, chunk(line+"\n"))
		}
		for _, text := range texts {
			talks = append(talks, talk{text: r.stream(""), then: func(c connection) {
				if isServed(c) {
					forEver(text)(c)
				}
			}})
		}
	}
	return talks
}
