// Command kubelet stands in for the kubelet and the container runtime of a node
// whose pods all share its loopback address. It forwards ports, and does nothing
// else that a kubelet does.
//
//	kubelet --cert FILE --key FILE --client-ca FILE
//
// It prints one line of JSON on stdout once it listens, and runs until its stdin
// is closed.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("kubelet", flag.ContinueOnError)
	cert := flags.String("cert", "", "`file` with the certificate to show, in PEM")
	key := flags.String("key", "", "`file` with its key, in PEM")
	clientCA := flags.String("client-ca", "", "`file` with the authority of the only clients to serve, in PEM")
	if err := flags.Parse(args); err != nil {
		return err
	}

	config, err := tlsConfig(*cert, *key, *clientCA)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(0)
	}()

	line := struct {
		Port int `json:"port"`
	}{listener.Addr().(*net.TCPAddr).Port}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return fmt.Errorf("printing the port: %w", err)
	}

	return http.Serve(tls.NewListener(listener, config), handler())
}

// tlsConfig accepts clients with a certificate of the authority: the API server.
func tlsConfig(certFile, keyFile, clientCAFile string) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(clientCAFile)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(pem) {
		return nil, errors.New(clientCAFile + " has no certificate in PEM")
	}

	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientCAs:    clients,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		// An HTTP/2 connection cannot be upgraded.
		NextProtos: []string{"http/1.1"},
	}, nil
}
