package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	subprotocol = "terminal.gitlab.com"
	patience    = 15 * time.Second
)

// connect opens the terminals that stdin describes. When all are open, it types
// into each: a command for a shell, whose answer it prints, or a text that comes
// back as it is.
func connect(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("connect", flag.ContinueOnError)
	dial := flags.String("dial", "", "`address` to open the connection to, in place of the advertised one;\n"+
		"the certificate must still be the advertised host's")
	command := flags.String("run", "", "`command` for the shell at each terminal, in place of a text for an echo")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New(usage)
	}

	terminal, err := readTerminal(stdin)
	if err != nil {
		return err
	}

	sessions := append([]Session{terminal.Session}, terminal.Others...)
	conns := make([]*websocket.Conn, len(sessions))
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	}()
	err = each(len(sessions), func(i int) (err error) {
		conns[i], err = open(terminal.Certificate, sessions[i], *dial)
		return err
	})
	if err != nil {
		return err
	}
	if *command != "" {
		return each(len(conns), func(i int) error { return runInShell(conns[i], *command, stdout) })
	}
	if err := each(len(conns), func(i int) error { return checkEcho(conns[i]) }); err != nil {
		return err
	}

	for range conns {
		if _, err = fmt.Fprintln(stdout, "terminal open"); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for each number below n, concurrently.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)

	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()

	return errors.Join(errs...)
}

// open dials as Workhorse does: it trusts the session's certificate and no other,
// asks for GitLab's subprotocol, and sends the token as it is.
func open(certificate string, session Session, dial string) (*websocket.Conn, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(certificate)) {
		return nil, errors.New("the session has no certificate in PEM")
	}

	dialer := websocket.Dialer{
		HandshakeTimeout: patience,
		Subprotocols:     []string{subprotocol},
		TLSClientConfig:  &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	if dial != "" {
		dialer.NetDialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, dial)
		}
	}

	header := http.Header{"Authorization": {session.Authorization}}
	conn, response, err := dialer.Dial(session.Endpoint, header)
	if err != nil && response != nil {
		return nil, fmt.Errorf("%s answers %s: %w", session.Endpoint, response.Status, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", session.Endpoint, err)
	}
	if got := conn.Subprotocol(); got != subprotocol {
		conn.Close()
		return nil, fmt.Errorf("the server speaks subprotocol %q, not %q", got, subprotocol)
	}

	return conn, nil
}

// runInShell types a command and the end of the shell, and prints what the terminal
// shows until it is closed.
func runInShell(conn *websocket.Conn, command string, stdout io.Writer) error {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := conn.WriteMessage(websocket.BinaryMessage, []byte(command+"\nexit\n")); err != nil {
		return fmt.Errorf("typing into the terminal: %w", err)
	}

	for {
		_, shown, err := conn.ReadMessage()
		// The runner closes the connection without a WebSocket close frame.
		if websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting for what the terminal shows: %w", err)
		}
		if _, err := stdout.Write(shown); err != nil {
			return err
		}
	}
}

func checkEcho(conn *websocket.Conn) error {
	typed := []byte("echo 'the terminal is open' ✓\r")

	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := conn.WriteMessage(websocket.BinaryMessage, typed); err != nil {
		return fmt.Errorf("typing into the terminal: %w", err)
	}

	_, shown, err := conn.ReadMessage()
	if err != nil {
		return fmt.Errorf("waiting for what the terminal shows: %w", err)
	}
	if !bytes.Equal(shown, typed) {
		return fmt.Errorf("the terminal shows %q after %q was typed", shown, typed)
	}

	return nil
}
