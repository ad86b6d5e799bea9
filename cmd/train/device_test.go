package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"depthwise.dev/backend"
)

// TestNoteMachine: notes of the machine are lines on standard error.
func TestNoteMachine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options backend.Options
		want    string
	}{
		{"nothing to say", backend.Options{Device: "cpu"}, ""},
		{"without effect", backend.Options{Device: "cpu", TF32: true, Precision: "fp32"}, "note: --tf32 has no effect on the CPU: it is for GPUs\n"},
	} {
		var out, text strings.Builder
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		cmd.SetErr(&text)
		if noteMachine(cmd, tt.options); text.String() != tt.want || out.String() != "" {
			t.Errorf("%s: %q and on standard output %q, want %q", tt.name, text.String(), out.String(), tt.want)
		}
	}
}
