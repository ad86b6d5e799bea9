package main

import (
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

// refuseWithoutEffect refuses flags that have no effect without another one.
func (s *settings) refuseWithoutEffect(cmd *cobra.Command) error {
	for _, need := range config.Needs {
		for _, setting := range need.Settings {
			name := strings.ReplaceAll(setting, "_", "-")
			f := cmd.Flags().Lookup(name)
			if _, unmet := s.Unmet(setting); !unmet || f == nil || !f.Changed || f.Value.String() == "0" {
				continue
			}
			if need.Key == "" {
				return usagef("--%s has no effect without %s", name, need.With)
			}
			return usagef("--%s has no effect with --%s %s: omit it, or use %s", name, need.Key, cmd.Flags().Lookup(need.Key).Value, need.With)
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
