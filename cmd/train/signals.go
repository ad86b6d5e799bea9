package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"depthwise.dev/distributed/launch"
)

const (
	// A signal so soon after the first is the same request: timeout(1) signals its child and then the
	// child's process group, and a shell or container runtime may repeat what a terminal has sent.
	sameSignal = time.Second
	// grace is how long a command that loses nothing may take to end by itself, such as one that
	// waits for the reader of a FIFO.
	grace = 2 * time.Second
)

// interrupts ends the process as signals demand. Its zero value is ready to use.
type interrupts struct {
	saves  atomic.Bool            // the command writes a checkpoint, or answers requests, when it is interrupted
	hangup atomic.Pointer[func()] // what SIGHUP does, in place of an interruption
	quiet  bool                   // the process that started this rank announces the interruption
	stderr io.Writer
	exit   func(code int)
	after  func(time.Duration) <-chan time.Time

	signals  chan os.Signal
	terminal bool // the process had one when it set hangup
}

type interruptsKey struct{}

// waitForCheckpoint makes the first signal wait until the command returns, however long that takes.
// Other commands end at most [grace] after it.
func waitForCheckpoint(ctx context.Context) {
	if i, ok := ctx.Value(interruptsKey{}).(*interrupts); ok {
		i.saves.Store(true)
	}
}

// serveUntilInterrupted is waitForCheckpoint for a server, which logs its end itself. Each SIGHUP calls a function, as servers
// load their configuration again; that of a terminal that was closed still interrupts, unless the program was started to
// survive it (nohup).
func serveUntilInterrupted(ctx context.Context, hangup func()) {
	i, ok := ctx.Value(interruptsKey{}).(*interrupts)
	if !ok {
		return
	}
	i.saves.Store(true)
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(i.signals, syscall.SIGHUP)
	} else {
		i.terminal = hasTerminal()
	}
	i.hangup.Store(&hangup) // after terminal, which isHangup reads
}

// hasTerminal reports whether the process has a terminal that exists.
func hasTerminal() bool {
	t, err := os.Open("/dev/tty")
	if err == nil {
		t.Close()
	}
	return err == nil
}

// untilInterrupted returns a context that the first SIGINT, SIGTERM or SIGHUP cancels, so that
// training can write a checkpoint. A second signal, at least a second later, ends the process
// immediately.
func untilInterrupted(parent context.Context, stderr io.Writer) context.Context {
	i := &interrupts{quiet: launch.Started(os.Getenv), stderr: stderr, exit: os.Exit, after: time.After}
	ctx, cancel := context.WithCancel(context.WithValue(parent, interruptsKey{}, i))
	signals := make(chan os.Signal, 2)
	i.signals = signals
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE) // the run continues if the reader of its output ends
	go i.handle(signals, cancel)
	return ctx
}

// handle waits for signals. It returns only where exit does, in tests.
func (i *interrupts) handle(signals <-chan os.Signal, cancel func()) {
	for i.isHangup(<-signals) {
		(*i.hangup.Load())()
	}
	if i.hangup.Load() == nil && !i.quiet {
		fmt.Fprintln(i.stderr, "\ninterrupted: stopping; interrupt again to stop immediately")
	}
	cancel()
	for same := i.after(sameSignal); same != nil; {
		select {
		case <-signals:
		case <-same:
			same = nil
		}
	}
	select {
	case <-signals:
		fmt.Fprintln(i.stderr, "interrupted again: stopped immediately")
	case <-i.timeUp():
		fmt.Fprintln(i.stderr, "interrupted")
	}
	i.exit(exitInterrupted)
}

// isHangup reports whether a signal is to call hangup.
func (i *interrupts) isHangup(s os.Signal) bool {
	return s == syscall.SIGHUP && i.hangup.Load() != nil && (!i.terminal || hasTerminal())
}

// timeUp fires after the rest of [grace], and never for a command that writes a checkpoint.
func (i *interrupts) timeUp() <-chan time.Time {
	if i.saves.Load() {
		return nil
	}
	return i.after(grace - sameSignal)
}
