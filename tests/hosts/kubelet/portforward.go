package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
)

// The defaults of the kubelet and of containerd.
const (
	idleTimeout           = 4 * time.Hour
	streamCreationTimeout = 30 * time.Second
)

// handler serves the same paths as a kubelet (pkg/kubelet/server/server.go).
func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/{namespace}/{pod}", portForward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", portForward)

	return mux
}

func portForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	portforward.ServePortForward(w, r, loopback{}, r.PathValue("pod"), r.PathValue("uid"),
		options, idleTimeout, streamCreationTimeout, portforward.SupportedProtocols)
}

// loopback has the ports of all pods at the node's loopback address.
type loopback struct{}

// PortForward copies both ways, and ends soon after one of them has ended, as
// containerd does (internal/cri/server/sandbox_portforward_linux.go).
func (loopback) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()

	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer conn.Close()

	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(stream, conn)
		ended <- err
	}()
	go func() {
		_, err := io.Copy(conn, stream)
		ended <- err
	}()

	err = <-ended
	select {
	case other := <-ended:
		if err == nil {
			err = other
		}
	case <-time.After(time.Second):
	}

	return err
}
