package main

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADMEFlags holds the README's table of flags against the flags.
func TestREADMEFlags(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][2]string{} // by flag: variable and default
	for _, row := range regexp.MustCompile("(?m)^\\| `-([a-z-]+)` \\| `([A-Z_]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(readme), -1) {
		documented[row[1]] = [2]string{row[2], strings.TrimPrefix(strings.Trim(row[3], "`"), "none")}
	}
	newFlagSet(new(options)).VisitAll(func(f *flag.Flag) {
		variable, ok := environment[f.Name]
		if !ok {
			return // -version and the like stand in the text
		}
		if want := [2]string{variable, f.DefValue}; documented[f.Name] != want {
			t.Errorf("-%s: the README has %q, want %q", f.Name, documented[f.Name], want)
		}
		delete(documented, f.Name)
	})
	if len(documented) > 0 {
		t.Errorf("the README has flags that there are not: %v", documented)
	}
}
