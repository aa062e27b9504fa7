// Command kpt is kpt with its commands about functions and no others:
//
//	kpt fn eval|render|source|sink|doc
//
// kpt's own main program cannot be built from the Go module proxy. This one puts
// the same commands under the same root, and prints what kpt prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/kptdev/kpt/commands/fn"
	kpterrors "github.com/kptdev/kpt/pkg/lib/errors"
	"github.com/kptdev/kpt/pkg/lib/errors/resolver"
	"github.com/kptdev/kpt/pkg/printer"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func main() {
	klog.InitFlags(nil)
	root := &cobra.Command{
		Use:           "kpt",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().AddGoFlagSet(flag.CommandLine)
	root.PersistentFlags().BoolVar(&printer.TruncateOutput, "truncate-output", true,
		"Enable the truncation for output")

	ctx := printer.WithContext(context.Background(), printer.New(os.Stdout, os.Stderr))
	root.AddCommand(fn.GetCommand(ctx, "kpt"))

	if err := root.ExecuteContext(ctx); err != nil {
		os.Exit(report(err))
	}
}

// report prints an error in kpt's words and returns its exit code.
func report(err error) int {
	if known, ok := resolver.ResolveError(err); ok {
		if known.Message != "" {
			fmt.Fprintln(os.Stderr, known.Message)
		}
		return known.ExitCode
	}
	var wrapped *kpterrors.Error
	if errors.As(err, &wrapped) {
		if inner, ok := kpterrors.UnwrapErrors(wrapped); ok {
			err = inner
		}
	}
	fmt.Fprintln(os.Stderr, "Error:", err)
	return 1
}
