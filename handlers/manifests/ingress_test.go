package manifests

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

// TestIngress sends what ingress-nginx would ask the gate to the service.
func TestIngress(t *testing.T) {
	text := read(t, "ingress.yaml")
	ingress := new(networkingv1.Ingress)
	objects := func() map[string]any {
		return map[string]any{"networking.k8s.io/v1 Ingress application-admin": ingress}
	}
	if err := loadObjects(text, objects()); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"ingressClassName", "pathType", "backend"} {
		if err := loadObjects(strings.Replace(text, wrong+":", wrong+"s:", 1), objects()); err == nil {
			t.Errorf("%ss passes for %s: the check is not strict", wrong, wrong)
		}
	}
	k, err := loadKubernetes(read(t, "kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(ingress.Annotations["nginx.ingress.kubernetes.io/auth-url"])
	if err != nil || asked.Hostname() != k.gate.Name+".default.svc.cluster.local" || asked.Port() != "" || k.gate.Spec.Ports[0].Port != 80 {
		t.Fatalf("auth-url %v does not lead to the gate: %v", asked, err)
	}

	s := start(t, map[string]string{"GATE_BIND": "0.0.0.0:5001", "SIGNING_KEY_FILE": "signing.key"}, map[string]string{"SIGNING_KEY_FILE": signingKey})
	if !s.listens(t) {
		t.Fatalf("the service does not start: %s", s.log.String())
	}
	passes := strings.Split(ingress.Annotations["nginx.ingress.kubernetes.io/auth-response-headers"], ",")
	for _, test := range []struct {
		body   string // of the request to mint the token; empty for none
		status int
	}{
		{"", 401},
		{`{"user_data":{"role":"editor"},"claims":{"sub":"ada"}}`, 403},
		{`{"user_data":{"role":"admin"},"claims":{"sub":"ada"}}`, 200},
	} {
		bearer := ""
		if test.body != "" {
			_, bearer = askWith(t, "POST", "http://"+s.address+"/token", "", test.body)
		}
		header := askGate(t, "http://"+s.gate+asked.RequestURI(), bearer, test.status)
		if test.status != http.StatusOK {
			continue
		}
		if header.Get("Remote-User") != "ada" {
			t.Errorf("Remote-User: %q", header.Get("Remote-User"))
		}
		for _, name := range []string{"Token-Id", "Token-Claims", "Remote-User"} {
			if len(header[name]) != 1 || !slices.Contains(passes, name) {
				t.Errorf("%s: %q, and auth-response-headers are %q", name, header[name], passes)
			}
		}
	}
}

// askGate sends a request to the gate, which must answer with this status, and returns
// the header of the response.
func askGate(t *testing.T, url, bearer string, status int) http.Header {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != status {
		t.Errorf("%s: %d, want %d", url, response.StatusCode, status)
	}
	return response.Header
}
