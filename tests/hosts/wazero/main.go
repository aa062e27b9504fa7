// Command wazero-run runs a WASI preview 1 module under wazero:
//
//	wazero-run MODULE.wasm
//
// The module gets stdin, stdout, stderr and its own name, and nothing else: no
// files, no environment, no sockets. wazero's clocks and random numbers are
// left at their defaults, which are the same in every run. The exit code is the
// module's. Compiled code is kept in the folder that WAZERO_CACHE names, if it
// is set.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// exitHost is this program's own failure. The module's codes are far from it.
const exitHost = 125

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wazero-run MODULE.wasm")
		os.Exit(exitHost)
	}

	err := run(context.Background(), os.Args[1])

	var exit *sys.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(int(exit.ExitCode()))
	default:
		fmt.Fprintln(os.Stderr, "wazero-run:", err)
		os.Exit(exitHost)
	}
}

func run(ctx context.Context, path string) error {
	module, err := os.ReadFile(path)
	if err != nil {
		return err
	}

	settings := wazero.NewRuntimeConfig()
	if folder := os.Getenv("WAZERO_CACHE"); folder != "" {
		cache, err := wazero.NewCompilationCacheWithDir(folder)
		if err != nil {
			return err
		}
		defer cache.Close(ctx)
		settings = settings.WithCompilationCache(cache)
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, settings)
	defer runtime.Close(ctx)

	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return err
	}

	config := wazero.NewModuleConfig().
		WithArgs(filepath.Base(path)).
		WithStdin(os.Stdin).
		WithStdout(os.Stdout).
		WithStderr(os.Stderr)

	_, err = runtime.InstantiateWithConfig(ctx, module, config)
	return err
}
