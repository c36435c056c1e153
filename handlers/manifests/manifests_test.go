// Package manifests checks the files in this folder against the Compose
// specification and the Kubernetes API, strictly: an unknown or misplaced field is
// an error here, where an orchestrator may ignore it.
package manifests

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const (
	// imageUser is the user and group of the image.
	imageUser = 65532
	// gracefulTimeout is the service's default. Orchestrators must wait longer
	// than that before they kill it.
	gracefulTimeout = 30 * time.Second
	// shortestKey is the length in bytes that the service demands of a key.
	shortestKey = 64
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func loadStack(t *testing.T, text string) (*types.Project, error) {
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "stack.yaml", Content: []byte(text)}},
	}, func(o *loader.Options) { o.SetProjectName("tokenmint", true) })
}

func TestStack(t *testing.T) {
	text := read(t, "stack.yaml")
	project, err := loadStack(t, text)
	if err != nil {
		t.Fatal(err)
	}
	service, err := project.GetService("tokenmint")
	if err != nil {
		t.Fatal(err)
	}
	if service.Deploy == nil || service.Deploy.Replicas == nil || service.Deploy.UpdateConfig == nil || service.Deploy.Resources.Limits == nil || service.StopGracePeriod == nil {
		t.Fatal("no replicas, update_config, limits or stop_grace_period")
	}
	if *service.Deploy.Replicas < 2 || service.Deploy.UpdateConfig.Order != "start-first" {
		t.Errorf("no copy runs during an update: %d replicas, %s", *service.Deploy.Replicas, service.Deploy.UpdateConfig.Order)
	}
	if limits := service.Deploy.Resources.Limits; limits.MemoryBytes <= 0 || limits.NanoCPUs <= 0 {
		t.Errorf("limits: %+v", limits)
	}
	if time.Duration(*service.StopGracePeriod) <= gracefulTimeout {
		t.Errorf("stop_grace_period is %v, want more than %v", *service.StopGracePeriod, gracefulTimeout)
	}
	if len(service.Secrets) != 1 {
		t.Fatalf("%d secrets, want 1", len(service.Secrets))
	}
	secret := service.Secrets[0]
	if _, ok := project.Secrets[secret.Source]; !ok {
		t.Errorf("no secret %s", secret.Source)
	}
	if secret.UID != fmt.Sprint(imageUser) || secret.Mode == nil || *secret.Mode != 0o400 {
		t.Errorf("the service cannot read its key, or others can: %+v", secret)
	}
	file := service.Environment["SIGNING_KEY_FILE"]
	if file == nil || *file != secret.Target {
		t.Errorf("SIGNING_KEY_FILE is not %s", secret.Target)
	}

	for _, wrong := range []string{"replicas", "update_config", "memory", "stop_grace_period", "mode"} {
		if _, err := loadStack(t, strings.Replace(text, wrong+":", wrong+"s:", 1)); err == nil {
			t.Errorf("%ss passes for %s: the check is not strict", wrong, wrong)
		}
	}
}

// kubernetes holds the objects that kubernetes.yaml must consist of.
type kubernetes struct {
	service    corev1.Service
	deployment appsv1.Deployment
	autoscaler autoscalingv2.HorizontalPodAutoscaler
	budget     policyv1.PodDisruptionBudget
}

func loadKubernetes(text string) (*kubernetes, error) {
	k := new(kubernetes)
	objects := map[string]any{
		"v1 Service": &k.service, "apps/v1 Deployment": &k.deployment,
		"autoscaling/v2 HorizontalPodAutoscaler": &k.autoscaler,
		"policy/v1 PodDisruptionBudget":          &k.budget,
	}
	for document := range strings.SplitSeq(text, "\n---\n") {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return nil, err
		}
		name := kind.APIVersion + " " + kind.Kind
		object, ok := objects[name]
		if !ok {
			return nil, fmt.Errorf("%q does not belong here, or comes twice", name)
		}
		delete(objects, name)
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(objects) > 0 {
		return nil, fmt.Errorf("missing: %v", objects)
	}
	return k, nil
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
	t.Run("the parts fit", func(t *testing.T) { checkParts(t, k, container) })
	t.Run("the key", func(t *testing.T) {
		if err := checkKey(k, container, loadSecret(t)); err != nil {
			t.Error(err)
		}
	})
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

	for _, wrong := range []string{"terminationGracePeriodSeconds", "readinessProbe", "fsGroup", "targetPort", "averageUtilization", "minAvailable"} {
		if _, err := loadKubernetes(strings.Replace(text, wrong+":", wrong+"s:", 1)); err == nil {
			t.Errorf("%ss passes for %s: the check is not strict", wrong, wrong)
		}
	}
}

// loadSecret returns the template of the key. It is a file of its own, so that
// nobody applies the example together with the rest.
func loadSecret(t *testing.T) *corev1.Secret {
	t.Helper()
	text := read(t, "secret.yaml")
	secret := new(corev1.Secret)
	if err := yaml.UnmarshalStrict([]byte(text), secret); err != nil {
		t.Fatal(err)
	}
	if secret.APIVersion != "v1" || secret.Kind != "Secret" {
		t.Errorf("secret.yaml is a %s %s", secret.APIVersion, secret.Kind)
	}
	if _, err := loadKubernetes(read(t, "kubernetes.yaml") + "\n---\n" + text); err == nil {
		t.Error("kubernetes.yaml may hold a Secret: the check does not notice")
	}
	return secret
}

// checkParts checks that the objects refer to each other correctly.
func checkParts(t *testing.T, k *kubernetes, container corev1.Container) {
	labels := k.deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{"Deployment": k.deployment.Spec.Selector.MatchLabels, "Service": k.service.Spec.Selector, "PodDisruptionBudget": k.budget.Spec.Selector.MatchLabels} {
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
	if len(container.Ports) != 1 || len(k.service.Spec.Ports) != 1 || container.Ports[0].Name != k.service.Spec.Ports[0].TargetPort.StrVal || container.Ports[0].ContainerPort != 5000 {
		t.Errorf("ports: %+v, %+v", container.Ports, k.service.Spec.Ports)
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != container.Ports[0].Name {
			t.Errorf("the probe of %s: %+v", path, probe)
		}
	}
}

// checkKey checks that the service finds its key in the secret and can read it,
// and that nobody can run it with the example.
func checkKey(k *kubernetes, container corev1.Container, secret *corev1.Secret) error {
	if len(container.Env) != 1 || container.Env[0].Name != "SIGNING_KEY_FILE" || len(container.VolumeMounts) != 1 || len(k.deployment.Spec.Template.Spec.Volumes) != 1 {
		return errors.New("want one variable, one mount and one volume, all for the key")
	}
	mount, volume := container.VolumeMounts[0], k.deployment.Spec.Template.Spec.Volumes[0]
	if volume.Secret == nil || volume.Secret.SecretName != secret.Name || mount.Name != volume.Name || !mount.ReadOnly {
		return fmt.Errorf("volume %+v, mount %+v", volume, mount)
	}
	name, ok := strings.CutPrefix(container.Env[0].Value, mount.MountPath+"/")
	if _, exists := secret.StringData[name]; !ok || !exists {
		return fmt.Errorf("SIGNING_KEY_FILE is %s", container.Env[0].Value)
	}
	group := k.deployment.Spec.Template.Spec.SecurityContext.FSGroup
	if volume.Secret.DefaultMode == nil || *volume.Secret.DefaultMode != 0o440 || group == nil || *group != imageUser {
		return errors.New("the group of the service cannot read the key, or others can")
	}
	if len(secret.StringData[name]) >= shortestKey {
		return errors.New("the example key is long enough for the service to start with it")
	}
	return nil
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
