package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"depthwise.dev/classify"
	"depthwise.dev/data"
)

// sink receives the predictions in their order.
type sink interface {
	Add(classify.Predicted) error
	Close() error // also after an error or an interrupt: what was added is kept
}

// run classifies the images of arguments. Images that cannot be read are reported in their place, and the command fails at the
// end.
func (p *prediction) run(cmd *cobra.Command, arguments []string) error {
	images, err := classify.Inputs(cmd.Context(), arguments, classify.InputOptions{
		Remote: newRemote(logTo(cmd.ErrOrStderr())), Stdin: cmd.InOrStdin(), Keep: p.files.copyTo != ""})
	if err != nil {
		return err
	}
	if err := p.files.checkFolders(images.Folders); err != nil {
		return err
	}
	p.files.leaveOut(images.Dataset)
	p.Explain = p.files.explain != ""
	sinks := append(p.files.sinks(cmd, images.Dataset, p.Threshold), p.writer(cmd, images.Dataset))
	waitForCheckpoint(cmd.Context()) // from here on an interrupt waits until what was computed is written
	c := &counts{total: images.Len(), start: time.Now()}
	err = p.each(cmd, images.Dataset, c, sinks)
	if reported := leftOut(cmd, images.Problems); reported != nil && err == nil {
		err = reported
	}
	p.summary(cmd, c)
	if err != nil {
		return err
	}
	return c.failure()
}

// onceStandardInput refuses a second "-".
func onceStandardInput(arguments []string) error {
	n := 0
	for _, a := range arguments {
		if a == "-" {
			n++
		}
	}
	if n > 1 {
		return usagef("- is given %d times: standard input can be read once", n)
	}
	return nil
}

// each gives the predictions to the sinks, and closes them.
func (p *prediction) each(cmd *cobra.Command, images *data.Dataset, c *counts, sinks []sink) (err error) {
	defer func() {
		for _, s := range sinks {
			err = errors.Join(err, s.Close())
		}
	}()
	show := func(int64, int64) {}
	if p.output != "" || !isTerminal(cmd.OutOrStdout()) {
		show = progress(cmd.ErrOrStderr(), "predict")
	}
	for predicted, err := range classify.PredictImages(cmd.Context(), p.PredictConfig, images) {
		if err != nil {
			return err
		}
		c.add(predicted.Prediction)
		for _, s := range sinks {
			if err := s.Add(predicted); err != nil {
				return err
			}
		}
		show(int64(c.done), int64(c.total))
	}
	return nil
}

// counts are those of the summary.
type counts struct {
	total, done int
	bad, none   int
	problems    []string // the first of the images that cannot be read
	start       time.Time
}

func (c *counts) add(p classify.Prediction) {
	c.done++
	switch {
	case p.Error != "":
		c.bad++
		if len(c.problems) < shownProblems {
			c.problems = append(c.problems, p.Error)
		}
	case len(p.Top) == 0:
		c.none++
	}
}

// failure is the error about images that cannot be read.
func (c *counts) failure() error {
	switch {
	case c.bad == 0:
		return nil
	case c.bad <= len(c.problems) && c.total <= fewImages:
		return errors.New(strings.Join(c.problems, "; "))
	case c.bad <= len(c.problems):
		return fmt.Errorf("%d of %d images could not be read: %s", c.bad, c.total, strings.Join(c.problems, "; "))
	}
	return fmt.Errorf("%d of %d images could not be read: %s; and %d more, which the output names", c.bad, c.total, strings.Join(c.problems, "; "), c.bad-len(c.problems))
}

// summary writes how many images were classified, for many, and where files were written.
func (p *prediction) summary(cmd *cobra.Command, c *counts) {
	files := p.files.summary()
	if p.output != "" {
		files = append([]string{"predictions are in " + shellWord(p.output)}, files...)
	}
	if c.total <= fewImages && len(files) == 0 || c.done == 0 {
		return
	}
	seconds := time.Since(c.start).Seconds()
	text := fmt.Sprintf("classified %d of %d images in %.1f s, %.0f images/s", c.done-c.bad, c.total, seconds, float64(c.done)/seconds)
	if c.none > 0 {
		text += fmt.Sprintf("; %d have %s", c.none, noClass(p.Threshold))
	}
	fmt.Fprintln(cmd.ErrOrStderr(), text)
	for _, line := range files {
		fmt.Fprintln(cmd.ErrOrStderr(), line)
	}
}

// percent is a probability for text: 0.5 is 50.
func percent(p float64) string { return fmt.Sprintf("%.6g", 100*p) }

// leftOut reports files and folders that were found and are not classified.
func leftOut(cmd *cobra.Command, problems []data.Problem) error {
	for i, p := range problems {
		line := "skipped " + p.String()
		if i == shownProblems {
			line = fmt.Sprintf("and %d more", len(problems)-i)
		}
		if _, err := fmt.Fprintln(cmd.ErrOrStderr(), line); err != nil || i == shownProblems {
			return err
		}
	}
	return nil
}
