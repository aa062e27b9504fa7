package main

import (
	"errors"
	"fmt"

	"github.com/BurntSushi/toml"
)

// The runner logs these words and goes on without a session server.
var errOff = errors.New("[session_server].listen_address not defined, session endpoints disabled")

// SessionServer is the table as the runner declares it. The runner's own
// declaration is in a package that needs a replace directive of its repository,
// so it cannot be imported from here.
type SessionServer struct {
	ListenAddress    string `toml:"listen_address,omitempty"`
	AdvertiseAddress string `toml:"advertise_address,omitempty"`
	// SessionTimeout counts from the end of a job. There is no job here, so it
	// is only read, which is enough to refuse a value of the wrong type.
	SessionTimeout int `toml:"session_timeout,omitempty"`
}

// readConfig reads a config.toml with the library that the runner reads it with.
func readConfig(path string) (SessionServer, error) {
	var config struct {
		SessionServer SessionServer `toml:"session_server,omitempty"`
	}

	if _, err := toml.DecodeFile(path, &config); err != nil {
		return config.SessionServer, fmt.Errorf("%s: %w", path, err)
	}
	if config.SessionServer.ListenAddress == "" {
		return config.SessionServer, errOff
	}

	return config.SessionServer, nil
}
