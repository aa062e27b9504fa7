// The readers of YAML that Kubernetes' tools are built on, as a program for tests.
module runner-terminal.dev/tests/hosts/go-yaml

go 1.26.0

require (
	go.yaml.in/yaml/v3 v3.0.4
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
