package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"depthwise.dev/report"
	"depthwise.dev/train"
)

// trainOnce is the root command: one run.
func trainOnce(cmd *cobra.Command, s *settings) error {
	if s.file == "" && s.Data == "" {
		return usagef("name the data: --data DIR with a folder of images for each class, or --data mnist")
	}
	c, err := s.checked(cmd)
	if err != nil {
		return err
	}
	if c.Out, err = c.OutFolder(); err != nil {
		return err
	}
	if _, err = dataFolder(cmd, c.Data); err != nil { // the word mnist stays one: config.yaml repeats the run elsewhere
		return err
	}
	progress := recorder(c.Progress, cmd.ErrOrStderr())
	_, err = train.Fit(cmd.Context(), c, progress)
	if e := progress.Close(); err == nil && e != nil {
		return fmt.Errorf("progress: %w", e)
	}
	return err
}

// recorder tells of the run as --progress says.
func recorder(progress string, w io.Writer) report.Recorder {
	switch progress {
	case "bar":
		return report.NewBar(w, isTerminal(w))
	case "plain":
		return report.NewPlain(w)
	case "json":
		return report.NewJSON(w)
	case "none":
		return report.Multi{}
	}
	if isTerminal(w) {
		return report.NewBar(w, true)
	}
	return report.NewPlain(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
