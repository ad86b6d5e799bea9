package main

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestRunsServeUsage: wrong command lines, each with what to do.
func TestRunsServeUsage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	top := runFolders(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no folder", []string{filepath.Join(top, "none")}, exitFailed, "name the folder of the runs"},
		{"a file", []string{filepath.Join(top, "good", "config.yaml")}, exitFailed, "not a folder"},
		{"two folders", []string{top, top}, exitUsage, "takes one folder"},
		{"no port", []string{top, "--addr", "127.0.0.1"}, exitUsage, "HOST:PORT"},
		{"port in use", []string{top, "--addr", taken.Addr().String()}, exitFailed, "in use; port 0 takes a free one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := execute(t, append([]string{"runs", "serve"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
}

// TestRunsServe: the address is printed, with a token and a warning only where other machines can reach it; the server ends with
// the context.
func TestRunsServe(t *testing.T) {
	for address, open := range map[string]bool{"127.0.0.1:0": false, ":0": true} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		var b bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetContext(ctx)
		cmd.SetErr(&b)
		if err := serveRuns(cmd, "runs", address); err != nil {
			t.Error(err)
		}
		if text := b.String(); !strings.Contains(text, "runs in runs: http://") || strings.Contains(text, "?token=") != open || strings.Contains(text, "not encrypted") != open {
			t.Errorf("%s: %q", address, text)
		}
	}
}
