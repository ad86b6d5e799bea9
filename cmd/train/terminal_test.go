package main

import (
	"bytes"
	"os"
	"testing"
)

// TestIsTerminal: progress bars are for terminals that can redraw a line.
func TestIsTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		term string
		want bool
	}{{"xterm-256color", true}, {"dumb", false}, {"", false}} {
		t.Setenv("TERM", c.term)
		if got := isTerminal(terminal); got != c.want {
			t.Errorf("TERM=%q: a terminal is %v, want %v", c.term, got, c.want)
		}
		if isTerminal(file) || isTerminal(&bytes.Buffer{}) {
			t.Errorf("TERM=%q: a file or a buffer is a terminal", c.term)
		}
	}
}
