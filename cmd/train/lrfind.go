package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/redact"
	"depthwise.dev/internal/validate"
	"depthwise.dev/report"
	"depthwise.dev/train"
	"depthwise.dev/tune"
)

// lrFinder is what train lr-find does.
type lrFinder struct {
	*settings
	tune.Range
	output, plot string
	asJSON       bool
}

// notForTests are the flags of training that a test of single steps does not have: it has no folder.
var notForTests = []string{"out", "resume", "stop-after", "checkpoint-every", "keep", "progress", "report", "serve", "serve-token", "nproc", "dist-timeout", "version"}

func newLRFind() *cobra.Command {
	f := lrFinder{settings: newSettings(), Range: tune.Range{Steps: tune.DefaultSteps}}
	cmd := &cobra.Command{
		Use:   "lr-find --data DIR [flags]",
		Short: "Suggest a learning rate from some 100 training steps",
		Long: `Train for some steps while the learning rate rises exponentially, show the
loss over the learning rate, and suggest a rate: a third of the highest one at
which the smoothed loss does not rise yet (range test of L. Smith,
arXiv:1506.01186), and with --init a tenth, since a higher rate may lose what
pretrained weights have learned. The test ends early when the loss diverges. The
suggestion is for the batch size of the test, and the highest rate of the
schedule. From initial weights, where single tests vary, the losses are means of
three tests, with --seed and the next two seeds.

Data, recipe, augmentation, optimizer, --init and --freeze are those of the run
that follows, so give the same flags; those of its length, its schedule and its
weight averages have no effect. Nothing is kept of the training, and no file is
written but those of --output and --plot.`,
		Example: `  train lr-find --data photos
  train lr-find --data photos --init imagenet --plot lr.svg --output lr.csv
  train lr-find --data photos --optimizer adamw --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE:              func(cmd *cobra.Command, _ []string) error { return f.find(cmd) },
	}
	configured(f.settings).Flags().VisitAll(func(flag *pflag.Flag) {
		if !slices.Contains(notForTests, flag.Name) {
			cmd.Flags().AddFlag(flag)
		}
	})
	f.flags(cmd)
	return cmd
}

func (f *lrFinder) flags(cmd *cobra.Command) {
	flagGroup(cmd, groupMeasurement, func(fs *pflag.FlagSet) {
		fs.Float64Var(&f.From, "from", f.From, "learning rate of the first step")
		fs.Float64Var(&f.To, "to", f.To, "learning rate of the last step")
		fs.IntVar(&f.Steps, "steps", f.Steps, "optimizer steps of a test")
		defaultText(fs, "from", "a hundredth of --lr")
		defaultText(fs, "to", "a hundred times --lr")
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&f.output, "output", "", "file for the curve, JSON or CSV by its extension")
		fs.StringVar(&f.plot, "plot", "", "file for the chart of the curve, PNG or SVG by its extension")
		filePath(fs, "output", "json", "csv")
		filePath(fs, "plot", "png", "svg")
	})
	jsonFlag(cmd, &f.asJSON)
}

// find makes the test and shows it.
func (f *lrFinder) find(cmd *cobra.Command) error {
	c, err := f.check(cmd)
	if err != nil {
		return err
	}
	stderr := cmd.ErrOrStderr()
	if _, err := dataFolder(cmd, c.Data); err != nil {
		return err
	}
	steps := int64(f.Steps * tune.Tests(c.Init != ""))
	rec := &testProgress{log: logTo(stderr), step: progressIn(stderr, "lr-find", inSteps), steps: steps}
	test, err := train.FindLR(cmd.Context(), c, f.Range, rec)
	if err != nil {
		return err
	}
	rec.step(steps, steps) // clears the bar
	suggestion, failed := test.Suggest()
	r := newLRResult(test)
	if failed == nil {
		r.Suggestion, r.Command = &suggestion, trainingCommand(cmd, suggestion.LR)
	}
	if err := r.write(f.output, f.plot); err != nil {
		return fmt.Errorf("lr-find: %w", err)
	}
	if err := show(cmd, f.asJSON, r, r.text); err != nil || failed == nil {
		return err
	}
	return fmt.Errorf("lr-find: %w", failed)
}

// check refuses wrong flags before the test.
func (f *lrFinder) check(cmd *cobra.Command) (config.Config, error) {
	if f.file == "" && f.Data == "" {
		return config.Config{}, usagef("no dataset given: use --data DIR with a folder of images per class, or --data mnist")
	}
	if f.output != "" {
		if err := checkOutput("output", f.output, ".json", ".csv"); err != nil {
			return config.Config{}, err
		}
	}
	if f.plot != "" {
		if err := checkOutput("plot", f.plot, ".png", ".svg"); err != nil {
			return config.Config{}, err
		}
	}
	var v validate.Collector
	f.Collect(&v)
	if err := v.Err(); err != nil {
		return config.Config{}, err
	}
	return f.checked(cmd)
}

// testProgress shows notes, and how many steps are done.
type testProgress struct {
	log   func(string)
	step  func(done, total int64)
	steps int64
}

// Record implements [report.Recorder].
func (p *testProgress) Record(e report.Event) error {
	switch e := e.(type) {
	case report.Note:
		p.log(e.Text)
	case report.Skip:
		p.log(redact.Text(fmt.Sprintf("skipped %s: %s", e.Path, e.Reason)))
	case report.Step:
		p.step(e.Step, p.steps)
	}
	return nil
}

// Close implements [report.Recorder].
func (p *testProgress) Close() error { return nil }
