package main

import (
	"fmt"
	"io"
	"os"

	v2 "github.com/fluxcd/helm-controller/api/v2"
	fluxkustomize "github.com/fluxcd/pkg/apis/kustomize"
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// postRender writes the output of a HelmRelease's post-renderers for a rendered chart.
func postRender(file string, rendered []byte, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	release := v2.HelmRelease{}
	// As with the API server, a field that the type does not have is an error.
	if err := yaml.UnmarshalStrict(text, &release); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for number, renderer := range release.Spec.PostRenderers {
		if renderer.Kustomize == nil {
			continue
		}
		if rendered, err = patch(renderer.Kustomize, rendered); err != nil {
			return fmt.Errorf("%s: spec.postRenderers[%d]: %w", file, number, err)
		}
	}
	if rendered, err = labelled(&release, rendered); err != nil {
		return err
	}
	_, err = out.Write(rendered)
	return err
}

func patch(renderer *v2.Kustomize, rendered []byte) ([]byte, error) {
	const input = "helm-output.yaml"
	kustomization := types.Kustomization{
		TypeMeta: types.TypeMeta{
			APIVersion: types.KustomizationVersion,
			Kind:       types.KustomizationKind,
		},
		Resources: []string{input},
	}
	for _, patch := range renderer.Patches {
		kustomization.Patches = append(kustomization.Patches, types.Patch{
			Patch:  patch.Patch,
			Target: selector(patch.Target),
		})
	}
	for _, image := range renderer.Images {
		kustomization.Images = append(kustomization.Images, types.Image{
			Name:    image.Name,
			NewName: image.NewName,
			NewTag:  image.NewTag,
			Digest:  image.Digest,
		})
	}
	written, err := yaml.Marshal(kustomization)
	if err != nil {
		return nil, err
	}
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile(input, rendered); err != nil {
		return nil, err
	}
	if err := files.WriteFile("kustomization.yaml", written); err != nil {
		return nil, err
	}
	kustomizer := krusty.MakeKustomizer(&krusty.Options{
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	})
	resources, err := kustomizer.Run(files, ".")
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

func selector(selector *fluxkustomize.Selector) *types.Selector {
	if selector == nil {
		return nil
	}
	selected := &types.Selector{
		LabelSelector:      selector.LabelSelector,
		AnnotationSelector: selector.AnnotationSelector,
	}
	selected.Group = selector.Group
	selected.Version = selector.Version
	selected.Kind = selector.Kind
	selected.Name = selector.Name
	selected.Namespace = selector.Namespace
	return selected
}

// labelled gives each object the labels by which helm-controller finds its release.
func labelled(release *v2.HelmRelease, rendered []byte) ([]byte, error) {
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	resources, err := factory.NewResMapFromBytes(rendered)
	if err != nil {
		return nil, err
	}
	group := v2.GroupVersion.Group
	labels := builtins.LabelTransformerPlugin{
		Labels: map[string]string{
			group + "/name":      release.Name,
			group + "/namespace": release.Namespace,
		},
		FieldSpecs: []types.FieldSpec{{Path: "metadata/labels", CreateIfNotPresent: true}},
	}
	if err := labels.Transform(resources); err != nil {
		return nil, err
	}
	return resources.AsYaml()
}
