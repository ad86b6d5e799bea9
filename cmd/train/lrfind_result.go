package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/redact"
	"depthwise.dev/report/charts"
	"depthwise.dev/train"
	"depthwise.dev/tune"
)

// lrResult is what train lr-find prints.
type lrResult struct {
	train.LRTest
	Data       string           `json:"data"`
	Recipe     string           `json:"recipe"`
	Optimizer  string           `json:"optimizer"`
	BatchSize  int              `json:"batch_size"`
	Accumulate int              `json:"accumulate"`
	Seed       uint64           `json:"seed"`
	Tests      int              `json:"tests"` // whose mean losses these are: with the seed and the next ones
	Threads    int              `json:"threads"`
	Configured float64          `json:"configured_lr"`        // what the run has without --lr
	Suggestion *tune.Suggestion `json:"suggestion,omitempty"` // nil: the curve shows none
	Command    string           `json:"command,omitempty"`    // of the training that uses the suggestion
}

func newLRResult(test train.LRTest) lrResult {
	c := test.Config
	return lrResult{LRTest: test, Data: redact.Address(c.Data), Recipe: c.Recipe, Optimizer: c.Optimizer, BatchSize: c.BatchSize, Accumulate: c.Accumulate,
		Seed: c.Seed, Tests: tune.Tests(test.Pretrained), Threads: c.Threads, Configured: c.LR}
}

// trainingCommand is the command that trains with a learning rate: the flags of this one, without those of the test.
func trainingCommand(cmd *cobra.Command, lr float64) string {
	command, data := programName(os.Args[0]), ""
	training := configured(newSettings())
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case f.Name == "lr" || training.Flags().Lookup(f.Name) == nil:
		case f.Name == "data":
			data = " --data " + dataArgument(f.Value.String()) // last: it may end with a comment
		default:
			command += " --" + f.Name + "=" + shellWord(f.Value.String())
		}
	})
	return command + " --lr " + number(lr) + data
}

// text shows the curve and the suggestion.
func (r lrResult) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d steps of %d images with %s, recipe %s", len(r.Points), r.BatchSize*r.Accumulate, r.Optimizer, r.Recipe)
	if r.Tests > 1 {
		fmt.Fprintf(&b, "; mean of %d tests, with seeds %d to %d", r.Tests, r.Seed, r.Seed+uint64(r.Tests)-1)
	}
	b.WriteString("\n\n")
	b.WriteString(plotText(r.Curve, r.Suggestion))
	if r.Diverged {
		fmt.Fprintf(&b, "the loss diverged at a learning rate of %.2g, and the test ended there\n", r.LR(int64(len(r.Points))))
	}
	if s := r.Suggestion; s != nil {
		fmt.Fprintf(&b, "\nsuggested learning rate: %s (the run has %s without --lr)\n  %s\n\n  %s\n", number(s.LR), number(r.Configured), s.Reason, r.Command)
	}
	return b.String()
}

// write writes the files that are wanted.
func (r lrResult) write(output, plot string) error {
	var errs []error
	if output != "" {
		errs = append(errs, writeWhole(output, r.encode))
	}
	if plot != "" {
		errs = append(errs, writeWhole(plot, r.draw))
	}
	return errors.Join(errs...)
}

// writeWhole writes a file of what encode returns for its extension.
func writeWhole(path string, encode func(extension string) ([]byte, error)) error {
	content, err := encode(strings.ToLower(filepath.Ext(path)))
	if err == nil {
		err = atomicfile.WriteFile(path, 0o644, content)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// encode returns the result as JSON, or the points as CSV.
func (r lrResult) encode(extension string) ([]byte, error) {
	if extension != ".csv" {
		text, err := json.MarshalIndent(r, "", "  ")
		return append(text, '\n'), err
	}
	rows := [][]string{{"step", "lr", "loss", "smoothed"}}
	for i, p := range r.Points {
		rows = append(rows, []string{fmt.Sprint(i + 1), number(p.LR), number(p.Loss), number(p.Smoothed)})
	}
	var b bytes.Buffer
	err := csv.NewWriter(&b).WriteAll(rows)
	return b.Bytes(), err
}

// draw returns the chart as PNG or SVG.
func (r lrResult) draw(extension string) ([]byte, error) {
	var lr, loss, smoothed []float64
	for _, p := range visible(r.Curve) {
		lr, loss, smoothed = append(lr, p.LR), append(loss, p.Loss), append(smoothed, p.Smoothed)
	}
	c := charts.Lines{Title: "Learning-rate range test", X: charts.Axis{Label: "learning rate", Log: true}, Y: charts.Axis{Label: "training loss"}, Width: 640, Height: 360,
		Series: []charts.LineSeries{{Name: "loss of a step", X: lr, Y: loss, Faint: true}, {Name: "smoothed", X: lr, Y: smoothed}}}
	if s := r.Suggestion; s != nil {
		c.Title += ": " + s.Method
		c.Marks = []charts.Mark{{X: s.LR, Name: "suggested: " + number(s.LR)}, {X: s.Edge, Name: "edge: " + number(s.Edge)}}
	}
	var b bytes.Buffer
	write := charts.WritePNG
	if extension == ".svg" {
		write = charts.WriteSVG
	}
	err := write(&b, c)
	return b.Bytes(), err
}

// visible are the points up to the last one whose smoothed loss is at most twice that of the first step.
func visible(c tune.Curve) []tune.Point {
	last := slices.IndexFunc(c.Points, func(p tune.Point) bool { return p.Smoothed > 2*c.Points[0].Smoothed })
	if last < 0 {
		return c.Points
	}
	return c.Points[:last]
}
