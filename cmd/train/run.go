package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
	"depthwise.dev/formats/peers"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/terminal"
	"depthwise.dev/train"
)

// Exit codes of the process.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a command that SIGINT ended
)

// argumentsKey is the key of the command line in the context of commands.
type argumentsKey struct{}

// run executes one command line and returns the process's exit code. Results go to stdout,
// everything else to stderr. An error is the last line of stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root, carriageReturn(args)
	if err == nil {
		cmd, err = root.ExecuteContextC(context.WithValue(ctx, argumentsKey{}, args))
	}
	if err == nil && cmd.Flags().Changed("help") {
		err = strayWord(cmd)
	}
	if err == nil {
		return exitDone
	}
	if misfit, ok := errors.AsType[*peers.MisfitError](err); ok {
		fmt.Fprint(stderr, misfit.Table())
	}
	code, failed := exitCode(ctx, err), terminal.Colors(stderr).Red("error:")
	if saidByRankZero(err) {
		return code
	}
	tellTorchrun(cmd, code, err)
	switch code {
	case exitInterrupted:
		fmt.Fprintln(stderr, interruptMessage(err))
	case exitUsage:
		fmt.Fprintf(stderr, "%s %s (see \"%s --help\")\n", failed, message(cmd, err), cmd.CommandPath())
	default:
		fmt.Fprintln(stderr, failed, message(cmd, err))
	}
	return code
}

// interruptMessage reports what an interrupt stopped. It is not an error.
func interruptMessage(err error) string {
	if i, ok := errors.AsType[interruption](err); ok {
		return i.Error()
	}
	return "interrupted"
}

// usageError is a command line that cannot be executed as written.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	var wrong *config.Error
	var rank *launch.Failure
	switch {
	case errors.As(err, &rank):
		return rank.ExitCode()
	case errors.Is(err, train.ErrInterrupted), ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &wrong):
		return exitUsage
	}
	if _, other := errors.AsType[*distributed.Error](err); other {
		return launch.OtherFailed
	}
	return exitFailed
}

// message is the error in one line, with settings under the names of their flags, and without the secrets
// of addresses.
func message(cmd *cobra.Command, err error) string {
	if wrong, ok := err.(*config.Error); ok {
		texts := make([]string, len(wrong.Fields))
		for i, f := range wrong.Fields {
			if flag := flagOf(f.Field); f.Line == 0 && cmd.Flags().Lookup(flag) != nil {
				f.Field = "--" + flag
			}
			texts[i] = f.Error()
		}
		return redact.Text(strings.Join(texts, "; "))
	}
	text := strings.TrimSpace(err.Error())
	if misfit, ok := errors.AsType[*peers.MisfitError](err); ok { // its table is above
		text = strings.Replace(text, "\n"+strings.TrimSuffix(misfit.Table(), "\n"), "", 1)
	}
	return redact.Text(strings.ReplaceAll(text, "\n", "; "))
}

// flagOf is the name of the flag of a setting.
func flagOf(key string) string {
	for flag, k := range flagKeys {
		if k == key {
			return flag
		}
	}
	return strings.ReplaceAll(key, "_", "-")
}
