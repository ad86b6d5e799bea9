package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/train"
)

// What the process ends with.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as of a shell's command that SIGINT ended
)

// run executes one command line and returns the process's exit code. Results go
// to stdout, all else to stderr, whose last line is the error if there was one.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	code := exitCode(ctx, err)
	text := message(cmd, err)
	if code == exitUsage {
		text += " (see `" + cmd.CommandPath() + " --help`)"
	}
	fmt.Fprintln(stderr, "error:", text)
	return code
}

// usageError is a command line that asks for something that cannot be.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	var wrong *config.Error
	switch {
	case errors.Is(err, train.ErrInterrupted), ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &wrong):
		return exitUsage
	}
	return exitFailed
}

// message is the error in one line, with settings under their flags' names.
func message(cmd *cobra.Command, err error) string {
	if wrong, ok := err.(*config.Error); ok {
		texts := make([]string, len(wrong.Fields))
		for i, f := range wrong.Fields {
			if flag := strings.ReplaceAll(f.Field, "_", "-"); f.Line == 0 && cmd.Flags().Lookup(flag) != nil {
				f.Field = "--" + flag
			}
			texts[i] = f.Error()
		}
		return strings.Join(texts, "; ")
	}
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
