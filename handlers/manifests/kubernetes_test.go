package manifests

import (
	"fmt"
	"net"
	"path"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kubernetes holds the objects that kubernetes.yaml must consist of.
type kubernetes struct {
	service, gate corev1.Service
	deployment    appsv1.Deployment
	policy        networkingv1.NetworkPolicy
	autoscaler    autoscalingv2.HorizontalPodAutoscaler
	budget        policyv1.PodDisruptionBudget
}

func loadKubernetes(text string) (*kubernetes, error) {
	k := new(kubernetes)
	return k, loadObjects(text, map[string]any{
		"v1 Service tokenmint": &k.service, "v1 Service tokenmint-gate": &k.gate,
		"apps/v1 Deployment tokenmint":                     &k.deployment,
		"networking.k8s.io/v1 NetworkPolicy tokenmint":     &k.policy,
		"autoscaling/v2 HorizontalPodAutoscaler tokenmint": &k.autoscaler,
		"policy/v1 PodDisruptionBudget tokenmint":          &k.budget,
	})
}

// loadSecrets returns the templates of the Secrets. They are in a file of their own,
// so that nobody applies the examples together with the rest.
func loadSecrets(t *testing.T) []*corev1.Secret {
	t.Helper()
	key, credentials := new(corev1.Secret), new(corev1.Secret)
	text := read(t, "secret.yaml")
	if err := loadObjects(text, map[string]any{"v1 Secret tokenmint-signing-key": key, "v1 Secret tokenmint-mint-credentials": credentials}); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKubernetes(read(t, "kubernetes.yaml") + "\n---\n" + text); err == nil {
		t.Error("kubernetes.yaml may hold a Secret: the check does not notice")
	}
	return []*corev1.Secret{key, credentials}
}

// loadObjects decodes the documents in text into objects, by API version, kind and
// name. It is an error if an object is missing or comes twice, if there is another
// one, or if one has a field that its kind does not have.
func loadObjects(text string, objects map[string]any) error {
	for document := range strings.SplitSeq(text, "\n---\n") {
		var header struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &header); err != nil {
			return err
		}
		name := header.APIVersion + " " + header.Kind + " " + header.Metadata.Name
		object, ok := objects[name]
		if !ok {
			return fmt.Errorf("%q does not belong here, or comes twice", name)
		}
		delete(objects, name)
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(objects) > 0 {
		return fmt.Errorf("missing: %v", objects)
	}
	return nil
}

func TestKubernetes(t *testing.T) {
	text := read(t, "kubernetes.yaml")
	k, err := loadKubernetes(text)
	if err != nil {
		t.Fatal(err)
	}
	pod := k.deployment.Spec.Template
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	container := pod.Spec.Containers[0]
	environment := map[string]string{}
	for _, variable := range container.Env {
		environment[variable.Name] = variable.Value
	}
	t.Run("the parts fit", func(t *testing.T) { checkParts(t, k, container) })
	t.Run("the ports", func(t *testing.T) { checkPorts(t, k, container, environment) })
	t.Run("who may connect", func(t *testing.T) { checkPolicy(t, k) })
	t.Run("who may scrape", func(t *testing.T) {
		complete, err := loadKubernetes(uncomment(text))
		if err != nil {
			t.Fatal(err)
		}
		if rules := complete.policy.Spec.Ingress; len(rules) != 2 || len(rules[1].From) != 2 || rules[1].From[0].NamespaceSelector == nil || rules[1].From[0].PodSelector != nil {
			t.Errorf("with all settings, the rules are %+v", rules)
		}
	})
	t.Run("the secrets", func(t *testing.T) { checkVolumes(t, pod.Spec, container, environment) })
	t.Run("the service", func(t *testing.T) { checkProtected(t, environment) })
	t.Run("the stop", func(t *testing.T) {
		grace := pod.Spec.TerminationGracePeriodSeconds
		hook := container.Lifecycle
		if grace == nil || hook == nil || hook.PreStop == nil || hook.PreStop.Sleep == nil {
			t.Fatal("no terminationGracePeriodSeconds, or no preStop.sleep")
		}
		if left := time.Duration(*grace-hook.PreStop.Sleep.Seconds) * time.Second; left <= gracefulTimeout {
			t.Errorf("the service has %v to stop, want more than %v", left, gracefulTimeout)
		}
	})
	t.Run("security", func(t *testing.T) { checkSecurity(t, pod.Spec, container) })

	for _, wrong := range []string{"terminationGracePeriodSeconds", "readinessProbe", "fsGroup", "targetPort", "averageUtilization", "minAvailable", "namespaceSelector", "policyTypes"} {
		if _, err := loadKubernetes(strings.Replace(text, wrong+":", wrong+"s:", 1)); err == nil {
			t.Errorf("%ss passes for %s: the check is not strict", wrong, wrong)
		}
	}
}

// checkParts checks that the objects refer to each other correctly.
func checkParts(t *testing.T, k *kubernetes, container corev1.Container) {
	labels := k.deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"Deployment":          k.deployment.Spec.Selector.MatchLabels,
		"Service":             k.service.Spec.Selector,
		"Service of the gate": k.gate.Spec.Selector,
		"NetworkPolicy":       k.policy.Spec.PodSelector.MatchLabels,
		"PodDisruptionBudget": k.budget.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 || fmt.Sprint(selector) != fmt.Sprint(labels) {
			t.Errorf("%s selects %v, the pods have %v", what, selector, labels)
		}
	}
	if target := k.autoscaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.APIVersion != "apps/v1" || target.Name != k.deployment.Name {
		t.Errorf("the autoscaler scales %+v", target)
	}
	if least := k.autoscaler.Spec.MinReplicas; least == nil || *least < 2 || k.autoscaler.Spec.MaxReplicas <= *least || k.deployment.Spec.Replicas != nil {
		t.Error("the autoscaler has no room, or the Deployment sets the number of replicas itself")
	}
	if container.Resources.Requests.Cpu().IsZero() || container.Resources.Limits.Memory().IsZero() {
		t.Error("no CPU request, which the autoscaler needs, or no memory limit")
	}
}

// checkPorts checks that Services and probes lead to the ports on which the service
// listens.
func checkPorts(t *testing.T, k *kubernetes, container corev1.Container, environment map[string]string) {
	_, gate, err := net.SplitHostPort(environment["GATE_BIND"])
	if err != nil {
		t.Fatal(err)
	}
	ports := map[string]string{}
	for _, port := range container.Ports {
		ports[port.Name] = fmt.Sprint(port.ContainerPort)
	}
	if len(ports) != 2 || ports["http"] != "5000" || ports["gate"] != gate {
		t.Errorf("the container has the ports %v, and GATE_BIND is %s", ports, environment["GATE_BIND"])
	}
	for target, service := range map[string]corev1.Service{"http": k.service, "gate": k.gate} {
		if got := service.Spec; len(got.Ports) != 1 || got.Ports[0].TargetPort.StrVal != target || got.Ports[0].Port != 80 || got.Type != "" {
			t.Errorf("the Service %s: %+v", service.Name, got)
		}
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("the probe of %s: %+v", path, probe)
		}
	}
}

// checkPolicy checks that each port has exactly one kind of client, and that the
// service may connect to nobody.
func checkPolicy(t *testing.T, k *kubernetes) {
	policy := k.policy.Spec
	if fmt.Sprint(policy.PolicyTypes) != "[Ingress Egress]" || len(policy.Egress) > 0 {
		t.Errorf("policyTypes %v, egress %+v", policy.PolicyTypes, policy.Egress)
	}
	clients := map[string]networkingv1.NetworkPolicyPeer{}
	for _, rule := range policy.Ingress {
		if len(rule.Ports) != 1 || len(rule.From) != 1 || rule.Ports[0].Port == nil || rule.Ports[0].Protocol != nil {
			t.Fatalf("a rule has not one port and one kind of client: %+v", rule)
		}
		clients[rule.Ports[0].Port.String()] = rule.From[0]
	}
	if len(policy.Ingress) != 2 || len(clients) != 2 {
		t.Errorf("%d rules, for the ports of %v", len(policy.Ingress), clients)
	}
	if gate := clients["gate"]; gate.NamespaceSelector == nil || gate.PodSelector != nil || gate.IPBlock != nil || fmt.Sprint(gate.NamespaceSelector.MatchLabels) != "map[kubernetes.io/metadata.name:ingress-nginx]" {
		t.Errorf("clients of the gate: %+v", gate)
	}
	if mint := clients["http"]; mint.PodSelector == nil || mint.NamespaceSelector != nil || mint.IPBlock != nil || fmt.Sprint(mint.PodSelector.MatchLabels) != "map[tokenmint-client:true]" {
		t.Errorf("clients that may mint: %+v", mint)
	}
}

// checkVolumes checks that the service finds each Secret where a variable says and
// can read it, and that it refuses the examples.
func checkVolumes(t *testing.T, pod corev1.PodSpec, container corev1.Container, environment map[string]string) {
	secrets := loadSecrets(t)
	if len(container.VolumeMounts) != len(secrets) || len(pod.Volumes) != len(secrets) {
		t.Fatalf("%d mounts and %d volumes, want one for each Secret", len(container.VolumeMounts), len(pod.Volumes))
	}
	if group := pod.SecurityContext.FSGroup; group == nil || *group != imageUser {
		t.Error("the group of the service cannot read the Secrets")
	}
	for i, variable := range []string{"SIGNING_KEY_FILE", "MINT_CREDENTIALS_FILE"} {
		mount, volume := container.VolumeMounts[i], pod.Volumes[i]
		if volume.Secret == nil || volume.Secret.SecretName != secrets[i].Name || mount.Name != volume.Name || !mount.ReadOnly {
			t.Fatalf("volume %+v, mount %+v", volume, mount)
		}
		if mode := volume.Secret.DefaultMode; mode == nil || *mode != 0o440 {
			t.Errorf("the group of the service cannot read the Secret %s, or others can", secrets[i].Name)
		}
		folder, name := path.Split(environment[variable])
		example, ok := secrets[i].StringData[name]
		if folder != mount.MountPath+"/" || !ok || len(secrets[i].StringData) != 1 {
			t.Errorf("%s is %s", variable, environment[variable])
		}
		checkRefused(t, environment, variable, example)
	}
}

func checkSecurity(t *testing.T, pod corev1.PodSpec, container corev1.Container) {
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser != imageUser || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod: %+v", s)
	}
	s := container.SecurityContext
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.Capabilities == nil || fmt.Sprint(s.Capabilities.Drop) != "[ALL]" {
		t.Errorf("the container: %+v", s)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod gets a token for the cluster's API")
	}
}
