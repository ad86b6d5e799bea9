package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/suggest"
)

// newRoot builds the command tree.
func newRoot() *cobra.Command {
	cmd := configured(newSettings())
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.SetUsageFunc(usage)
	cmd.SetFlagErrorFunc(flagError)
	cmd.AddCommand(newEval(), newPredict(), newExport(), newSummary(), newBench(), newCheck(), newData(), newVersion())
	return cmd
}

// configured is the root command alone, its flags bound to s.
func configured(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train --data DIR",
		Short: "Train a MobileNet image classifier",
		Long: `Train a MobileNet v1 on a folder of images.

Every run has a folder, runs/DATA-N unless --out names it, with its
configuration (config.yaml), its course (events.jsonl, metrics.csv), its
checkpoints, and the weights of its best epoch (best.safetensors). Ctrl-C
writes a checkpoint and stops; --resume auto goes on from there, exactly.

Settings come from the defaults, then what mnist implies, then --config with its
own recipe below it, then --recipe, then the other flags; each later one wins.`,
		Example: `  train --data mnist                                   handwritten digits, in minutes
  train --data photos --width 0.5 --resolution 128     DIR/train/CLASS/* and DIR/val/CLASS/*
  train --data photos --val-split 0.1 --crop-scale 0.35,1 --epochs 30
  train --data imagenet --recipe torchvision --out runs/imagenet --resume auto
  train --config runs/photos-1/config.yaml             the same run again`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return trainOnce(cmd, s)
		},
	}
	dataFlags(cmd, &s.Config)
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.Float64Var(&s.ValSplit, "val-split", s.ValSplit, "share of a DIR without val/ to validate with, such as 0.1")
	})
	exifFlag(cmd, &s.Config)
	modelFlags(cmd, &s.Config)
	lengthFlags(cmd, &s.Config)
	optimizationFlags(cmd, &s.Config)
	augmentFlags(cmd, &s.Config)
	machineFlags(cmd, &s.Precision, &s.Device, &s.Kernels, &s.Threads)
	runFlags(cmd, s)
	return cmd
}

func lengthFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Length", func(fs *pflag.FlagSet) {
		fs.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training images")
		fs.Int64Var(&c.MaxSteps, "max-steps", c.MaxSteps, "end after so many optimizer steps (default no limit)")
		fs.DurationVar(&c.Time, "time", c.Time, "stop after so long, such as 2h; --resume goes on (default no limit)")
	})
}

func optimizationFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Optimization", func(fs *pflag.FlagSet) {
		fs.StringVar(&c.Recipe, "recipe", c.Recipe, recipeHelp())
		fs.Var(choice{&c.Optimizer, config.Optimizers}, "optimizer", "rmsprop_tf is TensorFlow's form, which the paper used")
		fs.Float64Var(&c.LR, "lr", c.LR, "learning rate, never scaled silently; without it 0.045 for rmsprop_tf, 0.001 for adamw, 0.0001 for rmsprop")
		fs.Float64Var(&c.Momentum, "momentum", c.Momentum, "of sgd and rmsprop, and adamw's beta1")
		fs.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "pull of the parameters to zero")
		fs.Var(words{&c.NoDecay, config.NoDecays}, "no-decay", "parameters without weight decay")
		fs.Var(choice{&c.Schedule, config.Schedules}, "schedule", "course of the learning rate")
		fs.Float64Var(&c.StepEpochs, "step-epochs", c.StepEpochs, "epochs between the drops of step (default 30) and exp (default 2.5)")
		fs.Float64Var(&c.Gamma, "gamma", c.Gamma, "factor of each drop of step (default 0.1) and exp (default 0.94)")
		fs.Var(auto[float64]{&c.WarmupEpochs}, "warmup-epochs", "linear rise of the learning rate at first (auto: 5 % of a cosine run)")
		fs.Float64Var(&c.LabelSmoothing, "label-smoothing", c.LabelSmoothing, "share of the target given to all classes alike")
		fs.Float64Var(&c.ClipGradNorm, "clip-grad-norm", c.ClipGradNorm, "greatest norm of all gradients together (default no limit)")
		fs.Float64Var(&c.EMADecay, "ema-decay", c.EMADecay, "keep a moving average of the weights, which best, eval, predict and export then use;\n0.9999 averages over 10,000 steps, so shorter runs want less (default none)")
		fs.IntVar(&c.Accumulate, "accumulate", c.Accumulate, "batches whose gradients make one step")
	})
}

func recipeHelp() string {
	var b strings.Builder
	b.WriteString("`NAME` of a published recipe to begin from:")
	for _, r := range config.Recipes() {
		b.WriteString("\n" + r.Name + ": " + r.Source)
	}
	return b.String()
}

func runFlags(cmd *cobra.Command, s *settings) {
	flagGroup(cmd, "Run", func(fs *pflag.FlagSet) {
		fs.StringVar(&s.Out, "out", s.Out, "`DIR` of the run (default runs/DATA-N)")
		fs.StringVar(&s.file, "config", "", "`FILE` with settings, such as another run's config.yaml")
		fs.Uint64Var(&s.Seed, "seed", s.Seed, "of initialization, order, augmentation and dropout; the same seed gives the same run")
		fs.StringVar(&s.Resume, "resume", s.Resume, "`auto|FILE`; auto: go on with what --out holds, if anything; or a checkpoint's file")
		fs.StringVar(&s.CheckpointEvery, "checkpoint-every", s.CheckpointEvery, "`TIME` (10m) or steps (500steps) between checkpoints; each epoch's end writes one too")
		fs.IntVar(&s.Keep, "keep", s.Keep, "newest checkpoints to keep")
		fs.Var(choice{&s.Progress, config.Progresses}, "progress", "on standard error; auto: a bar on a terminal, else plain lines")
	})
}

// noCommand refuses words after the root command: they are mistyped commands.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	return usagef("unknown command %q: %s", args[0], suggest.OneOf(args[0], names))
}

// oneCommand is the action of a command that is only a heading for others.
func oneCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return noCommand(cmd, args)
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usagef("%s: name one of %s", cmd.CommandPath(), strings.Join(names, ", "))
}

// flagError says what a mistyped flag was meant to be.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return usageError{err}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := unknown.GetSpecifiedName()
	if c := suggest.Closest(name, names); c != "" {
		return usagef("unknown flag --%s: did you mean --%s?", name, c)
	}
	return usagef("unknown flag --%s", name)
}
