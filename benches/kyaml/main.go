// Command kyaml-peer does the main job of runner-terminal the way a KRM function
// is usually written in Go: on kyaml's function framework, item by item.
//
// It is what the benchmark compares with, so it is written to be fast where that
// comes naturally (one index, one pass), and it does less: it checks little and
// explains nothing.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/kio"
)

// FunctionConfig is the part of the SessionServer object that the job needs.
type FunctionConfig struct {
	Spec Spec `yaml:"spec"`
}

// Spec names a runner, or none, which means all of them.
type Spec struct {
	AdvertiseAddress string  `yaml:"advertiseAddress"`
	Runner           *Runner `yaml:"runner"`
}

// Runner is the workload to work on. An empty field matches everything.
type Runner struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
}

func main() {
	config := new(FunctionConfig)
	processor := framework.SimpleProcessor{
		Config: config,
		Filter: &SessionServerFilter{Config: config},
	}

	source := &kio.ByteReadWriter{KeepReaderAnnotations: true}
	if err := framework.Execute(processor, source); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
