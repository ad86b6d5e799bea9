package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/internal/suggest"
)

// newRoot builds the command tree.
func newRoot() *cobra.Command {
	cmd := configured(newSettings())
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpFunc(printHelp)
	cmd.SetHelpCommand(newHelp())
	cmd.SetFlagErrorFunc(flagError)
	cmd.AddCommand(newResume(), newLRFind(), newRuns(), newReport(), newRecipes(), newEval(), newPredict(), newEmbed(), newSimilar(), newExport(), newBundle(), newServe(), newSummary(), newBench(), newCheck(), newData(), newWeights(),
		newCompletion(), newDocs(), newVersion())
	completeFlags(cmd)
	return cmd
}

// configured is the root command alone, with its flags bound to s.
func configured(s *settings) *cobra.Command {
	printVersion := false
	cmd := &cobra.Command{
		Use:   "train --data DIR [flags]",
		Short: "Train a MobileNet image classifier",
		Long: `Train a MobileNet image classifier on a folder of images.

Each run has a folder, runs/DATA-N unless --out is given, with its configuration
(config.yaml), metrics (events.jsonl, metrics.csv), checkpoints, and the weights
of the best epoch (best.safetensors). Ctrl-C writes a checkpoint and stops;
train resume RUN continues from it with identical results.

The settings start from a recipe, which the data suggests unless --recipe or
--config is given (train recipes lists them). Precedence, lowest to highest:
defaults, the recipe of --data mnist, the recipe named in --config, --config,
--recipe, other flags.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 another rank failed,
130 interrupted.`,
		Example: `  train --data mnist                    # handwritten digits, takes minutes
  train --data photos --width 0.5 --resolution 128
  train --data photos --val-split 0.1 --init imagenet
  train --data imagenet --recipe torchvision --out runs/imagenet --resume auto
  train --data imagenet --nproc 4             # four processes, one network
  train --config runs/photos-1/config.yaml    # repeat a run
  train resume runs/photos-1                  # continue a run`,
		DisableFlagsInUseLine: true,
		SilenceErrors:         true,
		SilenceUsage:          true,
		Args:                  noCommand,
		ValidArgsFunction:     cobra.NoFileCompletions,
		PersistentPreRunE:     beforeCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printVersion {
				return writeVersion(cmd)
			}
			return trainOnce(cmd, s)
		},
	}
	dataFlags(cmd, &s.Config)
	autoBatchSize(cmd, &s.Config)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.Float64Var(&s.ValSplit, "val-split", s.ValSplit, "fraction of the images to hold out for validation if DIR has no val/, chosen by their names")
	})
	multiLabelFlags(cmd, &s.Config)
	exifFlag(cmd, &s.Config)
	modelFlags(cmd, &s.Config)
	initFlags(cmd, &s.Config)
	optimizationFlags(cmd, &s.Config)
	scheduleFlags(cmd, &s.Config)
	lossFlags(cmd, &s.Config)
	augmentFlags(cmd, &s.Config)
	syncFlags(cmd, &s.Config)
	hardwareFlags(cmd, &s.Precision, &s.Device, &s.Backend, &s.Threads)
	gpuFlags(cmd, &s.Config)
	rankFlags(cmd, s)
	runFlags(cmd, s)
	liveFlag(cmd, s)
	flagGroup(cmd, groupHelp, func(fs *pflag.FlagSet) {
		fs.BoolVar(&printVersion, "version", false, "print versions and exit")
	})
	return cmd
}

func optimizationFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupOptimization, func(fs *pflag.FlagSet) {
		recipeFlag(fs, c)
		fs.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training images")
		fs.Int64Var(&c.MaxSteps, "max-steps", c.MaxSteps, "stop after N optimizer steps")
		fs.Var(choice{&c.Optimizer, config.Optimizers}, "optimizer", "optimizer")
		fs.Float64Var(&c.LR, "lr", c.LR, "learning rate, not scaled by the batch size")
		fs.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum of sgd and rmsprop, beta1 of adamw")
		fs.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay")
		fs.Var(words{&c.NoDecay, config.NoDecays}, "no-decay", "parameters excluded from weight decay")
		fs.Var(choice{&c.Schedule, config.Schedules}, "schedule", "learning-rate schedule")
		fs.Float64Var(&c.StepEpochs, "step-epochs", c.StepEpochs, "epochs between decays of the learning rate by step and exp")
		fs.Float64Var(&c.Gamma, "gamma", c.Gamma, "factor of each decay of the learning rate by step, exp and plateau")
		fs.Var(auto[float64]{&c.WarmupEpochs}, "warmup-epochs", "epochs of linear learning-rate warmup")
		fs.Float64Var(&c.LabelSmoothing, "label-smoothing", c.LabelSmoothing, "label smoothing")
		fs.Float64Var(&c.ClipGradNorm, "clip-grad-norm", c.ClipGradNorm, "clip the global L2 norm of the gradients")
		fs.Float64Var(&c.EMADecay, "ema-decay", c.EMADecay, "decay of a moving average of the weights, "+
			"which eval, predict and export use, unless the weights validated better; 0.9999 averages over 10,000 steps")
		fs.IntVar(&c.Accumulate, "accumulate", c.Accumulate, "gradient accumulation: batches per optimizer step")
		defaultText(fs, "max-steps", "no limit")
		defaultText(fs, "lr", learningRates())
		defaultText(fs, "step-epochs", "30 for step, 2.5 for exp")
		defaultText(fs, "gamma", "0.1 for step and plateau, 0.94 for exp")
		defaultText(fs, "warmup-epochs", "auto, 5% of a cosine run")
		defaultText(fs, "clip-grad-norm", "no clipping")
		defaultText(fs, "ema-decay", "no average")
	})
}

// learningRates are the defaults of --lr.
func learningRates() string {
	var texts []string
	for _, o := range config.Optimizers {
		c, err := config.Sources{Optimizer: o}.Config()
		if err == nil {
			texts = append(texts, number(c.LR)+" for "+o)
		}
	}
	return strings.Join(texts, ", ")
}

func runFlags(cmd *cobra.Command, s *settings) {
	flagGroup(cmd, groupRun, func(fs *pflag.FlagSet) {
		fs.StringVar(&s.Out, "out", s.Out, "folder of the run")
		fs.StringVar(&s.file, "config", "", "YAML file with settings, such as the config.yaml of a run")
		fs.Uint64Var(&s.Seed, "seed", s.Seed, "seed of initialization, order, augmentation and dropout; "+
			"the same seed gives the same run")
		fs.DurationVar(&s.Time, "time", s.Time, "length of the whole run, such as 2h: as many steps as fit, with a schedule that ends with them; --epochs is an upper limit then")
		fs.DurationVar(&s.StopAfter, "stop-after", s.StopAfter, "stop with a checkpoint after this time, such as 2h; the run is not finished, and its schedule unchanged")
		fs.Var(known{&s.Resume, []string{"auto"}, "auto|FILE"}, "resume", "continue from a checkpoint")
		fs.StringVar(&s.CheckpointEvery, "checkpoint-every", s.CheckpointEvery, "`INTERVAL` between checkpoints "+
			"besides those after each epoch, such as 10m or 500steps")
		fs.IntVar(&s.Keep, "keep", s.Keep, "number of checkpoints to keep")
		folderPath(fs, "out")
		filePath(fs, "config", "yaml", "yml")
		filePath(fs, "resume", "safetensors")
		typical(fs, "checkpoint-every", "10m", "1h", "500steps")
		defaultText(fs, "out", "runs/DATA-N")
		defaultText(fs, "time", "no limit")
		defaultText(fs, "stop-after", "no limit")
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.Var(choice{&s.Progress, config.Progresses}, "progress", "progress on standard error")
		reportFlag(fs, &s.Config)
		trackingFlags(fs, &s.Config)
	})
}

// noCommand refuses words after a command that has only subcommands: they are mistyped commands.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if f := cmd.Flags().Lookup("exif"); f != nil && f.Changed && slices.Contains(exifValues, args[0]) {
		return usagef("--exif %s: write --exif=%s", args[0], args[0])
	}
	if isFile(filepath.Join(args[0], configName)) && !cmd.HasParent() {
		return usagef("unknown command %q: to continue that run, use train resume %s", args[0], shellWord(args[0]))
	}
	if info, err := os.Stat(args[0]); err == nil && info.IsDir() && !cmd.HasParent() {
		return usagef("unknown command %q: to train on that folder, use --data %s", args[0], shellWord(args[0]))
	}
	return usagef("unknown command %q: %s", args[0], suggest.OneOf(args[0], commandNames(cmd)))
}

// oneCommand is the action of a command that only groups subcommands.
func oneCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return noCommand(cmd, args)
	}
	return usagef("%s needs a command: %s", cmd.CommandPath(), strings.Join(commandNames(cmd), ", "))
}

// commandNames are the names of the subcommands, without hidden ones and help.
func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			names = append(names, c.Name())
		}
	}
	return names
}
