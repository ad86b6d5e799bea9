package main

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestServeOfTraining: the address is printed, and a wrong one or a port in use is an error before a run begins.
func TestServeOfTraining(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := pictures(t)
	for _, c := range []struct {
		name, address string
		code          int
		want          string
	}{
		{"port in use", taken.Addr().String(), exitFailed, "in use; port 0 takes a free one"},
		{"no port", "127.0.0.1", exitUsage, "--serve 127.0.0.1: must be HOST:PORT"},
		{"empty", "", exitUsage, "must be HOST:PORT"},
		{"port of a letter", "127.0.0.1:x", exitUsage, "must be HOST:PORT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			code, _, stderr := execute(t, "--data", data, "--out", out, "--serve", c.address)
			if code != c.code || !strings.Contains(stderr, c.want) || isFile(filepath.Join(out, configName)) {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
	run := trained(t, data)
	code, _, stderr := execute(t, "resume", run, "--serve", "127.0.0.1:0")
	if code != exitDone || !regexp.MustCompile(`(?m)^live report: http://127\.0\.0\.1:[1-9][0-9]*/$`).MatchString(stderr) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
