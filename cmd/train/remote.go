package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/data/remote"
	"depthwise.dev/hub"
	"depthwise.dev/internal/redact"
	"depthwise.dev/report"
)

// newRemote returns what opens addresses. log shows the user why it waits.
func newRemote(log func(text string)) *remote.Opener {
	o := remote.New()
	o.Log = log
	return o
}

// logTo returns a function that writes lines to w. Several goroutines may call it.
func logTo(w io.Writer) func(text string) {
	var mu sync.Mutex
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, text)
	}
}

// shared is a recorder for the training loop and the goroutines of downloads.
type shared struct {
	mu sync.Mutex
	report.Recorder
}

// Record implements [report.Recorder].
func (s *shared) Record(e report.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Recorder.Record(e)
}

// beforeCommand checks what the flags of every command have in common.
func beforeCommand(cmd *cobra.Command, args []string) error {
	warnThreads(cmd)
	return cmp.Or(refuseRanks(cmd), localPaths(cmd, args))
}

// localPaths refuses an address where only a path works. As a path, its password or signature would be in
// the name of a file.
func localPaths(cmd *cobra.Command, args []string) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		named := (f.Name == "weights" || f.Name == "init") && hub.IsName(f.Value.String()) // the address of a repository's page
		if f.Name != "data" && f.Name != "cors" && !named && isAddress(f.Value.String()) {
			err = usagef("--%s %s: only --data can be an address; download the file, and give its path", f.Name, redact.Address(f.Value.String()))
		}
	})
	reads := slices.Contains([]string{"train data check", "train data stats", "train predict"}, cmd.CommandPath())
	for _, arg := range args {
		if isAddress(arg) && !reads && !hub.IsName(arg) {
			err = usagef("%s %s: takes no address; download it, and give its path", cmd.CommandPath(), redact.Address(arg))
		}
	}
	return err
}

func isAddress(text string) bool { return strings.Contains(text, "://") }
