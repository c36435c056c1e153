package handlers

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenmint/handlers/server"
)

// TestCheckHealth checks the health of what listens at an address, and what the error
// says.
func TestCheckHealth(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	serve := func(start func(*httptest.Server), handler http.Handler) string {
		s := httptest.NewUnstartedServer(handler)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		start(s)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	silent := mustListen(t).Addr().String() // it accepts no connection
	listener := mustListen(t)
	listener.Close()
	closed := listener.Addr().String()

	plain, secured := (*httptest.Server).Start, (*httptest.Server).StartTLS
	const refused = "connection refused: start the service, or set BIND to its address"
	tests := []struct {
		name, bind string
		useTLS     bool
		says       string // after "the service at " and the address; "" if it is healthy
	}{
		{"healthy", serve(plain, answer(200, statusOK)), false, ""},
		{"healthy over TLS", serve(secured, answer(200, statusOK)), true, ""},
		{"TLS", serve(secured, answer(200, statusOK)), false, "speaks TLS: set TLS_CERT_FILE and TLS_KEY_FILE for its health check, too"},
		{"plain HTTP", serve(plain, answer(200, statusOK)), true, "speaks plain HTTP: set TLS_CERT_FILE and TLS_KEY_FILE for both the service and its health check, or for neither"},
		{"another status", serve(plain, answer(404, statusOK)), false, "is not healthy: /healthz answers 404: if another program listens there, correct BIND"},
		{"another body", serve(plain, answer(200, "ok")), false, "is not healthy: /healthz has the answer of another program: correct BIND"},
		{"redirect", serve(plain, http.RedirectHandler("/", http.StatusFound)), false, "is not healthy: /healthz answers 302: if another program listens there, correct BIND"},
		{"another TLS server", serve(secured, answer(404, "")), true, "is not healthy: /healthz answers 404"},
		{"another protocol", speakSSH(t), false, "if another program listens there, correct BIND"},
		{"another protocol in place of TLS", speakSSH(t), true, "if another program listens there, correct BIND"},
		{"no answer", silent, false, "does not answer within 100ms: see its log"},
		{"no handshake", silent, true, "does not answer within 100ms: see its log"},
		{"nothing", closed, false, "is not healthy: dial tcp " + closed + ": connect: " + refused},
		{"nothing over TLS", closed, true, refused},
		{"no socket", "unix:" + filepath.Join("missing", "socket"), false, "is not healthy: dial unix missing/socket: connect: no such file or directory: start the service, or set BIND to its address"},
		{"no port", "5000", false, "missing port in address: start the service, or set BIND to its address"},
	}
	for _, test := range tests {
		client := server.NewClient(test.bind)
		client.Timeout = 30 * time.Second
		if strings.Contains(test.says, "100ms") {
			client.Timeout = 100 * time.Millisecond
		}
		err := CheckHealth(client, test.bind, test.useTLS)
		switch {
		case test.says == "":
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case err == nil || !strings.HasPrefix(err.Error(), "the service at "+test.bind+" ") || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "localhost"):
			t.Errorf("%s: %v, want %q", test.name, err, test.says)
		}
	}
}

// mustListen returns a listener that is closed when the test ends.
func mustListen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// speakSSH returns the address of a server that greets each client as an SSH server does.
func speakSSH(t *testing.T) string {
	t.Helper()
	listener := mustListen(t)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(connection, "SSH-2.0-OpenSSH\r\n")
			connection.Read(make([]byte, 1<<10)) // or else the client may receive a reset
			connection.Close()
		}
	}()
	return listener.Addr().String()
}
