package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"gitlab.com/gitlab-org/gitlab-runner/helpers/certificate"
	"gitlab.com/gitlab-org/gitlab-runner/session"
)

// serve starts the server the way the runner does (commands/multi.go), with one
// session in it, and stops when stdin is closed.
func serve(path string, stdin io.Reader, stdout io.Writer) error {
	config, err := readConfig(path)
	if err != nil {
		return err
	}

	job, err := session.NewSession(nil)
	if err != nil {
		return fmt.Errorf("making a session: %w", err)
	}
	job.SetInteractiveTerminal(echoTerminal{})

	server, err := session.NewServer(
		session.ServerConfig{
			AdvertiseAddress: config.AdvertiseAddress,
			ListenAddress:    config.ListenAddress,
		},
		nil,
		certificate.X509Generator{},
		func(url string) *session.Session {
			if strings.HasPrefix(url, job.Endpoint+"/") {
				return job
			}
			return nil
		},
	)
	if err != nil {
		return fmt.Errorf("the runner cannot start its session server: %w", err)
	}

	address, err := endpoint(server.AdvertiseAddress + job.Endpoint)
	if err != nil {
		return err
	}

	stopped := make(chan error, 1)
	go func() { stopped <- server.Start() }()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		server.Close()
	}()

	// The port is open already: NewServer opened it.
	err = json.NewEncoder(stdout).Encode(Terminal{
		Endpoint:      address,
		Certificate:   string(server.CertificatePublicKey),
		Authorization: job.Token,
		ListenAddress: config.ListenAddress,
	})
	if err != nil {
		return fmt.Errorf("printing the terminal's address: %w", err)
	}

	return <-stopped
}
