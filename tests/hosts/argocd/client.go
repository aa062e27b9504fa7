package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/cmp"
	"google.golang.org/grpc"
)

// timeout is how long argocd-repo-server waits by default.
const timeout = 60 * time.Second

// application is what argocd-repo-server sends with each call.
type application struct {
	path       string
	repository string
	env        []string
}

// ask is what argocd-repo-server does: it sends an application's files, and the
// server answers.
func ask(args []string, stdout io.Writer) error {
	var app application
	flags := flag.NewFlagSet("cmp-client", flag.ContinueOnError)
	flags.Func("env", "`NAME=VALUE` of the application's environment, may be repeated", func(pair string) error {
		if !strings.Contains(pair, "=") {
			return errors.New("it has no =")
		}
		app.env = append(app.env, pair)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 3 || flags.NArg() > 4 {
		return errors.New(usage)
	}
	app.repository = flags.Arg(2)
	app.path = filepath.Join(app.repository, flags.Arg(3))

	connection, client, err := apiclient.NewConfigManagementPluginClientSet(flags.Arg(0)).NewConfigManagementPluginClient()
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	switch what := flags.Arg(1); what {
	case "match":
		return match(ctx, client, app, stdout)
	case "generate":
		return generate(ctx, client, app, stdout)
	case "parameters":
		return parameters(ctx, client, app, stdout)
	default:
		return fmt.Errorf("cannot %q: it is match, generate or parameters", what)
	}
}

func match(ctx context.Context, client apiclient.ConfigManagementPluginServiceClient, app application, stdout io.Writer) error {
	stream, err := client.MatchRepository(ctx)
	if err != nil {
		return err
	}
	answer, err := send(stream, app)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(answer)
}

func generate(ctx context.Context, client apiclient.ConfigManagementPluginServiceClient, app application, stdout io.Writer) error {
	stream, err := client.GenerateManifest(ctx)
	if err != nil {
		return err
	}
	answer, err := send(stream, app)
	if err != nil {
		return err
	}
	for _, manifest := range answer.GetManifests() {
		if _, err := fmt.Fprintf(stdout, "---\n%s\n", strings.TrimSuffix(manifest, "\n")); err != nil {
			return err
		}
	}
	return nil
}

func parameters(ctx context.Context, client apiclient.ConfigManagementPluginServiceClient, app application, stdout io.Writer) error {
	stream, err := client.GetParametersAnnouncement(ctx)
	if err != nil {
		return err
	}
	answer, err := send(stream, app)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(answer.GetParameterAnnouncements())
}

// send sends the repository's files, and receives the answer.
func send[Answer any](stream grpc.ClientStreamingClient[apiclient.AppStreamRequest, Answer], app application) (*Answer, error) {
	if err := cmp.SendRepoStream(stream.Context(), app.path, app.repository, stream, app.env, nil); err != nil {
		return nil, err
	}
	return stream.CloseAndRecv()
}
