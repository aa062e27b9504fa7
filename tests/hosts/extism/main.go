// Command extism-run calls a function of an Extism plugin, as Helm calls its own:
//
//	extism-run MODULE.wasm FUNCTION [KEY=VALUE]...
//
// The function's input is stdin, its output goes to stdout, and what it logs to
// stderr. The pairs are the plugin's configuration. The plugin may use no files
// and reach no hosts. The exit code is the function's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
)

// exitHost is this program's own failure. The function's codes are far from it.
const exitHost = 125

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: extism-run MODULE.wasm FUNCTION [KEY=VALUE]...")
		os.Exit(exitHost)
	}
	code, err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "extism-run:", err)
		if code == 0 {
			code = exitHost
		}
	}
	os.Exit(int(code))
}

func run(ctx context.Context, module, function string, pairs []string) (uint32, error) {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return exitHost, err
	}
	config := map[string]string{}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return exitHost, errors.New("no KEY=VALUE: " + pair)
		}
		config[key] = value
	}

	manifest := extism.Manifest{
		Wasm:         []extism.Wasm{extism.WasmFile{Path: module}},
		Config:       config,
		AllowedHosts: []string{},
	}
	options := extism.PluginConfig{
		RuntimeConfig: wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(true),
		EnableWasi:    true,
	}
	extism.SetLogLevel(extism.LogLevelInfo)
	plugin, err := extism.NewPlugin(ctx, manifest, options, nil)
	if err != nil {
		return exitHost, err
	}
	defer plugin.Close(ctx)
	plugin.SetLogger(func(level extism.LogLevel, message string) {
		fmt.Fprintln(os.Stderr, level.String()+":", message)
	})

	code, output, err := plugin.CallWithContext(ctx, function, input)
	if err != nil {
		return code, err
	}
	_, err = os.Stdout.Write(output)
	return code, err
}
