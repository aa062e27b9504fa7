// Command argocd has the two ends of a config management plugin, in one program
// as Argo CD's own commands are.
//
//	argocd cmp-server --config-dir-path FOLDER
//	argocd cmp-client [--env NAME=VALUE]... SOCKET match|generate|parameters REPOSITORY [PATH]
//
// The first is Argo CD's argocd-cmp-server, as it runs in a sidecar of argocd-repo-server. The
// second sends it the requests of argocd-repo-server, with the same packages: the connection, and
// the stream of a repository's files. PATH is the application's folder in the repository. The
// answer goes to stdout: JSON, or the manifests. The server's error goes to stderr, and exits with
// 1.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
)

const usage = `usage: argocd cmp-server --config-dir-path FOLDER
       argocd cmp-client [--env NAME=VALUE]... SOCKET match|generate|parameters REPOSITORY [PATH]`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "cmp-server":
		server := commands.NewCommand()
		server.SetArgs(args[1:])
		return server.Execute()
	case "cmp-client":
		return ask(args[1:], os.Stdout)
	default:
		return errors.New(usage)
	}
}
