package main

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/hub"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// modelFlags are the flags of every command that builds a network.
func modelFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Model.Arch, mobilenet.Archs()}, "arch", "architecture")
		fs.Var(known{&c.Model.Variant, variantNames(), "NAME"}, "variant", "variant of the architecture")
		fs.Float64Var(&c.Model.Width, "width", c.Model.Width, "width multiplier of all layers; the paper uses 0.25, 0.5, 0.75 and 1")
		fs.IntVar(&c.Model.Resolution, "resolution", c.Model.Resolution, "height and width of the input in pixels")
		fs.IntVar(&c.Model.Classes, "classes", c.Model.Classes, "number of classes")
		typical(fs, "width", "0.25", "0.5", "0.75", "1")
		typical(fs, "resolution", "128", "160", "192", "224")
		defaultText(fs, "classes", "that of the data, or 1000")
		defaultText(fs, "variant", "paper of mobilenet_v1, torchvision of mobilenet_v2")
	})
}

// variantNames lists the variants of all architectures and their aliases, each name once.
func variantNames() []string {
	var names []string
	for _, arch := range mobilenet.Archs() {
		for _, v := range append(mobilenet.Variants(arch), slices.Sorted(maps.Keys(mobilenet.Aliases(arch)))...) {
			if !slices.Contains(names, v) {
				names = append(names, v)
			}
		}
	}
	return names
}

// dataFlags are the flags of every command that reads batches of images.
func dataFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.StringVar(&c.Data, "data", c.Data, "`DIR` with train/CLASS/* and val/CLASS/*, with CLASS/*, with train.csv and val.csv, or with tar shards "+
			"(train-*.tar, val-*.tar); a pattern such as DIR/train-{000000..000127}.tar; "+
			"shards at http://, https://, s3:// or gs://; a CSV file that lists images and labels; or mnist")
		fs.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "images per batch")
		fs.Var(auto[int]{&c.Workers}, "workers", "image decoding threads; results do not depend on it")
		fs.IntVar(&c.ShuffleBuffer, "shuffle-buffer", c.ShuffleBuffer, "stream shards through a shuffle buffer of N images")
		fs.IntVar(&c.ShardCache, "shard-cache", c.ShardCache, "`GB` of remote shards to keep in the user's cache folder")
		folderPath(fs, "data")
		defaultText(fs, "workers", workersDefault)
		defaultText(fs, "shuffle-buffer", "no streaming; 16384 for remote shards")
	})
	listFlags(cmd, &c.Images, &c.LabelDelimiter, "images")
}

// exifFlag is the flag of the commands that decide how images reach the network.
func exifFlag(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.Var(optional{&c.EXIF}, "exif", "apply the EXIF orientation of images, in training and wherever the weights are used; auto: if training images have one")
		fs.Lookup("exif").NoOptDefVal = string(config.EXIFOn)
	})
}

// augmentFlags are the flags of the commands that read images as training does.
func augmentFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupAugmentation, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.Augment, config.Augments}, "augment", "augmentation policy")
		fs.Var((*span)(&c.CropScale), "crop-scale", "area of a random crop relative to the image")
		fs.Var((*span)(&c.CropRatio), "crop-ratio", "aspect ratio (width/height) of a random crop")
		fs.Lookup("crop-ratio").DefValue = "0.75,1.333"
		fs.Float64Var(&c.Flip, "flip", c.Flip, "probability of a horizontal flip")
		fs.Var((*jitter)(&c.ColorJitter), "color-jitter", "strength of random brightness, contrast, saturation "+
			"and hue (at most 0.5); one number sets the first three")
		fs.Float64Var(&c.RandomErase, "random-erase", c.RandomErase, "probability of random erasing, typically 0.25")
		fs.Float64Var(&c.MixUp, "mixup", c.MixUp, "alpha of mixup, typically 0.2")
		fs.Float64Var(&c.CutMix, "cutmix", c.CutMix, "alpha of CutMix, typically 1")
		fs.Var(choice{&c.Fit, config.Fits}, "fit", "how evaluation resizes images, stored with the weights")
		fs.Var(choice{&c.Decode, config.Decodes}, "decode", "JPEG decoding")
	})
}

// hardwareFlags are the flags of every command that computes.
func hardwareFlags(cmd *cobra.Command, precision, device, kernels *string, threads *int) {
	flagGroup(cmd, groupHardware, func(fs *pflag.FlagSet) {
		flag, alias := backendFlags(kernels, backend.Names())
		fs.Var(flag, "backend", "compute backend")
		fs.Var(alias, "kernels", "deprecated alias of --backend")
		annotate(fs.Lookup("kernels"), aliasOf, "backend")
		fs.Var(choice{precision, backend.Precisions}, "precision", "precision of the convolutions")
		fs.Var(known{device, backend.Devices, "NAME"}, "device", "compute device")
		threadsFlag(fs, threads)
	})
}

// graphFlag is the flag of the commands that record work of a GPU.
func graphFlag(cmd *cobra.Command, value *string, what string) {
	flagGroup(cmd, groupHardware, func(fs *pflag.FlagSet) {
		*value = cmp.Or(*value, backend.GraphAuto)
		fs.Var(choice{value, backend.CUDAGraphs}, "cuda-graph", "record the "+what+" of a GPU as CUDA graphs and replay them, with the same results")
	})
}

// gpuFlags are the flags of the commands that train or measure on a GPU.
func gpuFlags(cmd *cobra.Command, c *config.Config) {
	graphFlag(cmd, &c.CUDAGraph, "steps")
	flagGroup(cmd, groupHardware, func(fs *pflag.FlagSet) {
		fs.BoolVar(&c.TF32, "tf32", c.TF32, "let a GPU round the operands of fp32 products to 10 bits, which is faster")
		fs.BoolVar(&c.Deterministic, "deterministic", c.Deterministic, "the same bits in each run on a GPU; false: the algorithms that cuDNN measures as the fastest")
	})
}

// jsonFlag is the flag of every command with a result for programs.
func jsonFlag(cmd *cobra.Command, json *bool) {
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.BoolVar(json, "json", false, "print the result as one JSON value on standard output")
	})
}

// settings is a configuration that flags are bound to, with the configuration file.
type settings struct {
	config.Config
	file       string
	run        string           // of train resume: its folder
	from       string           // likewise: "auto" or a checkpoint
	start      *weights.Weights // of --init, after they were read
	serve      string           // address of the live report; "": none
	serveToken string           // of its controls, or @FILE
	ranks      rankSettings
}

func newSettings() *settings { return &settings{Config: config.Default()} }

// resolve applies the flags given on the command line over the configuration that they and --config
// imply.
func (s *settings) resolve(cmd *cobra.Command) error {
	type given struct {
		flag *pflag.Flag
		text string
	}
	var explicit []given
	var keys []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		explicit, keys = append(explicit, given{f, f.Value.String()}), append(keys, keyOf(f.Name))
	})
	value := func(name string) string {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return f.Value.String()
		}
		return ""
	}
	sources := config.Sources{Init: value("init"), ReadWeights: s.readInit(cmd), File: s.file, Data: value("data"), Recipe: value("recipe"),
		Arch: value("arch"), Variant: value("variant"), Optimizer: value("optimizer"), Freeze: value("freeze"), Explicit: keys}
	if cmd.Flags().Lookup("recipe") != nil && s.file == "" { // a file is a full configuration
		sources.Recipe = cmp.Or(sources.Recipe, config.AutoRecipe)
	}
	if err := checkInput("config", s.file); err != nil {
		return err
	}
	c, err := sources.Config()
	if err != nil {
		return err
	}
	s.Config = c // the flags' values point into it
	if s.run != "" {
		s.Out, s.Resume = s.run, s.from
		if len(inside(filepath.Join(s.run, weights.CheckpointFolder), ".safetensors", "")) > 0 {
			s.Threads = 0 // those of the checkpoint, which another number of ranks does not need
		}
	}
	s.Remote = newRemote(logTo(cmd.ErrOrStderr()))
	s.ReadWeights = s.readInit(cmd)
	for _, g := range explicit {
		if g.flag.Name == "variant" || g.flag.Name == "recipe" {
			continue // the sources have applied it: an alias is now a name, and auto may be a recipe
		}
		if err := g.flag.Value.Set(g.text); err != nil {
			return usagef("--%s %s: %w", g.flag.Name, g.text, err)
		}
	}
	if f := cmd.Flags().Lookup("batch-size"); f != nil && f.Changed {
		s.Ranks = 0 // it is that of each rank of this run, not of those that wrote --config
	}
	s.limitedByTime(cmd)
	s.Published = s.published(cmd)
	s.continueRestart()
	return cmp.Or(s.ownDevice(), s.enableAugmentation(cmd), s.refuseWithoutEffect(cmd))
}

// enableAugmentation enables augmentation if a crop or flip flag is given and augmentation is off,
// as for mnist.
func (s *settings) enableAugmentation(cmd *cobra.Command) error {
	for _, name := range []string{"crop-scale", "crop-ratio", "flip"} {
		if !cmd.Flags().Changed(name) || s.Augment != "none" {
			continue
		}
		if cmd.Flags().Changed("augment") {
			return usagef("--%s has no effect with --augment none: omit one of them", name)
		}
		s.Augment = "basic"
	}
	return nil
}

// checked returns the configuration, resolved and validated.
func (s *settings) checked(cmd *cobra.Command) (config.Config, error) {
	if err := s.resolve(cmd); err != nil {
		return config.Config{}, err
	}
	if err := s.Validate(); err != nil {
		return config.Config{}, err
	}
	if s.start != nil {
		return s.Config, s.CheckWeights(*s.start)
	}
	return s.Config, nil
}

// readInit returns the function that reads the weights of --init, once.
func (s *settings) readInit(cmd *cobra.Command) func(name string) (weights.Weights, error) {
	return func(name string) (w weights.Weights, err error) {
		if s.start != nil {
			return *s.start, nil
		}
		file := name
		if hub.IsName(name) {
			best := hub.Options{Arch: config.Default().Model.Arch, Width: 1}
			if cmd.Flags().Changed("arch") {
				best.Arch = cmd.Flags().Lookup("arch").Value.String()
			}
			if cmd.Flags().Changed("width") {
				best.Width, err = cmd.Flags().GetFloat64("width")
			}
			if err == nil {
				file, _, err = fetchWeights(cmd, name, best)
			}
		} else {
			file, err = localWeights(cmd, name)
		}
		if err != nil {
			return w, err
		}
		var o formats.ReadOptions
		if e := s.ranks.env; e.Spawn == 0 && e.First() { // of several processes, one says what it has found
			o.Log = logTo(cmd.ErrOrStderr())
		}
		w, err = formats.ReadWith(file, o)
		if err == nil && cmd.Flags().Changed("variant") && w.Origin != "" && w.Config != nil && w.Config.Variant == "timm" {
			o.Variant = cmd.Flags().Lookup("variant").Value.String() // several variants have timm's names
			w, err = formats.ReadWith(file, o)
		}
		if err == nil {
			s.start = &w
		}
		return w, err
	}
}

// initFlags are the flags of fine-tuning.
func initFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupInit, func(fs *pflag.FlagSet) {
		fs.StringVar(&c.Init, "init", c.Init, "start from the weights in `FILE`, a folder, or of a name (train weights list; imagenet: the best for --arch and --width); implies --recipe finetune")
		fs.Var(known{&c.Freeze, config.Freezes, "NAME"}, "freeze", "layers that do not train")
		fs.IntVar(&c.UnfreezeAfter, "unfreeze-after", c.UnfreezeAfter, "train all layers after N epochs")
		fs.Float64Var(&c.LayerDecay, "layer-decay", c.LayerDecay, "factor of the learning rate for each block between a layer and the head, such as 0.8")
		fs.Float64Var(&c.HeadLRScale, "head-lr-scale", c.HeadLRScale, "factor of the learning rate of the head, such as 10")
		filePath(fs, "init", extensions(func(f formats.Format) bool { return f.Read != nil })...)
		defaultText(fs, "unfreeze-after", "never")
	})
}
