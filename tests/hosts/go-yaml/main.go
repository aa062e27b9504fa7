// Command go-yaml reads texts with the YAML readers that Kubernetes' tools are built on, so that
// tests can compare them.
//
// Standard input is a JSON array of texts. Standard output is a JSON array with an object for each:
// "value" is the text as read by sigs.k8s.io/yaml, which kubectl and the API server use; "nodes" is
// the text as read by go.yaml.in/yaml/v3, which kustomize and kpt use. A scalar is its text, a
// sequence an array, a mapping {"map": [[key, value], …]}, and an alias what it stands for. Either
// is missing if that reader refuses the text, or does not find exactly one document in it.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type meaning struct {
	Value json.RawMessage `json:"value,omitempty"`
	Nodes any             `json:"nodes,omitempty"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	meanings := make([]meaning, len(texts))
	for i, text := range texts {
		nodes, ok := readNodes(text)
		if !ok {
			continue
		}
		meanings[i].Nodes = nodes
		// It reads the first document and ignores others, so it is used only if there is exactly one.
		if value, err := yaml.YAMLToJSON([]byte(text)); err == nil {
			meanings[i].Value = value
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(meanings); err != nil {
		log.Fatal(err)
	}
}

// readNodes returns the nodes of the only document of a text.
func readNodes(text string) (any, bool) {
	decoder := yamlv3.NewDecoder(strings.NewReader(text))
	var document, second yamlv3.Node
	if decoder.Decode(&document) != nil || !errors.Is(decoder.Decode(&second), io.EOF) {
		return nil, false
	}
	return nodes(&document, 0)
}

// nodes writes a node as JSON. It gives up at a depth that only an alias to itself can reach.
func nodes(node *yamlv3.Node, depth int) (any, bool) {
	if depth > 200 {
		return nil, false
	}
	children := make([]any, 0, len(node.Content))
	for _, child := range node.Content {
		written, ok := nodes(child, depth+1)
		if !ok {
			return nil, false
		}
		children = append(children, written)
	}
	switch node.Kind {
	case yamlv3.DocumentNode:
		return children[0], true
	case yamlv3.AliasNode:
		return nodes(node.Alias, depth+1)
	case yamlv3.SequenceNode:
		return children, true
	case yamlv3.MappingNode:
		pairs := make([][]any, 0, len(children)/2)
		for i := 0; i+1 < len(children); i += 2 {
			pairs = append(pairs, children[i:i+2])
		}
		return map[string]any{"map": pairs}, true
	default:
		return node.Value, true
	}
}
