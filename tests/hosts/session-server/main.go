// Command session-server runs the GitLab Runner's own session server on the
// [session_server] table of a config.toml, so that a test can tell whether that
// table really gives a job a terminal.
//
//	session-server [--sessions NUMBER] [--shell] CONFIG_TOML
//	session-server connect [--dial ADDRESS] [--run COMMAND]
//	session-server end-tls ADDRESS
//
// The first form prints one line of JSON on stdout once it listens, and runs
// until its stdin is closed. The second form reads that line on stdin and opens
// the terminals in it, all at once, to type into them: COMMAND for a shell, or
// else a text that an echo sends back. The third form is a proxy in front of the first that
// terminates TLS, and prints where it listens in the same way.
package main

import (
	"errors"
	"fmt"
	"os"
)

const usage = `usage: session-server [--sessions NUMBER] [--shell] CONFIG_TOML
       session-server connect [--dial ADDRESS] [--run COMMAND] < LINE
       session-server end-tls ADDRESS`

// exitOff tells a caller that nothing is wrong: the configuration simply leaves
// the session server off.
const exitOff = 3

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}

	fmt.Fprintln(os.Stderr, "session-server:", err)
	if errors.Is(err, errOff) {
		os.Exit(exitOff)
	}
	os.Exit(1)
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "connect":
		return connect(args[1:], os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "end-tls":
		return endTLS(args[1], os.Stdin, os.Stdout)
	default:
		return serve(args, os.Stdin, os.Stdout)
	}
}
