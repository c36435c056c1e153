package main

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/pprof"
	"time"

	"tokenmint/handlers"
	"tokenmint/jwtcore"
)

// writeProfile loads the service in this process, where it can be profiled,
// with both token routes in turn.
func writeProfile(name string) {
	keys, err := jwtcore.ParseKeys([]byte(signingKey))
	check(err)
	service, err := handlers.New(handlers.Config{SigningKeys: keys, Now: time.Now, Logger: slog.Default()})
	check(err)
	listening := httptest.NewServer(service)
	defer listening.Close()
	folder, err := os.MkdirTemp("", "tokenmint-profile-")
	check(err)
	defer os.RemoveAll(folder)

	file, err := os.Create(name)
	check(err)
	check(pprof.StartCPUProfile(file))
	s := &server{url: listening.URL + "/token"}
	for _, route := range []string{"mint", "inspect"} {
		method, body := s.request(route, 16)
		wrk := exec.Command("wrk", "-t1", "-c32", "-d20", "-s", writeScript(folder, method, body), s.url)
		wrk.Stdout = os.Stdout
		check(wrk.Run())
	}
	pprof.StopCPUProfile()
	check(file.Close())
}
