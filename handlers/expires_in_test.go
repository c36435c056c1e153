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
