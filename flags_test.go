package main

import (
	"flag"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestREADMEFlags compares the flags with the table of them in handlers/README.md.
func TestREADMEFlags(t *testing.T) {
	t.Parallel()
	const readme = "handlers/README.md"
	documented := map[string][2]string{} // variable and default, by flag
	for _, row := range regexp.MustCompile("(?m)^\\| `-([a-z-]+)` \\| `([A-Z_]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(readFile(t, readme), -1) {
		documented[row[1]] = [2]string{row[2], strings.TrimPrefix(strings.Trim(row[3], "`"), "none")}
	}
	serviceFlags(new(options)).VisitAll(func(f *flag.Flag) {
		variable, ok := environment[f.Name]
		if !ok {
			return // a flag without a variable is not in the table
		}
		if want := [2]string{variable, f.DefValue}; documented[f.Name] != want {
			t.Errorf("-%s: %s has %q, want %q", f.Name, readme, documented[f.Name], want)
		}
		delete(documented, f.Name)
	})
	if len(documented) > 0 {
		t.Errorf("%s has flags that do not exist: %v", readme, documented)
	}
}

func TestParseGracefulTimeout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "0": 0, "030": 30 * time.Second, "30s": 30 * time.Second, "1m": time.Minute, "1.5s": 1500 * time.Millisecond, "9223372036": 9223372036 * time.Second,
	} {
		if got, err := parseGracefulTimeout(text); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "-1s", "+-1", "1.5", "1e3", "0x10", "1_000", "30 ", "9223372037", "soon"} {
		if got, err := parseGracefulTimeout(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// TestLogFormat starts the service with each spelling of a log format.
func TestLogFormat(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"JSON": `{"time":`, "Json": `{"time":`, "Text": "time="} {
		p := start(t, t.TempDir(), append(withGoodKey, "LOG_FORMAT="+setting))
		if log := p.stderr.String(); !strings.HasPrefix(log, want) {
			t.Errorf("LOG_FORMAT=%s: %s", setting, log)
		}
		p.kill()
		p = start(t, t.TempDir(), withGoodKey, "-log-format", setting)
		if log := p.stderr.String(); !strings.HasPrefix(log, want) {
			t.Errorf("-log-format %s: %s", setting, log)
		}
		p.kill()
	}
}
