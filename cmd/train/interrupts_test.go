package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupts: what a process does after its signals, with the clock in the hands of the test.
// Each event is a signal, or the end of a time that it waits for.
func TestInterrupts(t *testing.T) {
	for _, c := range []struct {
		name   string
		saves  bool
		events []string
		ended  bool
		want   string // the last line
	}{
		{"one signal", true, []string{"signal"}, false, "interrupt again to stop immediately"},
		{"timeout(1), which signals twice", true, []string{"signal", "signal", "time"}, false, "interrupt again"},
		{"a second request", true, []string{"signal", "time", "signal"}, true, "interrupted again: stopped immediately"},
		{"a second request after a doubled signal", true, []string{"signal", "signal", "signal", "time", "signal"}, true, "interrupted again"},
		{"a command without a checkpoint that does not return", false, []string{"signal", "time", "time"}, true, "interrupted"},
		{"a command without a checkpoint, within the grace", false, []string{"signal", "time"}, false, "interrupt again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			signals, times, ended := make(chan os.Signal), make(chan time.Time), make(chan int)
			canceled := make(chan bool, 1)
			var stderr bytes.Buffer
			i := &interrupts{stderr: &stderr, after: func(time.Duration) <-chan time.Time { return times },
				exit: func(code int) { ended <- code }}
			i.saves.Store(c.saves)
			go i.handle(signals, func() { canceled <- true })
			for _, e := range c.events {
				if e == "signal" {
					signals <- syscall.SIGTERM
				} else {
					times <- time.Time{}
				}
			}
			<-canceled
			if c.ended {
				if code := <-ended; code != exitInterrupted {
					t.Errorf("exit code %d", code)
				}
			}
			select {
			case <-ended:
				t.Error("it ended")
			default:
			}
			if last := lastLine(stderr.String()); !strings.Contains(last, c.want) || strings.Contains(last, "error") {
				t.Errorf("last line %q, want %q", last, c.want)
			}
		})
	}
}

// TestQuietInterrupt: a rank that --nproc started does not repeat what its parent says.
func TestQuietInterrupt(t *testing.T) {
	signals, times, canceled := make(chan os.Signal), make(chan time.Time), make(chan bool)
	var stderr bytes.Buffer
	i := &interrupts{quiet: true, stderr: &stderr, after: func(time.Duration) <-chan time.Time { return times }, exit: func(int) {}}
	go i.handle(signals, func() { canceled <- true })
	signals <- syscall.SIGTERM
	<-canceled
	if stderr.Len() > 0 {
		t.Errorf("it said %q", stderr.String())
	}
}
