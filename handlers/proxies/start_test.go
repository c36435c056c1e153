package proxies

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func startNginx(t *testing.T, gate, application string) string {
	t.Helper()
	return startNginxWith(t, read(t, "nginx.conf"), gate, application)
}

// startNginxWith starts nginx with a configuration like nginx.conf.
func startNginxWith(t *testing.T, server, gate, application string) string {
	t.Helper()
	server = replaceOne(t, server, "127.0.0.1:5001;", gate+";")
	server = replaceOne(t, server, "127.0.0.1:8080;", application+";")
	return runNginx(t, server)
}

// startNginxLoadBalancer starts nginx with nginx-load-balancer.conf, whose three copies
// are at these addresses in turn.
func startNginxLoadBalancer(t *testing.T, copies ...string) string {
	t.Helper()
	server := read(t, "nginx-load-balancer.conf")
	for i := range 3 {
		server = replaceOne(t, server, fmt.Sprintf("10.0.0.%d:5000 ", i+1), copies[i%len(copies)]+" ")
	}
	return runNginx(t, server)
}

// runNginx starts nginx with a file of /etc/nginx/conf.d/ that listens on port 80.
func runNginx(t *testing.T, server string) string {
	t.Helper()
	address, folder := freeAddress(t), t.TempDir()
	write(t, filepath.Join(folder, "server.conf"), replaceOne(t, server, "listen 80;", "listen "+address+";"))
	// What a distribution puts around it, but as one process and in this folder.
	write(t, filepath.Join(folder, "nginx.conf"), `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include server.conf;
}
`)
	start(t, address, nil, setting(t, "NGINX"), "-e", "stderr", "-p", folder, "-c", "nginx.conf")
	return address
}

func startHAProxy(t *testing.T, gate, application string) string {
	t.Helper()
	script, err := filepath.Abs("haproxy.lua")
	if err != nil {
		t.Fatal(err)
	}
	configuration := read(t, "haproxy.cfg")
	configuration = replaceOne(t, configuration, "/etc/haproxy/haproxy.lua", script)
	configuration = strings.ReplaceAll(configuration, "//127.0.0.1:5001/", "//"+gate+"/")
	configuration = replaceOne(t, configuration, "server application 127.0.0.1:8080", "server application "+application)
	return runHAProxy(t, configuration)
}

// startHAProxyForService starts an HAProxy that publishes the service.
func startHAProxyForService(t *testing.T, service string) string {
	t.Helper()
	return runHAProxy(t, `
defaults
	mode http
	option http-no-delay # or an answer may wait for the next one for 200 ms
	timeout connect 1s
	timeout client 75s
	timeout server 75s

listen tokenmint
	bind :80
	server tokenmint `+service+`
`)
}

// runHAProxy starts HAProxy with a configuration that binds port 80.
func runHAProxy(t *testing.T, configuration string) string {
	t.Helper()
	address := freeAddress(t)
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, replaceOne(t, configuration, "bind :80\n", "bind "+address+"\n"))
	start(t, address, nil, setting(t, "HAPROXY"), "-db", "-f", file) // -db: stay in the foreground
	return address
}

func startCaddy(t *testing.T, gate, application string) string {
	t.Helper()
	return startCaddyWith(t, read(t, "Caddyfile"), gate, application)
}

// startCaddyWith starts Caddy with a configuration like the Caddyfile.
func startCaddyWith(t *testing.T, site, gate, application string) string {
	t.Helper()
	site = replaceOne(t, site, "forward_auth 127.0.0.1:5001", "forward_auth "+gate)
	site = replaceOne(t, site, "127.0.0.1:8080", application)
	return runCaddy(t, site)
}

// startCaddyForService starts Caddy with Caddyfile-service.
func startCaddyForService(t *testing.T, service string) string {
	t.Helper()
	return runCaddy(t, replaceOne(t, read(t, "Caddyfile-service"), "127.0.0.1:5000", service))
}

// runCaddy starts Caddy with a Caddyfile whose only site is :80.
func runCaddy(t *testing.T, site string) string {
	t.Helper()
	address, folder := freeAddress(t), t.TempDir()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	site = replaceOne(t, site, "\n:80 {\n", "\n:"+port+" {\n\tbind "+host+"\n")
	file := filepath.Join(folder, "Caddyfile")
	write(t, file, site)
	environment := []string{"HOME=" + folder, "CADDY_ADMIN=" + freeAddress(t)}
	start(t, address, environment, setting(t, "CADDY"), "run", "--config", file, "--adapter", "caddyfile")
	return address
}

func startTraefik(t *testing.T, gate, application string) string {
	t.Helper()
	return startTraefikWith(t, gate, application)
}

// startTraefikWith starts Traefik with more options.
func startTraefikWith(t *testing.T, gate, application string, options ...string) string {
	t.Helper()
	address := freeAddress(t)
	routes := strings.ReplaceAll(read(t, "traefik-dynamic.yaml"), "//127.0.0.1:5001/", "//"+gate+"/")
	routes = replaceOne(t, routes, "//127.0.0.1:8080", "//"+application)
	file := filepath.Join(t.TempDir(), "traefik-dynamic.yaml")
	write(t, file, routes)
	options = append(options, "--entryPoints.web.address="+address, "--providers.file.filename="+file, "--global.checkNewVersion=false")
	start(t, address, nil, setting(t, "TRAEFIK"), options...)
	waitFor(t, "Traefik to read its routes", func() bool {
		response, err := client.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode != http.StatusNotFound
	})
	return address
}
