package main

import (
	"context"
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

// cluster is three copies with the same secrets behind nginx.
type cluster struct {
	folder  string // for all files
	secrets secrets
	copies  []*service
	nginx   *exec.Cmd // nil if it does not run
	address string    // of nginx
}

// start runs the copies and nginx, under the configuration in the named file. The caller
// must call kill, even after an error.
func (c *cluster) start(binary, configuration string) error {
	c.secrets = secrets(filepath.Join(c.folder, "secrets"))
	if err := c.secrets.create(); err != nil {
		return err
	}
	for i := range 3 {
		s, err := startService(binary, filepath.Join(c.folder, fmt.Sprintf("copy-%d", i)), c.secrets)
		if err != nil {
			return err
		}
		c.copies = append(c.copies, s)
	}
	return c.startNginx(configuration)
}

// kill ends what runs.
func (c *cluster) kill() {
	if c.nginx != nil {
		c.nginx.Process.Signal(os.Interrupt)
		c.nginx.Wait()
	}
	for _, s := range c.copies {
		s.kill()
	}
}

// startNginx runs nginx in front of the copies, with their addresses in place of
// those in the configuration.
func (c *cluster) startNginx(configuration string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.address = free.Addr().String()
	free.Close()
	balancer, err := os.ReadFile(configuration)
	if err != nil {
		return err
	}
	text, err := replaceOnce(string(balancer), "listen 80;", "listen "+c.address+";")
	for i, s := range c.copies {
		if err == nil {
			text, err = replaceOnce(text, fmt.Sprintf("server 10.0.0.%d:5000 ", i+1), "server "+s.address+" ")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", configuration, err)
	}
	for name, text := range map[string]string{"nginx.conf": nginxMain, "load-balancer.conf": text} {
		if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	nginx := exec.Command("nginx", "-p", c.folder, "-c", "nginx.conf")
	nginx.Stderr = os.Stderr
	if err := nginx.Start(); err != nil {
		return err
	}
	c.nginx = nginx
	return await(context.Background(), 10*time.Second, func() error {
		connection, err := net.Dial("tcp", c.address)
		if err != nil {
			return fmt.Errorf("nginx does not listen: %w", err)
		}
		return connection.Close()
	})
}

// replaceOnce replaces old, which must occur exactly once.
func replaceOnce(text, old, new string) (string, error) {
	if count := strings.Count(text, old); count != 1 {
		return "", fmt.Errorf("%q occurs %d times, want once", old, count)
	}
	return strings.Replace(text, old, new, 1), nil
}

// awaitLoad waits until every copy has minted since it was started: nginx takes
// some seconds to return to a copy that had gone.
func (c *cluster) awaitLoad() error {
	return await(context.Background(), 10*time.Second, func() error {
		for i, s := range c.copies {
			series, err := s.metrics()
			if err != nil {
				return err
			}
			if series["tokenmint_tokens_minted_total"] < 10 {
				return fmt.Errorf("copy %d gets no requests", i)
			}
		}
		return nil
	})
}
