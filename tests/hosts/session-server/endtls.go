package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
)

// endTLS is a proxy in front of a session server, like a load balancer that terminates TLS: it
// presents its own certificate, and opens its own connection to the server behind it. It stops when
// stdin is closed.
func endTLS(backend string, stdin io.Reader, stdout io.Writer) error {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: backend})
	// Such a load balancer does not verify the certificate of its backend.
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}

	server := httptest.NewTLSServer(proxy)
	defer server.Close()

	line := struct {
		ListenAddress string `json:"listen_address"`
	}{server.Listener.Addr().String()}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return fmt.Errorf("printing the address: %w", err)
	}

	_, err := io.Copy(io.Discard, stdin)

	return err
}
