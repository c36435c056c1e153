package proxies

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guard is a proxy that asks the gate and passes requests on to an application.
type guard struct {
	application *recorder
	url         string
	challenge   func(gate string) string // what the client gets in place of the gate's challenge; nil if the same
}

// proxyStarter starts a proxy for the gate and the application at these addresses,
// and returns the proxy's own.
type proxyStarter func(t *testing.T, gate, application string) string

func startGuard(t *testing.T, start proxyStarter) (*guard, *tokenmint) {
	t.Helper()
	service := startService(t)
	application := startApplication(t)
	address := start(t, service.gate, application.address)
	return &guard{application: application, url: "http://" + address}, service
}

// answer is the response to a client, and the request that arrived at the
// application, or nil if none did.
type answer struct {
	status  int
	header  http.Header
	arrived *arrival
}

// send sends a request to the proxy, with the header names spelled as given.
func (g *guard) send(t *testing.T, method, path string, header http.Header, body []byte) answer {
	t.Helper()
	request, err := http.NewRequest(method, g.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	got := answer{status: response.StatusCode, header: response.Header}
	select {
	case got.arrived = <-g.application.arrivals:
	default:
	}
	return got
}

// stops checks that a request with this header does not reach the application,
// and that the client gets the challenge.
func (g *guard) stops(t *testing.T, name, path string, header http.Header, challenge string) {
	t.Helper()
	if g.challenge != nil {
		challenge = g.challenge(challenge)
	}
	for _, method := range []string{"GET", "POST"} {
		got := g.send(t, method, path, header, nil)
		g.refuses(t, name+": "+method+" "+path, got, 401, 401)
		checkChallenge(t, name+": "+method+" "+path, got, challenge)
	}
}

// refuses checks that a request did not reach the application, and that the status of
// the response is one from least to most.
func (g *guard) refuses(t *testing.T, name string, got answer, least, most int) {
	t.Helper()
	if got.status < least || got.status > most || got.arrived != nil {
		t.Errorf("%s: %d, the application got %v", name, got.status, got.arrived)
	}
}

// checkChallenge checks that a response has a challenge that begins like this, or for
// noToken is this.
func checkChallenge(t *testing.T, name string, got answer, challenge string) {
	t.Helper()
	challenges := got.header["Www-Authenticate"]
	if len(challenges) != 1 || challenges[0] != challenge && (challenge == noToken || !strings.HasPrefix(challenges[0], challenge)) {
		t.Errorf("%s: WWW-Authenticate: %q, want %s", name, challenges, challenge)
	}
}

// checkPassed checks that a request reached the application with the claims of its
// token, with this id and this user, and with no other header that could be taken for
// these: many applications treat - and _ in names alike.
func (g *guard) checkPassed(t *testing.T, name string, got answer, token, id, user string) {
	t.Helper()
	if got.status != http.StatusOK || got.arrived == nil {
		t.Errorf("%s: %d %v", name, got.status, got.header)
		return
	}
	claims := strings.Split(token, ".")[1]
	for header, want := range map[string]string{"Token-Id": id, "Token-Claims": claims, "Remote-User": user} {
		got.arrived.checkHeader(t, name, header, want)
	}
}

// checkHeader checks that the application got a header with this value, and none like
// it. If the value is empty, the header may be missing.
func (a *arrival) checkHeader(t *testing.T, name, header, value string) {
	t.Helper()
	if values := a.alike(header); !slices.Equal(values, []string{value}) && (value != "" || len(values) != 0) {
		t.Errorf("%s: the application got %s: %q, want %q", name, header, values, value)
	}
}

// recorder is an application that answers every request with 200 and records it.
type recorder struct {
	address  string
	arrivals chan *arrival
}

type arrival struct {
	request string // method and target
	header  http.Header
	body    []byte
}

func startApplication(t *testing.T) *recorder {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &recorder{address: listener.Addr().String(), arrivals: make(chan *arrival, 1)}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the application reads a body: %v", err)
		}
		a.arrivals <- &arrival{request: r.Method + " " + r.RequestURI, header: r.Header, body: body}
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return a
}

// alike returns the values of all headers whose names differ from name only in
// letter case and punctuation.
func (a *arrival) alike(name string) []string {
	var values []string
	for _, other := range slices.Sorted(maps.Keys(a.header)) {
		if strings.EqualFold(punctuation.ReplaceAllString(other, "-"), name) {
			values = append(values, a.header[other]...)
		}
	}
	return values
}

var punctuation = regexp.MustCompile(`[^0-9A-Za-z]`)
