package main

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/errors"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// key finds an item by what makes it unique.
type key struct{ kind, namespace, name string }

func keyOf(item *yaml.RNode) key {
	return key{item.GetKind(), item.GetNamespace(), item.GetName()}
}

// SessionServerFilter gives the runners among the items a session server.
type SessionServerFilter struct {
	Config *FunctionConfig
}

// Filter implements kio.Filter.
func (f *SessionServerFilter) Filter(items []*yaml.RNode) ([]*yaml.RNode, error) {
	index := make(map[key]*yaml.RNode, len(items))
	for _, item := range items {
		index[keyOf(item)] = item
	}

	var services []*yaml.RNode
	for _, item := range items {
		if !f.wants(item) {
			continue
		}
		container, err := runnerContainer(item)
		if err != nil {
			return nil, err
		}
		if container == nil {
			continue
		}

		service, err := f.enable(item, container, index)
		if err != nil {
			return nil, errors.WrapPrefixf(err, "%s %s", item.GetKind(), item.GetName())
		}
		if _, found := index[keyOf(service)]; !found {
			services = append(services, service)
		}
	}

	return append(items, services...), nil
}

func (f *SessionServerFilter) wants(item *yaml.RNode) bool {
	switch item.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet":
	default:
		return false
	}

	runner := f.Config.Spec.Runner
	if runner == nil {
		return true
	}

	return (runner.Name == "" || runner.Name == item.GetName()) &&
		(runner.Namespace == "" || runner.Namespace == item.GetNamespace())
}

// enable changes one runner and its ConfigMap, and returns the Service for it.
func (f *SessionServerFilter) enable(
	workload, container *yaml.RNode, index map[key]*yaml.RNode,
) (*yaml.RNode, error) {
	configMap, err := findConfigMap(workload, index)
	if err != nil {
		return nil, err
	}
	checksum, err := addSessionServer(configMap, f.Config.Spec.AdvertiseAddress)
	if err != nil {
		return nil, err
	}
	if err := addPort(container); err != nil {
		return nil, err
	}
	if err := annotate(workload, checksum); err != nil {
		return nil, err
	}

	return newService(workload)
}

// runnerContainer returns the container that runs the gitlab-runner image, or nil.
func runnerContainer(workload *yaml.RNode) (*yaml.RNode, error) {
	containers, err := workload.Pipe(yaml.Lookup("spec", "template", "spec", "containers"))
	if err != nil || containers == nil {
		return nil, err
	}
	elements, err := containers.Elements()
	if err != nil {
		return nil, err
	}

	for _, container := range elements {
		image, err := container.Pipe(yaml.Get("image"))
		if err != nil {
			return nil, err
		}
		if isRunnerImage(yaml.GetValue(image)) {
			return container, nil
		}
	}

	return nil, nil
}

// isRunnerImage looks at the last part of the image's name only, as the image is
// often copied to a registry of one's own.
func isRunnerImage(image string) bool {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndex(image, "/")+1:]
	name, _, _ = strings.Cut(name, ":")

	return name == "gitlab-runner"
}

// findConfigMap returns the ConfigMap with config.toml that the pod mounts.
func findConfigMap(workload *yaml.RNode, index map[key]*yaml.RNode) (*yaml.RNode, error) {
	volumes, err := workload.Pipe(yaml.Lookup("spec", "template", "spec", "volumes"))
	if err != nil {
		return nil, err
	}
	elements, err := volumes.Elements()
	if err != nil {
		return nil, err
	}

	for _, volume := range elements {
		name, err := volume.Pipe(yaml.Lookup("configMap", "name"))
		if err != nil {
			return nil, err
		}
		if name == nil {
			continue
		}
		configMap, found := index[key{"ConfigMap", workload.GetNamespace(), yaml.GetValue(name)}]
		if !found {
			continue
		}
		text, err := configMap.Pipe(yaml.Lookup("data", configKey))
		if err != nil {
			return nil, err
		}
		if text != nil {
			return configMap, nil
		}
	}

	return nil, fmt.Errorf("mounts no ConfigMap with %s", configKey)
}
