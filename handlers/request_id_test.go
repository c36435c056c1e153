package handlers

import (
	"net/http"
	"strings"
	"testing"
)

const (
	traceID1 = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID = "00f067aa0ba902b7"

	traceparent = "00-" + traceID1 + "-" + parentID + "-01"
)

// visible is all visible ASCII.
const visible = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// TestRequestID checks where the id of a request comes from.
func TestRequestID(t *testing.T) {
	trace := []string{traceparent}
	tests := []struct {
		name              string
		sent, traceparent []string
		want              string // empty for a new one
	}{
		{"none", nil, nil, ""},
		{"one character", []string{"x"}, trace, "x"},
		{"all characters", []string{visible}, trace, visible},
		{"128 characters", []string{strings.Repeat("x", 128)}, trace, strings.Repeat("x", 128)},
		{"129 characters", []string{strings.Repeat("x", 129)}, nil, ""},
		{"129 characters, and a trace", []string{strings.Repeat("x", 129)}, trace, traceID1},
		{"empty", []string{""}, trace, traceID1},
		{"a space", []string{"a b"}, trace, traceID1},
		{"a tab", []string{"a\tb"}, nil, ""},
		{"beyond ASCII", []string{"\u00e9"}, trace, traceID1},
		{"a byte beyond ASCII", []string{"a\x80"}, nil, ""},
		{"two", []string{"x", "x"}, trace, traceID1},
		{"a trace", nil, trace, traceID1},
		{"a wrong trace", nil, []string{"00-" + traceID1}, ""},
		{"a wrong trace, and an id", []string{"x"}, []string{canary}, "x"},
	}
	_, server := newServer(t)
	for _, test := range tests {
		header := http.Header{"X-Request-Id": test.sent, "Traceparent": test.traceparent}
		for _, request := range [][2]string{{"GET", "/"}, {"POST", "/token"}, {"GET", "/auth"}, {"GET", "/nowhere"}, {"PUT", "/token"}, {"OPTIONS", "/token"}, {"POST", "/tokens"}} {
			got := send(t, request[0], server.URL+request[1], "", header)
			ids := got.header["X-Request-Id"]
			if len(ids) != 1 || test.want != "" && ids[0] != test.want || test.want == "" && !newID.MatchString(ids[0]) {
				t.Errorf("%s: %s: X-Request-Id: %q, want %q", test.name, request, ids, test.want)
			}
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		seen[requestID(http.Header{})[0]] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 new ids differ", len(seen))
	}
}

// TestTraceID checks what is a valid traceparent (W3C Trace Context §3.2).
func TestTraceID(t *testing.T) {
	const tail = "-" + traceID1 + "-" + parentID + "-01"
	for _, good := range []string{
		"00" + tail, "01" + tail, "cc" + tail, "fe" + tail, "f0" + tail, "0f" + tail,
		"01" + tail + "-", "cc" + tail + "-what-the-future-will-be-like", "fe" + tail + "-X Y",
		"00-" + traceID1 + "-" + parentID + "-00", "00-" + traceID1 + "-" + parentID + "-ff",
	} {
		if id, ok := traceID([]string{good}); id != traceID1 || !ok {
			t.Errorf("%s: %q, %t", good, id, ok)
		}
	}
	const zeros16 = "0000000000000000"
	bad := [][]string{
		nil, {}, {"00" + tail, "00" + tail}, {"00" + tail + ", 00" + tail},
		{""}, {"00"}, {tail}, {"00" + tail[:len(tail)-1]}, {"0" + tail}, {"000" + tail},
		{"ff" + tail}, {"ff" + tail + "-x"}, {"FE" + tail}, {"0g" + tail},
		{"00" + tail + "-"}, {"00" + tail + "-x"}, {"00" + tail + "0"}, {"01" + tail + "0"}, {"01" + tail + "."},
		{" 00" + tail}, {"00" + tail + " "},
		{"00" + strings.ToUpper(tail)}, {"00-" + strings.ToUpper(traceID1) + "-" + parentID + "-01"}, {"00-" + traceID1 + "-" + strings.ToUpper(parentID) + "-01"},
		{"00-" + traceID1 + "-" + parentID + "-0G"}, {"00-" + traceID1 + "-" + parentID + "-0A"},
		{"00-" + zeros16 + zeros16 + "-" + parentID + "-01"}, {"00-" + traceID1 + "-" + zeros16 + "-01"}, {"01-" + zeros16 + zeros16 + "-" + parentID + "-01"},
		{"00_" + tail[1:]}, {"00-" + traceID1 + "_" + parentID + "-01"}, {"00-" + traceID1 + "-" + parentID + "_01"},
		{"00-" + traceID1[1:] + "-" + parentID + "-001"}, {"00-" + traceID1[1:] + "--" + parentID + "-01"},
		{"00-" + traceID1[1:] + "g-" + parentID + "-01"}, {"00-" + traceID1[1:] + "\x00-" + parentID + "-01"}, {"00-" + traceID1[2:] + "\u00e9-" + parentID + "-01"},
	}
	for _, values := range bad {
		if id, ok := traceID(values); id != "" || ok {
			t.Errorf("%q: %q, %t", values, id, ok)
		}
	}
}
