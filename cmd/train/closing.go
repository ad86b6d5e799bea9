package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"depthwise.dev/config"
	"depthwise.dev/train"
)

// interruption is the end of a run that a signal stopped after a checkpoint: a message, not a
// failure.
type interruption struct {
	result train.Result
	error
}

// Error says where the run stopped and how to continue it.
func (i interruption) Error() string {
	return fmt.Sprintf("checkpoint of step %d written; continue with:\n  %s", i.result.Step, resumeCommand(i.result.Dir))
}

func (i interruption) Unwrap() error { return i.error }

// writeNextSteps names the folder of a run that has ended, and the commands that use its weights or
// continue it.
func writeNextSteps(w io.Writer, c config.Config, r train.Result) {
	dir := shellWord(r.Dir)
	fmt.Fprintf(w, "Results are in %s. Next:\n", dir)
	if r.Epochs < c.Epochs && (c.MaxSteps == 0 || r.Step < c.MaxSteps) {
		fmt.Fprintf(w, "  %s\n", resumeCommand(r.Dir))
		return
	}
	fmt.Fprintf(w, "  train eval --weights %s --data %s\n", dir, shellWord(c.Data))
	fmt.Fprintf(w, "  train predict --weights %s IMAGE...\n", dir)
	fmt.Fprintf(w, "  train export --weights %s --output %s\n", dir, shellWord(filepath.Base(r.Dir)+".safetensors"))
}

// resumeCommand continues a run from its newest checkpoint.
func resumeCommand(dir string) string {
	return fmt.Sprintf("train --config %s --out %s --resume auto", shellWord(filepath.Join(dir, "config.yaml")), shellWord(dir))
}

// shellWord quotes a text for a POSIX shell where it needs quotes.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r > 127 || strings.ContainsRune("-_./:=,+@%", r) || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	if text != "" && strings.TrimLeftFunc(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
