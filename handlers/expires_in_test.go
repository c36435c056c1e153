package handlers

import (
	"strings"
	"testing"
	"time"
)

// TestMaxExpiresIn checks that a bound makes expires_in required, and that the error
// names it.
func TestMaxExpiresIn(t *testing.T) {
	for _, bound := range []struct {
		time.Duration
		seconds string
	}{{time.Hour, "3600"}, {time.Hour + time.Second - 1, "3600"}, {time.Second, "1"}, {876_000 * time.Hour, "3153600000"}} {
		_, server := newServer(t, func(c *Config) { c.MaxExpiresIn = bound.Duration })
		for _, expiresIn := range []string{bound.seconds, bound.seconds + ".0", "1"} {
			_, claims := mintOver(t, server, `{"user_data":1,"expires_in":`+expiresIn+`}`)
			if !strings.Contains(claims, `"exp":`) {
				t.Errorf("at most %v: %s: %s", bound.Duration, expiresIn, claims)
			}
		}
		for _, members := range []string{"", `,"expires_in":null`, `,"expires_in":0`, `,"expires_in":0.5`, `,"expires_in":3153600001`, `,"expires_in":1e400`, `,"expires_in":` + bound.seconds + `.5`, `,"expires_in":` + bound.seconds + `1`} {
			got := send(t, "POST", server.URL+"/token", `{"user_data":1`+members+`}`, jsonHeader())
			checkError(t, members, got, 400)
			if want := "send expires_in as whole seconds from 1 to " + bound.seconds + ":"; !strings.HasPrefix(got.header.Get("Error-Description"), want) {
				t.Errorf("at most %v: %s: %s", bound.Duration, members, got.body)
			}
		}
		got := send(t, "POST", server.URL+"/token", `{"expires_in":9e99}`, jsonHeader())
		if checkError(t, "no user_data", got, 400); !strings.Contains(got.body, "user_data") {
			t.Errorf("expires_in before user_data: %s", got.body)
		}
	}
}

func TestParseExpiresIn(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1": time.Second, "3600": time.Hour, "3153600000": 876_000 * time.Hour, "007": 7 * time.Second,
		"1s": time.Second, "1h": time.Hour, "1h30m": 90 * time.Minute, "1.5m": 90 * time.Second, "1000ms": time.Second, "876000h": 876_000 * time.Hour,
	} {
		if got, err := ParseExpiresIn(text); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "0", "0s", "-1", "-1h", "1.0", "1e3", "0x10", "1_000", "1 h", "1d", "soon", "null", "999ms", "1.5s", "1s1ns", "876000h1s", "3153600001",
		"9223372036854775807", "-9223372036854775807", "18446744074", "99999999999999999999",
	} {
		if got, err := ParseExpiresIn(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}
