// Benchmark compares the CPU time that the service spends on a request with that
// of an Echo handler that reads the same body and answers with fixed bytes of the
// same length: what HTTP costs anyway. wrk loads the two in turn over loopback.
// Benchmark reads their CPU times from /proc, since these are meaningful on a busy
// machine, where requests per second are not. It compares the lines of streams with
// requests of their own, and with the hash.
//
//	go run -C .ci/benchmark . [-seconds 2] [-turns 5] [-streams]
//
// It needs Linux, Go and wrk, and builds the service itself.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

const signingKey = "a benchmark's key, which is no secret, of more than sixty-four bytes"

func main() {
	log.SetFlags(0)
	seconds := flag.Int("seconds", 2, "how many seconds each server is loaded at a time")
	turns := flag.Int("turns", 5, "how often each is loaded")
	streams := flag.Bool("streams", false, "measure only streams")
	fixed := flag.Int("fixed", -1, "only serve fixed answers of this many bytes")
	flag.Parse()
	if *fixed >= 0 {
		log.Fatal(serveFixed(*fixed))
	}
	folder, err := os.MkdirTemp("", "tokenmint-benchmark-")
	check(err)
	defer os.RemoveAll(folder)
	tokenmint := filepath.Join(folder, "tokenmint")
	build := exec.Command("go", "build", "-o", tokenmint, ".")
	build.Dir = "../.."
	output, err := build.CombinedOutput()
	if err != nil {
		log.Fatalf("%v\n%s", err, output)
	}
	b := benchmark{tokenmint, folder, *seconds, *turns}
	if !*streams {
		b.measureRequests()
	}
	b.measureStreams()
}

// measureRequests prints the table of requests.
func (b *benchmark) measureRequests() {
	info, err := os.Stat(b.tokenmint)
	check(err)
	fmt.Printf("start to first answer: median %v\n", b.startTime())
	fmt.Printf("binary: %.1f MiB (not stripped)\n\n", float64(info.Size())/(1<<20))
	fmt.Printf("%-8s %9s %11s %5s %28s %s\n", "route", "user_data", "connections", "cores", "CPU per request, of fixed", "peak memory")
	for _, route := range []string{"mint", "inspect", "auth", "auth/if"} {
		for _, c := range []struct{ size, connections, cores int }{
			{16, 1, 2}, {16, 64, 2}, {16, 512, 2}, {1 << 10, 64, 2}, {64 << 10, 64, 2}, {16, 64, 1},
		} {
			if strings.HasPrefix(route, "auth") && c.size > 1<<10 {
				continue // too large for a header
			}
			b.compare(route, c.size, c.connections, c.cores)
		}
	}
	fmt.Println()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// serveFixed runs the server that the service is compared with.
func serveFixed(size int) error {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	answer := bytes.Repeat([]byte("x"), size)
	e.Any("/*", func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/json", answer)
	})
	return e.Start(os.Getenv("BIND"))
}

type benchmark struct {
	tokenmint, folder string
	seconds, turns    int
}

// compare measures one case and prints its line.
func (b *benchmark) compare(route string, size, connections, cores int) {
	service := b.start(cores, b.tokenmint)
	defer service.stop()
	asked := service.requestFor(route, size)
	self, err := os.Executable()
	check(err)
	fixed := b.start(cores, self, "-fixed", strconv.Itoa(len(service.ask(asked))))
	defer fixed.stop()

	script := filepath.Join(b.folder, "request.lua")
	check(os.WriteFile(script, asked.script(), 0o600))
	ratios := make([]float64, b.turns)
	for i := range ratios {
		ratios[i] = service.load(script, connections, b.seconds) / fixed.load(script, connections, b.seconds)
	}
	fmt.Printf("%-8s %9d %11d %5d %28s %8.0f MiB\n", route, size, connections, cores, spread(ratios), service.peakMemory())
}

// spread returns the median of ratios, and the range of all.
func spread(ratios []float64) string {
	slices.Sort(ratios)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
}

// startTime returns the median time from the start of the process to its first
// answer.
func (b *benchmark) startTime() time.Duration {
	times := make([]time.Duration, 21)
	for i := range times {
		began := time.Now()
		service := b.start(2, b.tokenmint)
		times[i] = time.Since(began).Round(time.Millisecond / 10)
		service.stop()
	}
	slices.Sort(times)
	return times[len(times)/2]
}

type server struct {
	command *exec.Cmd
	url     string
}

// start starts a server and waits for its first answer.
func (b *benchmark) start(cores int, name string, args ...string) *server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	address := listener.Addr().String()
	listener.Close()
	s := &server{exec.Command(name, args...), "http://" + address}
	s.command.Env = []string{"BIND=" + address, "SIGNING_KEY=" + signingKey, "GOMAXPROCS=" + strconv.Itoa(cores)}
	check(s.command.Start())
	for range 10_000 {
		if response, err := http.Get(s.url); err == nil {
			response.Body.Close()
			return s
		}
		time.Sleep(time.Millisecond / 2)
	}
	log.Fatalf("%s does not answer", name)
	return nil
}

func (s *server) stop() {
	s.command.Process.Kill()
	s.command.Wait()
}

// request is a request to a server.
type request struct{ method, path, body, token string }

// script returns a script that makes wrk send the request.
func (r request) script() []byte {
	return fmt.Appendf(nil, "wrk.method=%q wrk.path=%q wrk.body=[==[%s]==] wrk.headers['Content-Type']='application/json' wrk.headers['Authorization']=%q",
		r.method, r.path, r.body, "Bearer "+r.token)
}

// conditions are three of different kinds, and a header.
const conditions = "/payload/data&/payload/date~=[0-9]{4}-.*&max_age=86400&set=X-Date:/payload/date"

// requestFor returns a request to mint a token, or one that inspects or passes a
// token just minted.
func (s *server) requestFor(route string, size int) request {
	mint := request{method: "POST", path: "/token", body: `{"user_data":"` + strings.Repeat("x", size) + `"}`}
	if route == "mint" {
		return mint
	}
	var minted map[string]string
	check(json.Unmarshal(s.ask(mint), &minted))
	token := minted["JWT Token"]
	switch route {
	case "auth":
		return request{method: "GET", path: "/auth", token: token}
	case "auth/if":
		return request{method: "GET", path: "/auth/if?" + conditions, token: token}
	}
	body := `{"Token":"` + token + `","Signing_key":"` + signingKey + `"}`
	if route == "verify" {
		return request{method: "POST", path: "/token/verify", body: body}
	}
	return request{method: "GET", path: "/token", body: body}
}

func (s *server) ask(r request) []byte {
	asked, err := http.NewRequest(r.method, s.url+r.path, strings.NewReader(r.body))
	check(err)
	asked.Header.Set("Content-Type", "application/json")
	asked.Header.Set("Authorization", "Bearer "+r.token)
	response, err := http.DefaultClient.Do(asked)
	check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != http.StatusOK {
		log.Fatalf("%s %s: %s %s", r.method, r.path, response.Status, answer)
	}
	return answer
}

var requestsDone = regexp.MustCompile(`(\d+) requests in`)

// load runs wrk and returns the server's CPU time per request, in ticks.
func (s *server) load(script string, connections, seconds int) float64 {
	before := s.cpuTime()
	output, err := exec.Command("wrk", "-t1", "-c", strconv.Itoa(connections), "-d", strconv.Itoa(seconds), "-s", script, s.url).CombinedOutput()
	done := requestsDone.FindSubmatch(output)
	if err != nil || done == nil || bytes.Contains(output, []byte("Non-2xx")) || bytes.Contains(output, []byte("Socket errors")) {
		log.Fatalf("wrk: %v\n%s", err, output)
	}
	requests, err := strconv.Atoi(string(done[1]))
	check(err)
	return (s.cpuTime() - before) / float64(requests)
}

// cpuTime returns the user and system time that the process has used, in ticks.
func (s *server) cpuTime() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	check(err)
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')'):]) // from the third field on
	user, err := strconv.Atoi(string(fields[12]))
	check(err)
	system, err := strconv.Atoi(string(fields[13]))
	check(err)
	return float64(user + system)
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory returns the peak of the process's resident memory, in MiB.
func (s *server) peakMemory() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	check(err)
	kilobytes, err := strconv.Atoi(string(highWater.FindSubmatch(status)[1]))
	check(err)
	return float64(kilobytes) / (1 << 10)
}
