package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"gitlab.com/gitlab-org/gitlab-runner/helpers/certificate"
	"gitlab.com/gitlab-org/gitlab-runner/session"
)

// serve starts the server the way the runner does (commands/multi.go), with a
// session for each job in it, and stops when stdin is closed.
func serve(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	sessions := flags.Int("sessions", 1, "how `many` jobs have a session")
	shells := flags.Bool("shell", false, "the terminals are shells on this machine, in place of echoes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *sessions < 1 {
		return errors.New(usage)
	}

	config, err := readConfig(flags.Arg(0))
	if err != nil {
		return err
	}

	job := jobTerminal{openEcho}
	if *shells {
		job = jobTerminal{openShell}
	}
	jobs := make([]*session.Session, *sessions)
	for i := range jobs {
		if jobs[i], err = session.NewSession(nil); err != nil {
			return fmt.Errorf("making a session: %w", err)
		}
		jobs[i].SetInteractiveTerminal(job)
	}

	server, err := session.NewServer(
		session.ServerConfig{
			AdvertiseAddress: config.AdvertiseAddress,
			ListenAddress:    config.ListenAddress,
		},
		nil,
		certificate.X509Generator{},
		func(url string) *session.Session {
			for _, job := range jobs {
				if strings.HasPrefix(url, job.Endpoint+"/") {
					return job
				}
			}
			return nil
		},
	)
	if err != nil {
		return fmt.Errorf("the runner cannot start its session server: %w", err)
	}

	opened := make([]Session, len(jobs))
	for i, job := range jobs {
		address, err := endpoint(server.AdvertiseAddress + job.Endpoint)
		if err != nil {
			return err
		}
		opened[i] = Session{Endpoint: address, Authorization: job.Token}
	}

	fmt.Fprintf(os.Stderr, "session-server: listening on %s, advertising %s\n",
		config.ListenAddress, server.AdvertiseAddress)

	stopped := make(chan error, 1)
	go func() { stopped <- server.Start() }()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		server.Close()
	}()

	// The port is open already: NewServer opened it.
	err = json.NewEncoder(stdout).Encode(Terminal{
		Session:       opened[0],
		Others:        opened[1:],
		Certificate:   string(server.CertificatePublicKey),
		ListenAddress: config.ListenAddress,
	})
	if err != nil {
		return fmt.Errorf("printing the terminal's address: %w", err)
	}

	return <-stopped
}
