package main

import (
	"flag"
	"regexp"
	"strings"
	"testing"
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
