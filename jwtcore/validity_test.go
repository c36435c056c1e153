package jwtcore

import (
	"testing"
	"time"
)

func TestValidity(t *testing.T) {
	const layout = "2006-01-02T15:04:05.999Z07:00"
	now := time.Unix(1000, 0)
	tests := []struct {
		claims             string
		state              State // empty if the token has neither claim
		expires, notBefore string
	}{
		{`{}`, "", "", ""},
		{`{"iat":1}`, "", "", ""},
		{`{"exp":1001}`, StateValid, "1970-01-01T00:16:41Z", ""},
		{`{"exp":1000}`, StateExpired, "1970-01-01T00:16:40Z", ""},
		{`{"exp":999}`, StateExpired, "1970-01-01T00:16:39Z", ""},
		{`{"nbf":999}`, StateValid, "", "1970-01-01T00:16:39Z"},
		{`{"nbf":1000}`, StateValid, "", "1970-01-01T00:16:40Z"},
		{`{"nbf":1001}`, StateNotYetValid, "", "1970-01-01T00:16:41Z"},
		{`{"nbf":999,"exp":1001}`, StateValid, "1970-01-01T00:16:41Z", "1970-01-01T00:16:39Z"},
		{`{"nbf":1001,"exp":999}`, StateExpired, "1970-01-01T00:16:39Z", "1970-01-01T00:16:41Z"},

		{`{"exp":1000.5}`, StateValid, "1970-01-01T00:16:40.5Z", ""},
		{`{"exp":1e3}`, StateExpired, "1970-01-01T00:16:40Z", ""},
		{`{"exp":1.001E+3}`, StateValid, "1970-01-01T00:16:41Z", ""},
		{`{"exp":-1}`, StateExpired, "1969-12-31T23:59:59Z", ""},
		{`{"exp":-0.25}`, StateExpired, "1969-12-31T23:59:59.75Z", ""},
		{`{"exp":0}`, StateExpired, "1970-01-01T00:00:00Z", ""},
		{`{"\u0065xp":1001}`, StateValid, "1970-01-01T00:16:41Z", ""},

		{`{"exp":253402300799}`, StateValid, "9999-12-31T23:59:59Z", ""},
		{`{"exp":253402300800}`, StateValid, "", ""},
		{`{"exp":1e400}`, StateValid, "", ""},
		{`{"exp":-1e400}`, StateExpired, "", ""},
		{`{"nbf":1e400}`, StateNotYetValid, "", ""},
		{`{"nbf":-1e400}`, StateValid, "", ""},
		{`{"exp":9223372036854775808}`, StateValid, "", ""},
		{`{"exp":1e-400}`, StateExpired, "1970-01-01T00:00:00Z", ""},
		{`{"exp":-62135596799}`, StateExpired, "0001-01-01T00:00:01Z", ""},
		{`{"exp":-62135596799.5}`, StateExpired, "", ""},
		{`{"exp":-62135596800}`, StateExpired, "", ""},

		{`{"exp":"1001"}`, StateInvalid, "", ""},
		{`{"exp":null}`, StateInvalid, "", ""},
		{`{"exp":[1001]}`, StateInvalid, "", ""},
		{`{"exp":true,"nbf":{}}`, StateInvalid, "", ""},
		{`{"exp":"1","nbf":1001}`, StateInvalid, "", "1970-01-01T00:16:41Z"},
		{`{"exp":1,"nbf":""}`, StateInvalid, "1970-01-01T00:00:01Z", ""},
		{`{"payload":{"exp":1}}`, "", "", ""},
	}
	text := func(t time.Time) string {
		switch {
		case t.IsZero():
			return ""
		case t.Location() != time.UTC:
			return "not in UTC"
		default:
			return t.Format(layout)
		}
	}
	for _, test := range tests {
		token, err := Parse(join(hs512, test.claims, ""))
		if err != nil {
			t.Errorf("%s: %v", test.claims, err)
			continue
		}
		validity, ok := token.Validity(now)
		if ok != (test.state != "") {
			t.Errorf("%s: ok: %t, want %t", test.claims, ok, !ok)
		}
		if ok && validity.State != test.state {
			t.Errorf("%s: %s, want %s", test.claims, validity.State, test.state)
		}
		if got := text(validity.Expires); got != test.expires {
			t.Errorf("%s: expires %q, want %q", test.claims, got, test.expires)
		}
		if got := text(validity.NotBefore); got != test.notBefore {
			t.Errorf("%s: not before %q, want %q", test.claims, got, test.notBefore)
		}
	}
}

// TestValidityWithinASecond checks that the nanoseconds of now count.
func TestValidityWithinASecond(t *testing.T) {
	tests := []struct {
		claims string
		now    time.Time
		want   State
	}{
		{`{"exp":1000}`, time.Unix(999, 999_999_999), StateValid},
		{`{"exp":1000}`, time.Unix(1000, 0), StateExpired},
		{`{"nbf":1000}`, time.Unix(999, 999_999_999), StateNotYetValid},
		{`{"nbf":1000}`, time.Unix(1000, 0), StateValid},
		{`{"exp":1000.5}`, time.Unix(1000, 499_999_999), StateValid},
		{`{"exp":1000.5}`, time.Unix(1000, 500_000_000), StateExpired},
		{`{"exp":1795292276}`, time.Unix(1795292275, 999_999_999), StateValid},
		{`{"exp":1795292276}`, time.Unix(1795292276, 0), StateExpired},
	}
	for _, test := range tests {
		token, err := Parse(join(hs512, test.claims, ""))
		if err != nil {
			t.Fatal(err)
		}
		if validity, _ := token.Validity(test.now); validity.State != test.want {
			t.Errorf("%s at %v: %s, want %s", test.claims, test.now, validity.State, test.want)
		}
	}
}

func TestValidityNote(t *testing.T) {
	const (
		notANumber   = " is not a number, so other implementations refuse the token"
		milliseconds = " is probably in milliseconds, but RFC 7519 counts in seconds"
	)
	tests := []struct{ claims, want string }{
		{`{}`, ""},
		{`{"exp":1764150000,"nbf":1764150000}`, ""},
		{`{"exp":"1764150000"}`, "exp" + notANumber},
		{`{"nbf":null}`, "nbf" + notANumber},
		{`{"exp":1764150000000}`, "exp" + milliseconds},
		{`{"nbf":1.76415e12}`, "nbf" + milliseconds},
		{`{"exp":100000000000}`, ""},
		{`{"exp":100000000000.5}`, "exp" + milliseconds},
		{`{"exp":1e400}`, "exp" + milliseconds},
		{`{"exp":-1e400}`, ""},
		{`{"nbf":[],"exp":1764150000000}`, "exp" + milliseconds + "; nbf" + notANumber},
		{`{"iat":1764150000000}`, ""},
	}
	for _, test := range tests {
		token, err := Parse(join(hs512, test.claims, ""))
		if err != nil {
			t.Fatal(err)
		}
		if validity, _ := token.Validity(time.Unix(1000, 0)); validity.Note != test.want {
			t.Errorf("%s: %q, want %q", test.claims, validity.Note, test.want)
		}
	}
}
