package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/config"
	"depthwise.dev/internal/redact"
	"depthwise.dev/train"
)

// interruption is the end of a run that a signal stopped after a checkpoint: a message, not a
// failure.
type interruption struct {
	result train.Result
	data   string // of the run
	error
}

// Error says where the run stopped and how to continue it.
func (i interruption) Error() string {
	return fmt.Sprintf("checkpoint of step %d written; continue with:\n  %s", i.result.Step, resumeCommand(programName(os.Args[0]), i.result.Dir, i.data))
}

func (i interruption) Unwrap() error { return i.error }

// writeNextSteps names the folder of a run that has ended, and the commands of the program that use
// its weights or continue it.
func writeNextSteps(w io.Writer, program string, c config.Config, r train.Result) {
	dir := shellWord(r.Dir)
	fmt.Fprintf(w, "Results are in %s. Next:\n", dir)
	if r.Epochs < c.Epochs && (c.MaxSteps == 0 || r.Step < c.MaxSteps) {
		fmt.Fprintf(w, "  %s\n", resumeCommand(program, r.Dir, c.Data))
		return
	}
	fmt.Fprintf(w, "  %s eval --weights %s --data %s\n", program, dir, dataArgument(c.Data))
	fmt.Fprintf(w, "  %s predict --weights %s IMAGE...\n", program, dir)
	fmt.Fprintf(w, "  %s export --weights %s --output %s\n", program, dir, shellWord(filepath.Base(r.Dir)+".safetensors"))
}

// resumeCommand continues a run from its newest checkpoint. The address of the data is an argument if
// config.yaml lacks a part of it.
func resumeCommand(program, dir, data string) string {
	command := fmt.Sprintf("%s --config %s --out %s --resume auto", program, shellWord(filepath.Join(dir, "config.yaml")), shellWord(dir))
	if redact.HasSecrets(data) {
		command += " --data " + dataArgument(data)
	}
	return command
}

// dataArgument is the value of --data in a command that is shown. The user has to write the password or the
// signature of an address again.
func dataArgument(data string) string {
	if redact.HasSecrets(data) {
		return shellWord(redact.Address(data)) + "  # with the password or signature in place of " + redact.Mark
	}
	return shellWord(data)
}

// programName is how a shell starts the program again, from its first argument: the path as the user
// typed it, or the name that PATH finds. go run builds into a folder that it deletes or a cache.
func programName(arg0 string) string {
	builtByGo := func(folder string) bool { return strings.HasPrefix(folder, "go-build") }
	folder, name := filepath.Split(arg0)
	switch {
	case slices.ContainsFunc(strings.Split(filepath.ToSlash(folder), "/"), builtByGo):
		return "go run ./cmd/train"
	case name == "":
		return "train"
	}
	return shellWord(arg0)
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
