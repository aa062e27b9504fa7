// Command flux builds manifests as Flux's controllers do, without a cluster.
//
//	flux build KUSTOMIZATION FOLDER
//	flux post-render HELMRELEASE < RENDERED
//
// The first is what kustomize-controller does with a Kustomization of its API, whose
// path is FOLDER: the fields of the Kustomization are put into the folder's
// kustomization.yaml (in a copy of the folder), which is then built by Flux's own library, and
// variables are substituted.
//
// The second is what helm-controller does with the output of `helm template`: each of
// the HelmRelease's post-renderers is a kustomization in memory with the output as
// its one resource, and then each object gets the labels of its origin.
//
// Manifests go to stdout. An error goes to stderr, and exits with 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const usage = `usage: flux build KUSTOMIZATION FOLDER
       flux post-render HELMRELEASE < RENDERED`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "build":
		return buildFolder(args[1], args[2], os.Stdout)
	case len(args) == 2 && args[0] == "post-render":
		rendered, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		return postRender(args[1], rendered, os.Stdout)
	default:
		return errors.New(usage)
	}
}
