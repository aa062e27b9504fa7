package main

import (
	"errors"
	"io"
	"net/http"
	"os/exec"

	"gitlab.com/gitlab-org/gitlab-runner/session/terminal"
	proxy "gitlab.com/gitlab-org/gitlab-terminal"
)

// jobTerminal stands in for the terminal of a job's container. Everything
// between it and the network is the runner's own, as in the executors for Docker
// and for a shell.
type jobTerminal struct {
	// open starts the program at the terminal, once per connection.
	open func() (io.ReadWriteCloser, error)
}

func (t jobTerminal) TerminalConnect() (terminal.Conn, error) {
	stream, err := t.open()
	if err != nil {
		return nil, err
	}

	return jobConn{stream}, nil
}

// Connect is what runners of version 12 call it: `cargo xtask versions` builds
// this with one.
func (t jobTerminal) Connect() (terminal.Conn, error) {
	return t.TerminalConnect()
}

type jobConn struct {
	stream io.ReadWriteCloser
}

func (c jobConn) Start(w http.ResponseWriter, r *http.Request, timeoutCh, disconnectCh chan error) {
	stream := proxy.NewStreamProxy(1) // one stopper: the session's timeout

	terminal.ProxyTerminal(timeoutCh, disconnectCh, stream.StopCh, func() {
		proxy.ProxyStream(w, r, c.stream, stream)
	})
}

func (c jobConn) Close() error {
	return c.stream.Close()
}

// echo sends back its input.
type echo struct {
	*io.PipeReader
	*io.PipeWriter
}

func openEcho() (io.ReadWriteCloser, error) {
	r, w := io.Pipe()
	return echo{r, w}, nil
}

func (e echo) Close() error {
	return e.PipeWriter.Close()
}

// The proxy closes the connection on an error, but not at the end of the stream.
var errShellEnded = errors.New("the shell has ended")

// shell is a shell on this machine, without a TTY.
type shell struct {
	stdin   io.WriteCloser
	output  *io.PipeReader
	process *exec.Cmd
}

func openShell() (io.ReadWriteCloser, error) {
	process := exec.Command("sh")
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, w := io.Pipe()
	process.Stdout, process.Stderr = w, w
	if err := process.Start(); err != nil {
		return nil, err
	}
	go func() {
		// The exit status of a job's shell does not matter.
		_ = process.Wait()
		w.CloseWithError(errShellEnded)
	}()

	return shell{stdin, output, process}, nil
}

func (s shell) Read(p []byte) (int, error) { return s.output.Read(p) }

func (s shell) Write(p []byte) (int, error) { return s.stdin.Write(p) }

// Close ends the shell. Errors mean that it has ended already.
func (s shell) Close() error {
	_ = s.stdin.Close()
	_ = s.process.Process.Kill()
	_ = s.output.Close()

	return nil
}
