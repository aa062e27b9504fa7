package main

import (
	"io"
	"net/http"

	"gitlab.com/gitlab-org/gitlab-runner/session/terminal"
	proxy "gitlab.com/gitlab-org/gitlab-terminal"
)

// echoTerminal stands in for the shell of a job's container: it sends back what
// it is sent. Everything between it and the network is the runner's own, as in
// the executors for Docker and for a shell.
type echoTerminal struct{}

func (echoTerminal) TerminalConnect() (terminal.Conn, error) {
	return echoConn{}, nil
}

// Connect is what runners of version 12 call it: `cargo xtask versions` builds
// this with one.
func (e echoTerminal) Connect() (terminal.Conn, error) {
	return e.TerminalConnect()
}

type echoConn struct{}

func (echoConn) Start(w http.ResponseWriter, r *http.Request, timeoutCh, disconnectCh chan error) {
	stream := proxy.NewStreamProxy(1) // one stopper: the end of the session's time

	terminal.ProxyTerminal(timeoutCh, disconnectCh, stream.StopCh, func() {
		proxy.ProxyStream(w, r, newEcho(), stream)
	})
}

func (echoConn) Close() error { return nil }

type echo struct {
	*io.PipeReader
	*io.PipeWriter
}

func newEcho() echo {
	r, w := io.Pipe()
	return echo{r, w}
}

func (e echo) Close() error {
	return e.PipeWriter.Close()
}
