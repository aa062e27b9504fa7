package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
)

// Terminal is what GitLab learns about a job's terminal: the runner sends it the
// address, the certificate and the token, and Workhorse is handed all three.
type Terminal struct {
	Session
	// Others are the sessions of the runner's other jobs.
	Others []Session `json:"others,omitempty"`
	// Certificate is the only certificate to trust there, in PEM.
	Certificate string `json:"certificate"`
	// ListenAddress is where the server listens on this machine. GitLab never
	// learns it; a test needs it, as no load balancer leads to the server here.
	ListenAddress string `json:"listen_address"`
}

// Session is the part that differs for each job.
type Session struct {
	// Endpoint is the WebSocket address of the terminal.
	Endpoint string `json:"endpoint"`
	// Authorization is the raw value of the header of that name.
	Authorization string `json:"authorization"`
}

// endpoint makes the WebSocket address out of the session's URL, as GitLab does.
func endpoint(sessionURL string) (string, error) {
	u, err := url.Parse(sessionURL)
	if err != nil {
		return "", fmt.Errorf("the runner advertises %q, which is not a URL: %w", sessionURL, err)
	}

	u.Scheme = "wss"
	u.Path += "/exec"

	return u.String(), nil
}

func readTerminal(r io.Reader) (Terminal, error) {
	var t Terminal
	if err := json.NewDecoder(r).Decode(&t); err != nil {
		return t, fmt.Errorf("reading the line of JSON that the server prints: %w", err)
	}
	if t.Endpoint == "" {
		return t, errors.New("the line of JSON has no endpoint")
	}

	return t, nil
}
