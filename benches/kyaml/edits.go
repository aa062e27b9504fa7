package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	configKey          = "config.toml"
	checksumAnnotation = "runner-terminal.dev/config-checksum"
	portName           = "session-server"
)

// addSessionServer appends the table to the ConfigMap's config.toml and returns
// the checksum of the new text.
func addSessionServer(configMap *yaml.RNode, advertise string) (string, error) {
	data, err := configMap.Pipe(yaml.Lookup("data"))
	if err != nil {
		return "", err
	}
	node, err := data.Pipe(yaml.Get(configKey))
	if err != nil {
		return "", err
	}

	text := yaml.GetValue(node)
	if !strings.Contains(text, "[session_server]") {
		text = strings.TrimRight(text, "\n") + "\n\n" + table(advertise)
		if err := data.PipeE(yaml.SetField(configKey, yaml.NewStringRNode(text))); err != nil {
			return "", err
		}
	}

	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

func table(advertise string) string {
	text := "[session_server]\n  listen_address = \"0.0.0.0:8093\"\n"
	if advertise != "" {
		text += fmt.Sprintf("  advertise_address = %q\n", advertise)
	}

	return text + "  session_timeout = 1800\n"
}

func addPort(container *yaml.RNode) error {
	number := yaml.NewRNode(&yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: "8093"})

	return container.PipeE(
		yaml.LookupCreate(yaml.MappingNode, "ports", "[name="+portName+"]"),
		yaml.SetField("containerPort", number),
	)
}

// annotate makes the pods start again when the text changes.
func annotate(workload *yaml.RNode, checksum string) error {
	return workload.PipeE(
		yaml.LookupCreate(yaml.MappingNode, "spec", "template"),
		yaml.SetAnnotation(checksumAnnotation, checksum),
	)
}

func newService(workload *yaml.RNode) (*yaml.RNode, error) {
	service, err := yaml.Parse(fmt.Sprintf(`apiVersion: v1
kind: Service
metadata:
  name: %s-session-server
spec:
  type: LoadBalancer
  ports:
  - name: %[2]s
    port: 9000
    targetPort: %[2]s
`, workload.GetName(), portName))
	if err != nil {
		return nil, err
	}
	if namespace := workload.GetNamespace(); namespace != "" {
		if err := service.SetNamespace(namespace); err != nil {
			return nil, err
		}
	}

	labels, err := workload.Pipe(yaml.Lookup("spec", "selector", "matchLabels"))
	if err != nil {
		return nil, err
	}
	if labels == nil {
		return nil, fmt.Errorf("has no spec.selector.matchLabels")
	}

	return service, service.SetMapField(labels.Copy(), "spec", "selector")
}
