package main

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// attacks are what the service must survive.
var attacks = []attack{
	{name: "short-lines", clients: 5000, talks: shortLines, ramp: 2500 * time.Millisecond, holds: 4 * time.Second, pause: 4 * time.Second},
	{name: "held-headers", clients: 5000, talks: heldHeaders, ramp: 2500 * time.Millisecond, holds: 4 * time.Second, pause: 4 * time.Second},
	{name: "idle", clients: 20000, talks: idle, ramp: 4500 * time.Millisecond, holds: 2 * time.Second},
	{name: "held-bodies", clients: 2000, talks: heldBodies, ramp: 2 * time.Second, holds: 4 * time.Second, pause: 2 * time.Second},
	{name: "stuck", clients: 1500, talks: stuck, ramp: 2 * time.Second, holds: 4 * time.Second, pause: 2 * time.Second},
	{name: "unread-answers", clients: 1000, talks: unreadAnswers, ramp: 2 * time.Second, holds: 4 * time.Second, pause: 2 * time.Second},
	{name: "full-streams", clients: 200, talks: fullStreams, ramp: time.Second / 2, holds: 5 * time.Second},
	{name: "held-streams", clients: 1000, talks: heldStreams, ramp: time.Second, holds: 3 * time.Second, pause: 2 * time.Second},
	{name: "held-lines", clients: 1000, talks: heldLines, ramp: time.Second, holds: 3 * time.Second, pause: 2 * time.Second},
	{name: "unread-streams", clients: 500, talks: unreadStreams, ramp: time.Second, holds: 3 * time.Second, pause: 2 * time.Second},
	{name: "descriptors", clients: 400, talks: idleAfterAnswer, ramp: time.Second, holds: 2 * time.Second, descriptors: 300},
	{name: "queries", clients: 1000, talks: queries, ramp: time.Second, holds: 4 * time.Second},
	{name: "log", clients: 400, talks: noise, ramp: time.Second, holds: 500 * time.Millisecond},
}

// queries are requests to the gate with the largest patterns, no two of them alike.
func queries() []talk {
	var talks []talk
	for i := range 5000 {
		query := fmt.Sprintf("/a~=.{980}%d&/b~=(?:.{10}){90}&/c~=(?:a{30}){30}&/d~=[%%5Ea]{900}", i)
		text := "GET /auth/if?" + query + " HTTP/1.1\r\nHost: x\r\n\r\n"
		talks = append(talks, talk{text: text, then: untilAnswered})
	}
	return talks
}

const (
	maxHeader    = 16 << 10
	maxSmallBody = 16 << 10 // which the service does not count
	maxMint      = 256 << 10
	maxInspect   = 512 << 10
)

// requestLine begins a header without an end.
const requestLine = "GET /auth HTTP/1.1\r\n"

// shortLines are headers of as many lines as possible.
func shortLines() []talk {
	const line = "a:\r\n"
	return []talk{{text: requestLine + strings.Repeat(line, (maxHeader-len(requestLine)-1)/len(line)), then: untilAnswered}}
}

// heldHeaders are headers of as many lines and bytes as the service accepts, of which
// only the end is missing.
func heldHeaders() []talk {
	const lines = 99
	length := (maxHeader-len(requestLine)-1)/lines - len("a:\r\n")
	return []talk{{text: requestLine + strings.Repeat("a:"+strings.Repeat("x", length)+"\r\n", lines), then: untilAnswered}}
}

// idle are clients that have sent a request, and clients that never send one: before
// and after a TLS handshake, and half way through it.
func idle() []talk {
	asked, silent := idleAfterAnswer()[0], talk{bare: true, then: untilClosed}
	hello := func(text string) talk { return talk{text: text, bare: true, then: untilClosed} }
	return []talk{asked, silent, asked, {then: untilClosed}, asked, hello(longHello()), asked, hello(clientHello())}
}

func idleAfterAnswer() []talk {
	return []talk{{text: "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", then: untilClosed}}
}

// clientHello returns the first message of a TLS handshake. To plain HTTP it is a bad
// request.
func clientHello() string {
	client, server := net.Pipe()
	defer server.Close()
	go tls.Client(client, &tls.Config{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.X25519}}).Handshake()
	record := make([]byte, 16<<10)
	n, err := server.Read(record)
	if err != nil {
		panic(err) // a pipe's read fails only if it is closed
	}
	return string(record[:n])
}

// longHello returns most of a handshake record of 15 KiB (RFC 8446 §5.1) with a
// ClientHello of 60,000 bytes (§4) in it. To plain HTTP it is a bad request.
func longHello() string {
	return "\x16\x03\x01\x3c\x00" + "\x01\x00\xea\x60" + strings.Repeat("x", 15<<10-10)
}

// route is one that takes a body.
type route struct {
	requestLine string
	contentType string
	maxBody     int
}

var routes = []route{
	{"POST /token HTTP/1.1\r\n", jsonType, maxMint},
	{"GET /token HTTP/1.1\r\n", jsonType, maxInspect},
	{"QUERY /token HTTP/1.1\r\n", jsonType, maxInspect},
	{"POST /token/verify HTTP/1.1\r\n", jsonType, maxInspect},
	{"POST /token/sign HTTP/1.1\r\n", jsonType, maxMint},
	{"POST /introspect HTTP/1.1\r\n", "application/x-www-form-urlencoded", maxInspect},
}

const jsonType = "application/json"

// header returns the request line and the first header lines.
func (r route) header() string {
	return r.requestLine + "Host: x\r\nContent-Type: " + r.contentType + "\r\n"
}

// sized returns a request with a Content-Length.
func (r route) sized(body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", r.header(), len(body), body)
}

// chunked returns a request that does not announce its length. Its only chunk is its
// whole body.
func (r route) chunked(body string) string {
	return fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", r.header(), len(body), body)
}

// heldBodies are bodies without their last byte: the largest ones, and, from as many
// clients, the largest ones that the service does not count.
func heldBodies() []talk {
	var talks []talk
	for _, r := range routes {
		for _, size := range []int{r.maxBody, maxSmallBody} {
			body := strings.Repeat("x", size)
			for _, text := range []string{r.sized(body), r.chunked(body)} {
				talks = append(talks, talk{text: text[:len(text)-1], then: untilAnswered})
			}
		}
	}
	return talks
}

// stuck are requests whose bodies are small, and do not arrive. There are more of them
// than the service has connections for, so that it must close some for the probes.
func stuck() []talk {
	var talks []talk
	for _, r := range routes {
		text := r.sized("{ }")
		talks = append(talks, talk{text: text[:len(text)-2], then: untilAnswered})
	}
	return talks
}

// unreadAnswers are requests with large answers, which the client does not read.
func unreadAnswers() []talk {
	var texts []string
	for _, r := range routes {
		for _, body := range r.largest() {
			texts = append(texts, r.sized(body))
		}
	}
	for _, path := range []string{"/metrics", "/openapi.yaml", "/"} {
		texts = append(texts, get(path, 100))
	}
	var talks []talk
	for _, text := range texts {
		talks = append(talks, talk{text: text, then: unlessRefused})
	}
	return talks
}

// largest returns bodies of about the largest size that have large answers. An object of
// many members takes the parser the most memory.
func (r route) largest() []string {
	var bodies []string
	for _, value := range []func(size int) string{longString, manyMembers} {
		if r.maxBody == maxMint {
			bodies = append(bodies, `{"user_data":`+value(r.maxBody-20)+`}`)
			continue
		}
		claims := `{"data":` + value((r.maxBody-200)/4*3) + `}`
		bodies = append(bodies, fmt.Sprintf(`{"Token":"%s.%s.AAAA","Signing_key":"k"}`, encode(`{"typ":"JWT","alg":"HS512"}`), encode(claims)))
	}
	return bodies
}

// get returns that many requests at once.
func get(path string, count int) string {
	return strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", count)
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// longString returns a JSON string of size bytes.
func longString(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }

// manyMembers returns a JSON object of at most size bytes that has as many members
// as possible.
func manyMembers(size int) string {
	object := []byte(`{"":0`)
	for i := int64(0); len(object) < size-20; i++ {
		object = append(object, `,"`...)
		object = strconv.AppendInt(object, i, 36)
		object = append(object, `":0`...)
	}
	return string(append(object, '}'))
}

// noise are clients that could fill the log: with handshakes that fail, and with
// metrics that they do not wait for.
func noise() []talk {
	return []talk{
		{text: "this is no handshake\r\n\r\n", bare: true, then: untilClosed},
		{text: get("/metrics", 20), then: abort},
	}
}
