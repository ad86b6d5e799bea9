package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// Error lists the invalid settings of a configuration; FieldError is one of them, with file and
// line if it was read from a file.
type (
	Error      = validate.Error
	FieldError = validate.FieldError
)

// Validate checks all settings and returns an *Error that lists the invalid ones.
func (c Config) Validate() error {
	var v collector
	v.data(c)
	v.model(c)
	v.length(c)
	v.optimization(c)
	v.fineTuning(c)
	v.loss(c)
	v.augmentation(c)
	v.exif(c)
	v.multiLabel(c)
	v.machine(c)
	v.checkpoints(c)
	v.tracking(c)
	return c.locate(v.Err())
}

// ValidateBatch checks only the settings for computing single batches: network, batch size,
// augmentation and machine. It requires at least minimum images in a batch; the message gives
// reason for that number.
func (c Config) ValidateBatch(minimum int, reason string) error {
	var v collector
	v.model(c)
	v.Check(c.BatchSize >= minimum, "batch_size", c.BatchSize, fmt.Sprintf("must be at least %d%s", minimum, reason))
	v.augmentation(c)
	v.exif(c)
	v.machine(c)
	return c.locate(v.Err())
}

// collector collects the invalid settings of a Config.
type collector struct{ validate.Collector }

func (v *collector) data(c Config) {
	if c.Recipe != "" {
		if e, ok := errors.AsType[*Error](knownRecipe(c.Recipe)); ok {
			v.Add(e.Fields...)
		}
	}
	v.Check(c.Data != "", "data", `""`, "name a folder of images, shards, or mnist")
	if r := c.Model.Resolution; r <= mobilenet.MaxResolution { // a larger one is reported with the network
		v.Check(r <= data.MaxResolution, "resolution", r, fmt.Sprintf("must be 1 to %d pixels for images", data.MaxResolution))
	}
	v.Check(c.ValSplit >= 0 && c.ValSplit < 1, "val_split", c.ValSplit, "must be at least 0 and below 1")
	v.Check(c.ShuffleBuffer >= 0, "shuffle_buffer", c.ShuffleBuffer, "must be at least 1, or 0 for all images")
	v.Check(c.ShardCache >= 0 && c.ShardCache < 1<<20, "shard_cache", c.ShardCache, "must be a number of gigabytes, or 0 for 50")
}

func (v *collector) model(c Config) {
	m := c.Model
	if m.Classes == 0 {
		m.Classes = 1 // the number of classes comes from the data
	}
	if e, ok := errors.AsType[*Error](m.Validate()); ok {
		v.Add(e.Fields...)
	}
	v.variant(m)
}

// Network returns the configured network, with 1000 classes if no number is given, or an *Error
// with the invalid settings.
func (c Config) Network() (mobilenet.Config, error) {
	var v collector
	v.model(c)
	m := c.Model
	if m.Classes == 0 {
		m.Classes = 1000
	}
	return m, c.locate(v.Err())
}

func (v *collector) length(c Config) {
	if c.Time == 0 || c.Epochs != 0 {
		v.count("epochs", c.Epochs)
	}
	v.Check(c.MaxSteps >= 0, "max_steps", c.MaxSteps, "must be at least 1, or 0 for no limit")
	v.Check(c.ExtendEpochs >= 0 && c.ExtendEpochs <= MaxCount, "extend_epochs", c.ExtendEpochs, fmt.Sprintf("must be at least 1 and at most %d", MaxCount))
	v.Check(c.ExtendEpochs == 0 || c.Resume != "", "extend_epochs", c.ExtendEpochs, "needs a run to continue: set resume")
	v.stopping(c)
	v.Check(c.BatchSize >= 1 || c.BatchSize == AutoBatchSize, "batch_size", c.BatchSize, "must be at least 1")
	v.count("accumulate", c.Accumulate)
	v.Check(c.Ranks >= 0 && c.Ranks <= MaxCount, "ranks", c.Ranks, fmt.Sprintf("must be from 1 to %d, or 0 for the number of processes", MaxCount))
}

// MaxCount is the maximum number of epochs, and of batches in a step: products of two such numbers,
// such as the steps of a run, do not overflow.
const MaxCount = math.MaxInt32

func (v *collector) count(field string, n int) {
	v.Check(n >= 1, field, n, "must be at least 1")
	v.Check(n <= MaxCount, field, n, fmt.Sprintf("must be at most %d", MaxCount))
}

func (v *collector) optimization(c Config) {
	v.OneOf("optimizer", c.Optimizer, Optimizers)
	v.Check(c.LR > 0 && !math.IsInf(c.LR, 0), "lr", c.LR, "must be above 0 and finite")
	v.Check(c.Momentum >= 0 && c.Momentum < 1, "momentum", c.Momentum, "must be at least 0 and below 1")
	v.Within("weight_decay", c.WeightDecay, 0, math.MaxFloat64, "must be at least 0")
	for _, role := range c.NoDecay {
		v.OneOf("no_decay", role, NoDecays)
	}
	v.OneOf("gradient_compression", c.GradientCompression, GradientCompressions)
	v.OneOf("schedule", c.Schedule, Schedules)
	v.Within("step_epochs", c.StepEpochs, 0, MaxCount, fmt.Sprintf("must be above 0 and at most %d, or 0 for the schedule's own", MaxCount))
	v.Within("gamma", c.Gamma, 0, 1, "must be above 0 and at most 1, or 0 for the schedule's own")
	v.Check((c.WarmupEpochs < float64(max(1, c.Epochs)) || c.Epochs == 0 && c.Time > 0 && c.WarmupEpochs <= MaxCount) && !math.IsInf(c.WarmupEpochs, -1), "warmup_epochs", c.WarmupEpochs, "must be below epochs")
	v.Check(c.LabelSmoothing >= 0 && c.LabelSmoothing < 1, "label_smoothing", c.LabelSmoothing, "must be at least 0 and below 1")
	v.Within("clip_grad_norm", c.ClipGradNorm, 0, math.MaxFloat64, "must be above 0, or 0 for no limit")
	v.Check(c.EMADecay >= 0 && c.EMADecay < 1, "ema_decay", c.EMADecay, "must be above 0 and below 1, such as 0.9999, or 0 for no average")
	v.averaging(c)
	v.plateau(c)
}

func (v *collector) augmentation(c Config) {
	v.OneOf("augment", c.Augment, Augments)
	v.OneOf("decode", c.Decode, Decodes)
	lo, hi := c.CropScale[0], c.CropScale[1]
	v.Check(0 < lo && lo <= hi && hi <= 1, "crop_scale", commas(c.CropScale[:]), "must be two fractions of the area, 0 < min <= max <= 1, such as 0.35,1")
	lo, hi = c.CropRatio[0], c.CropRatio[1]
	v.Check(0 < lo && lo <= hi && hi <= data.MaxCropRatio, "crop_ratio", commas(c.CropRatio[:]),
		fmt.Sprintf("must be two ratios, 0 < min <= max <= %d, such as 0.75,1.333", data.MaxCropRatio))
	v.Within("flip", c.Flip, 0, 1, "must be a probability from 0 to 1")
	j := c.ColorJitter
	v.Check(min(j[0], j[1], j[2], j[3]) >= 0 && max(j[0], j[1], j[2]) <= 10 && j[3] <= 0.5, "color_jitter", commas(j[:]),
		"must be brightness, contrast and saturation from 0 to 10 and hue from 0 to 0.5, such as 0.4,0.4,0.4,0.1")
	v.Within("random_erase", c.RandomErase, 0, 1, "must be a probability from 0 to 1")
	v.Within("mixup", c.MixUp, 0, 100, "must be the Beta distribution's parameter, from 0 (off) to 100, such as 0.2")
	v.Within("cutmix", c.CutMix, 0, 100, "must be the Beta distribution's parameter, from 0 (off) to 100, such as 1")
	v.OneOf("fit", c.Fit, Fits)
}

// commas formats numbers as their flag is written.
func commas(values []float64) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", ",")
}

func (v *collector) machine(c Config) {
	c.BackendOptions().Collect(&v.Collector)
	v.Check(c.Workers >= -1 && c.Workers <= data.MaxWorkers, "workers", c.Workers, fmt.Sprintf("must be 0 to %d, or auto for the physical cores", data.MaxWorkers))
	v.OneOf("progress", c.Progress, Progresses)
}

func (v *collector) checkpoints(c Config) {
	if _, _, err := interval(c.CheckpointEvery); err != nil {
		v.Check(false, "checkpoint_every", fmt.Sprintf("%q", c.CheckpointEvery), err.Error())
	}
	v.Check(c.Keep >= 1, "keep", c.Keep, "must be at least 1")
}

// BackendOptions returns the settings of the backend.
func (c Config) BackendOptions() backend.Options {
	return backend.Options{Precision: c.Precision, Device: c.Device, Backend: c.Backend, Threads: c.Threads,
		CUDAGraph: c.CUDAGraph, TF32: c.TF32, NonDeterministic: !c.Deterministic}
}

// Graph returns the graph of the configured network, with 1000 classes if no number is given.
func (c Config) Graph() (*models.Graph, error) {
	m, err := c.Network()
	if err != nil {
		return nil, err
	}
	return m.Graph()
}

// variant finds a network whose variant was changed by assignment to [Default]'s: the other settings
// are still those of the default variant, and the weights would be labeled as what they are not.
func (v *collector) variant(m mobilenet.Config) {
	named, err := mobilenet.Default(m.Arch, m.Variant)
	if err != nil {
		return // reported by its own check
	}
	other := Default().Model
	if named.Variant == other.Variant && named.Arch == other.Arch {
		return
	}
	named.Arch, named.Variant, named.Width, named.Resolution, named.Classes = m.Arch, m.Variant, m.Width, m.Resolution, m.Classes
	other.Arch, other.Variant, other.Width, other.Resolution, other.Classes = m.Arch, m.Variant, m.Width, m.Resolution, m.Classes
	v.Check(m == named || m != other, "variant", strconv.Quote(m.Variant),
		"activation, padding and batch norm are still those of the default variant: make the configuration with config.Sources{Variant: ...}.Config(), which sets them")
}
