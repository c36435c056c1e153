package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// nginxMain is what a distribution puts around a file of /etc/nginx/conf.d, but
// for one folder and without an access log.
const nginxMain = `
daemon off;
pid nginx.pid;
error_log nginx.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include load-balancer.conf;
}
`

// scaleOut runs three copies with one key behind nginx, under the configuration in
// the named file. Under load, one copy is killed and started again, and another is
// stopped and started again: no request fails at a client.
func scaleOut(ctx context.Context, binary, configuration, folder string, duration time.Duration) error {
	var copies []*service
	for i := range 3 {
		s, err := startService(binary, filepath.Join(folder, fmt.Sprintf("copy-%d", i)))
		if err != nil {
			return err
		}
		defer s.kill()
		copies = append(copies, s)
	}
	address, stopNginx, err := startNginx(folder, configuration, copies)
	if err != nil {
		return err
	}
	defer stopNginx()

	if err := expectGuarded(address); err != nil {
		return err
	}
	result := new(result)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		newClient(address, result).goodTraffic(ctx, 32, time.Millisecond)
	}()
	err = comeAndGo(copies, duration/5)
	cancel()
	<-loaded
	fmt.Printf("scale-out: %d requests in %v through nginx, %d failed, the slowest took %v\n", result.requests.Load(), duration, len(result.failures), time.Duration(result.slowest.Load()).Round(time.Millisecond))
	if err := errors.Join(err, result.err()); err != nil {
		return err
	}
	if result.requests.Load() < 1000 {
		return errors.New("too few requests to judge by")
	}
	return verifyAcross(copies)
}

// expectGuarded checks that clients of nginx can mint only with a credential, and
// cannot read the metrics.
func expectGuarded(address string) error {
	stranger := newClient(address, new(result))
	stranger.credential = credential + "x"
	return errors.Join(
		stranger.expect(401, "POST", "/token", `{"user_data":1}`),
		stranger.expect(404, "GET", "/metrics", ""),
	)
}

// comeAndGo kills the first copy and starts it again, then stops the second copy
// and starts it again, with a pause around each step.
func comeAndGo(copies []*service, pause time.Duration) error {
	time.Sleep(pause)
	if err := awaitLoad(copies); err != nil {
		return err
	}
	copies[0].kill()
	time.Sleep(pause)
	if err := copies[0].start(); err != nil {
		return err
	}
	time.Sleep(pause)
	if err := copies[1].stop(); err != nil {
		return fmt.Errorf("the graceful stop: %w", err)
	}
	if err := copies[1].start(); err != nil {
		return err
	}
	time.Sleep(pause)
	return awaitLoad(copies)
}

// awaitLoad waits until every copy has minted since it was started: nginx takes
// some seconds to return to a copy that had gone.
func awaitLoad(copies []*service) error {
	for i, s := range copies {
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			series, err := s.metrics()
			if err != nil {
				return err
			}
			if series["tokenmint_tokens_minted_total"] >= 10 {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("copy %d gets no requests", i)
			}
		}
	}
	return nil
}

// verifyAcross mints a token with every copy, and verifies it with every copy: by
// an inspection, and at the gate, which knows only the copies' own key.
func verifyAcross(copies []*service) error {
	for i, minting := range copies {
		data := fmt.Sprintf("minted by copy %d", i)
		token, err := newClient(minting.address, new(result)).mint(data)
		if err != nil {
			return err
		}
		for _, verifying := range copies {
			c := newClient(verifying.address, new(result))
			if err := c.verify("GET", "/token", token, data); err != nil {
				return err
			}
			if err := c.pass(token, 200); err != nil {
				return err
			}
			if err := c.pass(token+"AAAA", 401); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceOnce replaces old, which must occur exactly once.
func replaceOnce(text, old, new string) (string, error) {
	if count := strings.Count(text, old); count != 1 {
		return "", fmt.Errorf("%q occurs %d times, want once", old, count)
	}
	return strings.Replace(text, old, new, 1), nil
}

// startNginx runs nginx in front of the copies, with their addresses in place of
// those in the configuration, and returns its address.
func startNginx(folder, configuration string, copies []*service) (address string, stop func(), err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = free.Addr().String()
	free.Close()
	balancer, err := os.ReadFile(configuration)
	if err != nil {
		return "", nil, err
	}
	text, err := replaceOnce(string(balancer), "listen 80;", "listen "+address+";")
	for i, s := range copies {
		if err == nil {
			text, err = replaceOnce(text, fmt.Sprintf("server 10.0.0.%d:5000 ", i+1), "server "+s.address+" ")
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", configuration, err)
	}
	for name, text := range map[string]string{"nginx.conf": nginxMain, "load-balancer.conf": text} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return "", nil, err
		}
	}
	nginx := exec.Command("nginx", "-p", folder, "-c", "nginx.conf")
	nginx.Stderr = os.Stderr
	if err := nginx.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		nginx.Process.Signal(os.Interrupt)
		nginx.Wait()
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return address, stop, nil
		}
	}
	stop()
	return "", nil, errors.New("nginx does not listen")
}
