package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
)

// scheduleFlags are the flags of weight averages, of the schedule plateau, and of when a run ends.
func scheduleFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupOptimization, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.EMAWarmup, config.EMAWarmups}, "ema-warmup", "how the decay of the moving average rises to --ema-decay")
		fs.IntVar(&c.EMASteps, "ema-steps", c.EMASteps, "update the moving average every N steps")
		fs.IntVar(&c.SWAEpochs, "swa-epochs", c.SWAEpochs, "stochastic weight averaging: train the last N epochs with --swa-lr and average the weights at their ends")
		fs.Float64Var(&c.SWALR, "swa-lr", c.SWALR, "constant learning rate of the epochs of --swa-epochs")
		fs.IntVar(&c.PlateauPatience, "plateau-patience", c.PlateauPatience, "epochs without improvement that --schedule plateau tolerates")
		fs.Float64Var(&c.PlateauThreshold, "plateau-threshold", c.PlateauThreshold, "relative change that --schedule plateau takes for an improvement")
		fs.IntVar(&c.PlateauCooldown, "plateau-cooldown", c.PlateauCooldown, "epochs that --schedule plateau does not count after a decay")
		fs.Float64Var(&c.PlateauMinLR, "plateau-min-lr", c.PlateauMinLR, "lowest learning rate of --schedule plateau")
		fs.IntVar(&c.Patience, "patience", c.Patience, "early stopping: end the run after N epochs without improvement")
		fs.Float64Var(&c.MinDelta, "min-delta", c.MinDelta, "smallest change that --patience takes for an improvement, such as 0.001 for 0.1 points of top-1")
		fs.Var(choice{&c.Monitor, config.Monitors}, "monitor", "what --patience and --schedule plateau observe")
		defaultText(fs, "ema-steps", "1; 32 with --ema-warmup torchvision")
		defaultText(fs, "swa-epochs", "none")
		defaultText(fs, "swa-lr", "half of --lr")
		defaultText(fs, "patience", "no early stopping")
	})
}

// needed are the flags that have an effect only with others.
var needed = []struct {
	flags []string
	with  string // what gives them their effect
	used  func(config.Config) bool
}{
	{[]string{"step-epochs"}, "--schedule step or exp", func(c config.Config) bool { return c.Schedule == "step" || c.Schedule == "exp" }},
	{[]string{"gamma"}, "--schedule step, exp or plateau", func(c config.Config) bool {
		return c.Schedule == "step" || c.Schedule == "exp" || c.Schedule == config.Plateau
	}},
	{[]string{"plateau-patience", "plateau-threshold", "plateau-cooldown", "plateau-min-lr"}, "--schedule plateau", func(c config.Config) bool { return c.Schedule == config.Plateau }},
	{[]string{"ema-warmup", "ema-steps"}, "--ema-decay", func(c config.Config) bool { return c.EMADecay != 0 }},
	{[]string{"swa-lr"}, "--swa-epochs", func(c config.Config) bool { return c.SWAEpochs != 0 }},
	{[]string{"min-delta"}, "--patience", func(c config.Config) bool { return c.Patience != 0 }},
	{[]string{"monitor"}, "--patience or --schedule plateau", func(c config.Config) bool { return c.Patience > 0 || c.Schedule == config.Plateau }},
}

// checkSchedule refuses flags that have no effect without another one.
func (s *settings) checkSchedule(cmd *cobra.Command) error {
	if !slices.Contains(config.Schedules, s.Schedule) {
		return nil // reported by the validation
	}
	for _, n := range needed {
		if n.used(s.Config) {
			continue
		}
		for _, name := range n.flags {
			f := cmd.Flags().Lookup(name)
			if f == nil || !f.Changed || f.Value.String() == "0" {
				continue
			}
			if strings.HasPrefix(n.with, "--schedule") {
				return usagef("--%s has no effect with --schedule %s: omit it, or use %s", name, s.Schedule, n.with)
			}
			return usagef("--%s has no effect without %s", name, n.with)
		}
	}
	return nil
}

// limitedByTime leaves the number of epochs to --time, unless --epochs or the configuration file gives one.
func (s *settings) limitedByTime(cmd *cobra.Command) {
	changed := func(name string) bool {
		f := cmd.Flags().Lookup(name)
		return f != nil && f.Changed
	}
	if s.Time > 0 && !changed("epochs") && !s.FromFile("epochs") {
		s.Epochs = 0
	}
}
