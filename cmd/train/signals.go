package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// untilInterrupted returns a context that the first SIGINT, SIGTERM or SIGHUP cancels,
// so that training can write a checkpoint. The second one ends the process at once.
func untilInterrupted(parent context.Context, stderr io.Writer) context.Context {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE) // who reads of the progress may go; the run does not
	go func() {
		<-signals
		fmt.Fprintln(stderr, "\ninterrupted: stopping; once more stops at once")
		cancel()
		<-signals
		fmt.Fprintln(stderr, "error: interrupted twice, stopped at once")
		os.Exit(exitInterrupted)
	}()
	return ctx
}
