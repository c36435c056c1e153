package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The service must answer all probes with 200 within patience, all but slowShare of
// them within a second, and half of them within a tenth of a second. The shares allow
// for the machine, which may be small and busy, and on which the attackers run as well.
const (
	probeInterval = 200 * time.Millisecond
	patience      = 5 * time.Second
	promptly      = time.Second
	slowShare     = 0.05
	usually       = 100 * time.Millisecond
)

// probe sends small requests, each on a connection of its own. It never repeats
// one, so that no failure is hidden.
type probe struct {
	client       http.Client
	server, gate string // URLs
	token        string

	mutex    sync.Mutex
	times    []time.Duration
	failures []error
}

// newProbe returns a probe with a token that s has minted.
func newProbe(s *service) (*probe, error) {
	scheme := "http://"
	if s.client != nil {
		scheme = "https://"
	}
	p := &probe{
		client: http.Client{
			Transport: &http.Transport{DialContext: dialFromAfar, DisableKeepAlives: true, TLSClientConfig: s.client, TLSHandshakeTimeout: patience},
			Timeout:   patience,
		},
		server: scheme + s.address,
		gate:   scheme + s.address,
	}
	if s.gate != "" {
		p.gate = scheme + s.gate
	}
	answer, err := p.mint()
	if err != nil {
		return nil, err
	}
	var minted map[string]string
	if err := json.Unmarshal(answer, &minted); err != nil {
		return nil, err
	}
	p.token = minted["JWT Token"]
	return p, nil
}

// roundTrip is how far away the client of a probe is.
const roundTrip = 50 * time.Millisecond

// dialFromAfar connects and returns after a roundTrip. On loopback the request would
// follow at once, and so no probe would meet a service that closes what is new.
func dialFromAfar(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := new(net.Dialer).DialContext(ctx, network, address)
	time.Sleep(roundTrip)
	return connection, err
}

func (p *probe) mint() ([]byte, error) {
	request, err := http.NewRequest("POST", p.server+"/token", strings.NewReader(`{"user_data":"a probe"}`))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	return p.send(request)
}

func (p *probe) pass() ([]byte, error) {
	request, err := http.NewRequest("GET", p.gate+"/auth", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	return p.send(request)
}

// send returns the body of the answer, whose status must be 200.
func (p *probe) send(request *http.Request) ([]byte, error) {
	response, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, body)
	}
	return body, err
}

// run probes the service until ctx ends. It never waits for an answer before it
// sends the next request, so that a stall counts with all its length.
func (p *probe) run(ctx context.Context) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	var requests sync.WaitGroup
	defer requests.Wait()
	for {
		requests.Go(func() { p.measure(p.pass) })
		requests.Go(func() { p.measure(p.mint) })
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// measure sends a request and notes how long the service took: the roundTrip is not its
// own.
func (p *probe) measure(request func() ([]byte, error)) {
	began := time.Now()
	_, err := request()
	took := time.Since(began) - roundTrip
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.times = append(p.times, took)
	if err != nil {
		p.failures = append(p.failures, err)
	}
}

// judge describes the answers to the probes. It is an error if one failed, or if too
// many were slow. This is the one check that a slow machine can fail: prompt answers
// under attack are what the service promises, so the attackers yield to it (nice), and
// a few slow answers are allowed.
func (p *probe) judge() (string, error) {
	slices.Sort(p.times)
	median, slowest := p.times[len(p.times)/2], p.times[len(p.times)-1]
	slow := 0
	for _, took := range p.times {
		if took > promptly {
			slow++
		}
	}
	text := fmt.Sprintf("%d probes, median %v, slowest %v, %d over %v", len(p.times), median.Round(time.Millisecond), slowest.Round(time.Millisecond), slow, promptly)
	switch {
	case len(p.failures) > 0:
		return text, fmt.Errorf("%d probes failed: %w", len(p.failures), errors.Join(p.failures[:min(2, len(p.failures))]...))
	case float64(slow) > slowShare*float64(len(p.times)):
		return text, errors.New("too many probes were slow")
	case median > usually:
		return text, fmt.Errorf("half of the probes took more than %v", usually)
	default:
		return text, nil
	}
}
