package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// buildFolder writes the result of building a folder with a Flux Kustomization.
func buildFolder(file, folder string, out io.Writer) error {
	kustomization, err := read(file)
	if err != nil {
		return err
	}
	copied, err := os.MkdirTemp("", "flux-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	// The library compares the paths of files with this one, without links.
	if copied, err = filepath.EvalSymlinks(copied); err != nil {
		return err
	}
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		return err
	}
	path, _, err := unstructured.NestedString(kustomization.Object, "spec", "path")
	if err != nil {
		return err
	}
	path = filepath.Join(copied, path)
	generator := kustomize.NewGenerator(copied, kustomization)
	if _, err := generator.WriteFile(path); err != nil {
		return err
	}
	resources, err := kustomize.SecureBuild(copied, path, false)
	if err != nil {
		return err
	}
	for _, resource := range resources.Resources() {
		substituted, err := kustomize.SubstituteVariables(
			context.Background(), nil, kustomization, resource,
			kustomize.SubstituteWithStrict(true),
		)
		if err != nil {
			return fmt.Errorf("%s: %w", resource.CurId(), err)
		}
		if substituted == nil {
			continue
		}
		if _, err := resources.Replace(substituted); err != nil {
			return err
		}
	}
	text, err := resources.AsYaml()
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func read(file string) (unstructured.Unstructured, error) {
	object := unstructured.Unstructured{}
	text, err := os.ReadFile(file)
	if err != nil {
		return object, err
	}
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		return object, fmt.Errorf("%s: %w", file, err)
	}
	return object, nil
}
