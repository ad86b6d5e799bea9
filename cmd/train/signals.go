package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// untilInterrupted returns a context that the first SIGINT, SIGTERM or SIGHUP cancels, so that
// training can write a checkpoint. The second signal ends the process immediately.
func untilInterrupted(parent context.Context, stderr io.Writer) context.Context {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE) // the run continues if the reader of its output ends
	go func() {
		<-signals
		fmt.Fprintln(stderr, "\ninterrupted: stopping; interrupt again to stop immediately")
		cancel()
		<-signals
		fmt.Fprintln(stderr, "interrupted again: stopped immediately")
		os.Exit(exitInterrupted)
	}()
	return ctx
}
