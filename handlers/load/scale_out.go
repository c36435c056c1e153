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

// nginxConfiguration spreads requests over the copies. A request that a copy did
// not answer goes to the next one, POST too: minting twice does no harm, as
// nobody has seen the first token.
const nginxConfiguration = `
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/nginx.log warn;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	upstream tokenmint {
%[2]s		keepalive 32;
	}
	server {
		listen %[3]s;
		location / {
			proxy_pass http://tokenmint;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_connect_timeout 1s;
			proxy_next_upstream error timeout non_idempotent;
		}
	}
}
`

// scaleOut runs three copies with one key behind nginx. Under load, one is
// killed and started again, and another stopped and started again: clients see
// no request fail.
func scaleOut(ctx context.Context, binary, folder string, duration time.Duration) error {
	var copies []*service
	for i := range 3 {
		s, err := startService(binary, filepath.Join(folder, fmt.Sprintf("log-%d", i)), "")
		if err != nil {
			return err
		}
		defer s.kill()
		copies = append(copies, s)
	}
	address, stopNginx, err := startNginx(folder, copies)
	if err != nil {
		return err
	}
	defer stopNginx()

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
		return errors.New("too few requests to tell anything")
	}
	return verifyAcross(copies)
}

// comeAndGo kills the first copy, starts it again, and stops the second and
// starts it again, with a pause around each.
func comeAndGo(copies []*service, pause time.Duration) error {
	time.Sleep(pause)
	if err := haveAPart(copies); err != nil {
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
	return haveAPart(copies)
}

// haveAPart waits until every copy has minted since it was started: nginx needs
// some seconds to believe in one that was gone.
func haveAPart(copies []*service) error {
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
				return fmt.Errorf("copy %d has no part in the load", i)
			}
		}
	}
	return nil
}

// verifyAcross lets every copy mint, and every copy verify what each minted: at
// an inspection, and at the gate, which knows no key but the copies' own.
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

// startNginx runs nginx before the copies, and returns its address.
func startNginx(folder string, copies []*service) (address string, stop func(), err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = free.Addr().String()
	free.Close()
	var servers strings.Builder
	for _, s := range copies {
		fmt.Fprintf(&servers, "\t\tserver %s max_fails=1 fail_timeout=1s;\n", s.address)
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfiguration, folder, servers.String(), address), 0o600); err != nil {
		return "", nil, err
	}
	nginx := exec.Command("nginx", "-p", folder, "-c", file)
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
