// Package manifests checks the files in this folder, and the compose.yaml above it,
// against the Compose specification and the Kubernetes API, strictly: an unknown or
// misplaced field is an error here, where an orchestrator may ignore it. It also runs
// the service with the settings that are in them. The script .ci/manifests/run runs
// the tests: it builds the service and names it in the environment.
package manifests

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const (
	// imageUser is the user and group of the image.
	imageUser = 65532
	// gracefulTimeout is the service's default. Orchestrators must wait longer
	// than that before they kill it.
	gracefulTimeout = 30 * time.Second
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func loadCompose(t *testing.T, text string) (*types.Project, error) {
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  t.TempDir(),
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
	}, func(o *loader.Options) { o.SetProjectName("tokenmint", true) })
}

// composeService returns the project in text, and its service tokenmint.
func composeService(t *testing.T, text string) (*types.Project, types.ServiceConfig) {
	t.Helper()
	project, err := loadCompose(t, text)
	if err != nil {
		t.Fatal(err)
	}
	service, err := project.GetService("tokenmint")
	if err != nil {
		t.Fatal(err)
	}
	return project, service
}

// commentedOut matches what makes a comment of a setting: unlike a sentence, a
// setting does not begin after one space.
var commentedOut = regexp.MustCompile(`(?m)^( *)#((?:  )*[^ \n])`)

// uncomment returns text with all settings that are comments in it.
func uncomment(text string) string { return commentedOut.ReplaceAllString(text, "$1$2") }

func TestStack(t *testing.T) {
	text := read(t, "stack.yaml")
	project, service := composeService(t, text)
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
	if len(service.Ports) > 0 {
		t.Errorf("clients outside the swarm can connect: %+v", service.Ports)
	}
	if network := project.Networks["tokenmint"]; network.Name != "tokenmint" || len(service.Networks) != 1 {
		t.Errorf("networks: %+v, %+v", project.Networks, service.Networks)
	}
	checkSecrets(t, project, service, 2)
	for _, secret := range service.Secrets {
		if secret.UID != fmt.Sprint(imageUser) || secret.Mode == nil || *secret.Mode != 0o400 {
			t.Errorf("the service cannot read the secret, or others can: %+v", secret)
		}
	}
	checkProtected(t, environment(service))

	_, complete := composeService(t, uncomment(text))
	if ports := complete.Ports; len(ports) != 1 || ports[0].Target != 5000 {
		t.Errorf("with all settings, clients outside the swarm can connect to other ports than 5000: %+v", ports)
	}

	for _, wrong := range []string{"replicas", "update_config", "memory", "stop_grace_period", "mode"} {
		if _, err := loadCompose(t, strings.Replace(text, wrong+":", wrong+"s:", 1)); err == nil {
			t.Errorf("%ss passes for %s: the check is not strict", wrong, wrong)
		}
	}
}

// TestCompose checks compose.yaml as it is, and with all settings.
func TestCompose(t *testing.T) {
	text := read(t, "../../compose.yaml")
	project, service := composeService(t, text)
	checkSecrets(t, project, service, 0)
	checkPublished(t, service, "5000")

	project, service = composeService(t, uncomment(text))
	checkSecrets(t, project, service, 1)
	checkPublished(t, service, "5000", "5001")
	variables := environment(service)
	variables["SIGNING_KEY_FILE"] = "/keys/signing.key" // where the image has it
	checkProtected(t, variables)
}

// checkPublished checks that this machine can connect to these ports of the service,
// and no other machine to any of them.
func checkPublished(t *testing.T, service types.ServiceConfig, ports ...string) {
	t.Helper()
	var got []string
	for _, port := range service.Ports {
		got = append(got, port.Published)
		if port.HostIP != "127.0.0.1" || fmt.Sprint(port.Target) != port.Published {
			t.Errorf("published: %+v", port)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(ports) {
		t.Errorf("the ports %v are published, want %v", got, ports)
	}
}

// checkSecrets checks that the service has count secrets, and that for each a
// variable names its file.
func checkSecrets(t *testing.T, project *types.Project, service types.ServiceConfig, count int) {
	t.Helper()
	if len(service.Secrets) != count || len(project.Secrets) != count {
		t.Errorf("%d secrets, of which the service has %d, want %d", len(project.Secrets), len(service.Secrets), count)
	}
	for _, secret := range service.Secrets {
		if _, ok := project.Secrets[secret.Source]; !ok {
			t.Errorf("no secret %s", secret.Source)
		}
		variable := strings.ToUpper(secret.Source) + "_FILE"
		if file := service.Environment[variable]; file == nil || *file != "/run/secrets/"+secret.Source {
			t.Errorf("%s is not the file of the secret %s", variable, secret.Source)
		}
	}
}

func environment(service types.ServiceConfig) map[string]string {
	all := map[string]string{}
	for name, value := range service.Environment {
		all[name] = *value
	}
	return all
}
