package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"depthwise.dev/backend"
)

// TestGraphFlag: every command that computes on a GPU can leave CUDA graphs out.
func TestGraphFlag(t *testing.T) {
	for _, cmd := range []*cobra.Command{newRoot(), newEval(), newPredict(), newEmbed(), newSimilar(), newServe(), newLRFind(), newBenchStep(), newBenchInfer()} {
		flag := cmd.Flags().Lookup("cuda-graph")
		if flag == nil || flag.DefValue != "auto" {
			t.Errorf("%s: flag %+v", cmd.Name(), flag)
			continue
		}
		for value, right := range map[string]bool{"auto": true, "on": true, "off": true, "yes": false} {
			if err := flag.Value.Set(value); (err == nil) != right {
				t.Errorf("%s --cuda-graph %s: error %v", cmd.Name(), value, err)
			}
		}
	}
}

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
