package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data/remote"
	"depthwise.dev/models/mobilenet"
)

// groupOf is the annotation of a flag with the heading it stands under in the help.
const groupOf = "group"

// flagGroup adds flags to a command under a heading of its help.
func flagGroup(cmd *cobra.Command, heading string, define func(*pflag.FlagSet)) {
	fs := pflag.NewFlagSet(heading, pflag.ContinueOnError)
	fs.SortFlags = false
	define(fs)
	fs.VisitAll(func(f *pflag.Flag) { f.Annotations = map[string][]string{groupOf: {heading}} })
	cmd.Flags().SortFlags = false
	cmd.Flags().AddFlagSet(fs)
}

// modelFlags are those of every command that builds a network.
func modelFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Network", func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Arch, config.Archs}, "arch", "family of networks")
		fs.Var(choice{&c.Model.Variant, mobilenet.Variants()}, "variant", "the paper's network, or the article's with its biases and TensorFlow's padding")
		fs.Float64Var(&c.Model.Width, "width", c.Model.Width, "multiplier of all channels; the paper has 0.25, 0.5, 0.75 and 1")
		fs.IntVar(&c.Model.Resolution, "resolution", c.Model.Resolution, "side of the square input, in pixels")
		fs.IntVar(&c.Model.Classes, "classes", c.Model.Classes, "number of classes (default as many as the data has, 1000 without data)")
	})
}

// dataFlags are those of every command that reads batches of images.
func dataFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.StringVar(&c.Data, "data", c.Data, "`DIR` with train/CLASS/* and val/CLASS/*, or with CLASS/*, or with shards\n(train-*.tar, val-*.tar); a pattern such as DIR/train-{000000..000127}.tar; shards at http://, https://, s3:// and gs:// too; or mnist")
		fs.IntVar(&c.ShuffleBuffer, "shuffle-buffer", c.ShuffleBuffer, "read shards as a stream and shuffle so many images at a time (default all, read at random;\nof distant shards 16384)")
		fs.IntVar(&c.ShardCache, "shard-cache", c.ShardCache, "`GB` of distant shards to keep in the user's cache folder")
		fs.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "images in a batch")
		fs.Var(auto[int]{&c.Workers}, "workers", "decoders beside the training loop; never changes the result (auto: one a core)")
	})
}

// exifFlag is that of the commands that say how images come to the network.
func exifFlag(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Data", func(fs *pflag.FlagSet) {
		fs.BoolVar(&c.EXIF, "exif", c.EXIF, "turn images as their EXIF data says, in training and wherever the weights are used")
	})
}

// augmentFlags are those of the commands that read images as training does.
func augmentFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, "Augmentation", func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Augment, config.Augments}, "augment", "basic: a random crop and flip; randaug, trivial: RandAugment or TrivialAugmentWide besides")
		fs.Var((*span)(&c.CropScale), "crop-scale", "share of the image's area in a crop; 0.35,1 suits small folders")
		fs.Var((*span)(&c.CropRatio), "crop-ratio", "width through height of a crop")
		fs.Lookup("crop-ratio").DefValue = "0.75,1.333"
		fs.Float64Var(&c.Flip, "flip", c.Flip, "chance of a horizontal flip")
		fs.Var(choice{&c.Decode, config.Decodes}, "decode", "fast: photographs above 1,000 pixels from half their size, in training only")
		fs.Var((*jitter)(&c.ColorJitter), "color-jitter", "how far brightness, contrast, saturation (and hue, up to 0.5) vary; one number means the first three")
		fs.Float64Var(&c.RandomErase, "random-erase", c.RandomErase, "chance that a rectangle of the image is painted over; 0.25 is usual")
		fs.Float64Var(&c.MixUp, "mixup", c.MixUp, "blend images and classes in pairs, by shares from Beta(X, X); 0.2 is usual")
		fs.Float64Var(&c.CutMix, "cutmix", c.CutMix, "paste a box of another image, likewise; 1 is usual")
		fs.Var(choice{&c.Fit, config.Fits}, "fit", "how evaluation makes images square: crop the center, or keep all of them on black; kept with the weights")
	})
}

// machineFlags are those of every command that computes.
func machineFlags(cmd *cobra.Command, precision, device, kernels *string, threads *int) {
	flagGroup(cmd, "Machine", func(fs *pflag.FlagSet) {
		fs.Var(choice{kernels, backend.Backends}, "kernels", "fused: the network's backbone as one operation, on the CPU; torch: libtorch's operations; auto: fused where it is fast")
		fs.Var(choice{precision, backend.Precisions}, "precision", "of the convolutions; auto: bf16 where the processor has it in hardware")
		fs.StringVar(device, "device", *device, "`DEVICE` that computes: auto, cpu, cuda or cuda:N")
		fs.IntVar(threads, "threads", *threads, "threads that compute (default one for each physical core)")
	})
}

// jsonFlag is that of every command with a result for programs.
func jsonFlag(cmd *cobra.Command, json *bool) {
	flagGroup(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(json, "json", false, "print the result as one JSON value, and nothing else, on standard output")
	})
}

// settings is a configuration that flags are bound to, over a file and a recipe.
type settings struct {
	config.Config
	file string
}

func newSettings() *settings { return &settings{Config: config.Default()} }

// resolve puts the flags that were given over all that they and --config imply.
func (s *settings) resolve(cmd *cobra.Command) error {
	type given struct {
		flag *pflag.Flag
		text string
	}
	var explicit []given
	cmd.Flags().Visit(func(f *pflag.Flag) { explicit = append(explicit, given{f, f.Value.String()}) })
	value := func(name string) string {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return f.Value.String()
		}
		return ""
	}
	sources := config.Sources{File: s.file, Data: value("data"), Recipe: value("recipe"),
		Variant: value("variant"), Optimizer: value("optimizer")}
	c, err := sources.Config()
	if err != nil {
		return err
	}
	s.Config = c // the flags' values point into it
	s.Remote = remote.New()
	for _, g := range explicit {
		if err := g.flag.Value.Set(g.text); err != nil {
			return usagef("--%s %s: %w", g.flag.Name, g.text, err)
		}
	}
	return s.augmentAsAsked(cmd)
}

// augmentAsAsked turns augmentation on for who asked for a crop or a flip
// where it is off, as it is for mnist.
func (s *settings) augmentAsAsked(cmd *cobra.Command) error {
	for _, name := range []string{"crop-scale", "crop-ratio", "flip"} {
		if !cmd.Flags().Changed(name) || s.Augment != "none" {
			continue
		}
		if cmd.Flags().Changed("augment") {
			return usagef("--%s does nothing with --augment none: leave one of them out", name)
		}
		s.Augment = "basic"
	}
	return nil
}

// checked is the configuration, resolved and valid.
func (s *settings) checked(cmd *cobra.Command) (config.Config, error) {
	if err := s.resolve(cmd); err != nil {
		return config.Config{}, err
	}
	return s.Config, s.Validate()
}
