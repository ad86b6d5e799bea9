package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/config"
	"depthwise.dev/distributed/launch"
	"depthwise.dev/internal/redact"
	"depthwise.dev/train"
)

// interruption is the end of a run that a signal stopped after a checkpoint: a message, not a
// failure.
type interruption struct {
	result train.Result
	config config.Config // of the process
	error
}

// Error says where the run stopped and how to continue it.
func (i interruption) Error() string {
	return fmt.Sprintf("checkpoint of step %d written; continue with:\n  %s", i.result.Step, resumeCommand(programName(os.Args[0]), i.result.Dir, i.config))
}

func (i interruption) Unwrap() error { return i.error }

// resumeCommand continues a run from its newest checkpoint, with the settings of this process that
// config.yaml lacks and that the run needs: the ranks that --nproc started, where the data is, if it has moved or its address has a secret, and
// what the checkpoint's machine must be.
func resumeCommand(program, dir string, c config.Config) string {
	command := program + " resume " + shellWord(dir) + ranksFlag()
	if stored, err := config.Load(filepath.Join(dir, configName)); err == nil {
		for _, s := range []struct{ flag, was, is string }{
			{"threads", strconv.Itoa(stored.Threads), strconv.Itoa(c.Threads)}, {"device", stored.Device, c.Device},
			{"precision", stored.Precision, c.Precision}, {"backend", stored.Backend, c.Backend},
			{"images", stored.Images, c.Images},
		} {
			if s.was != s.is && s.is != "0" {
				command += " --" + s.flag + " " + shellWord(s.is)
			}
		}
		if stored.Data != redact.Address(c.Data) && !redact.HasSecrets(c.Data) {
			command += " --data " + dataArgument(c.Data)
		}
	}
	if redact.HasSecrets(c.Data) {
		command += " --data " + dataArgument(c.Data) // last: it ends with a comment
	}
	return command
}

// ranksFlag is the flag that starts as many processes as train now, by which a resumed run computes the same bits. Other launchers
// than --nproc start the same number again.
func ranksFlag() string {
	if e, err := launch.Detect(os.Getenv); err == nil && e.Launcher == launch.NProc {
		return fmt.Sprintf(" %s %d", launch.NProc, e.Size)
	}
	return ""
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
