package train

import (
	"time"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/models/mobilenet"
)

// Config is everything that decides a training run. Start from [Default], a
// [Layers] or [LoadConfig], change fields, and give it to [Fit], which validates it.
//
// The yaml names are the names of the command line's flags with '-' as '_'.
type Config struct {
	// Data is a folder with train/CLASS/* and val/CLASS/*, or with CLASS/*, or
	// shards near or far, see [datasets.Source], or the word "mnist".
	Data string `yaml:"data"`
	// ValSplit is the share of a folder without val/ that is kept for
	// validation. 0: such a folder is refused.
	ValSplit float64 `yaml:"val_split"`
	// ShuffleBuffer is the number of images of shards that are shuffled with each
	// other, see [data.LoaderOptions]. 0: all, of distant ones 16,384.
	ShuffleBuffer int `yaml:"shuffle_buffer"`
	// ShardCache is how many gigabytes of distant shards are kept in the user's
	// cache folder.
	ShardCache int `yaml:"shard_cache"`
	// Out is the run's folder. Empty: runs/DATA-N, see [Config.OutFolder].
	Out string `yaml:"out,omitempty"`
	// Recipe names the table entry that the settings began from; "" is none.
	Recipe string `yaml:"recipe"`

	// Arch is the family of networks: mobilenet_v1.
	Arch string `yaml:"arch"`
	// Model is the network. Classes 0: as many as the data has.
	Model mobilenet.Config `yaml:",inline"`

	// Epochs is the length of the run, and of its schedule.
	Epochs int `yaml:"epochs"`
	// MaxSteps ends the run, and its schedule, after so many optimizer steps. 0: no limit.
	MaxSteps int64 `yaml:"max_steps"`
	// Time stops the run after so long; its schedule stays that of the whole
	// run, which --resume continues. 0: no limit.
	Time time.Duration `yaml:"time"`
	// BatchSize is the number of images in a batch, Accumulate the number of
	// batches whose gradients make one step.
	BatchSize  int `yaml:"batch_size"`
	Accumulate int `yaml:"accumulate"`

	// Optimizer is sgd, rmsprop, rmsprop_tf or adamw.
	Optimizer string  `yaml:"optimizer"`
	LR        float64 `yaml:"lr"`
	// Momentum is SGD's and RMSProp's momentum and AdamW's beta1.
	Momentum    float64 `yaml:"momentum"`
	WeightDecay float64 `yaml:"weight_decay"`
	// NoDecay names the parameters without weight decay: depthwise, norm, bias.
	NoDecay []string `yaml:"no_decay,flow"`

	// Schedule of the learning rate: constant, step, exp, cosine or onecycle.
	Schedule string `yaml:"schedule"`
	// StepEpochs and Gamma: the schedules step and exp multiply the rate by
	// Gamma every StepEpochs. 0: step x0.1 every 30, exp x0.94 every 2.5.
	StepEpochs float64 `yaml:"step_epochs"`
	Gamma      float64 `yaml:"gamma"`
	// WarmupEpochs is how long the rate rises at first. Below zero: 5 % of the
	// run for cosine, none for the others (onecycle rises of itself).
	WarmupEpochs float64 `yaml:"warmup_epochs"`

	LabelSmoothing float64 `yaml:"label_smoothing"`
	// ClipGradNorm is the greatest L2 norm of all gradients together. 0: no limit.
	ClipGradNorm float64 `yaml:"clip_grad_norm"`
	// EMADecay is how much of the past an exponential moving average of the
	// weights keeps at each step, as 0.9999; the average is what best, eval,
	// predict and export use. 0: no average.
	EMADecay float64 `yaml:"ema_decay"`

	// Augment is none; basic: a random crop, resized, and a flip; randaug or
	// trivial: RandAugment or TrivialAugmentWide after those.
	Augment string `yaml:"augment"`
	// CropScale is the share of the image's area, CropRatio the width through
	// the height, that a random crop has: least and greatest. Flip is the
	// chance of a horizontal flip. All three do nothing with Augment none.
	CropScale [2]float64 `yaml:"crop_scale,flow"`
	CropRatio [2]float64 `yaml:"crop_ratio,flow"`
	Flip      float64    `yaml:"flip"`
	// ColorJitter says how far brightness, contrast, saturation and hue vary:
	// factors from 1-x to 1+x, and a hue turned by at most the last, a share of
	// the circle up to 0.5. RandomErase is the chance that a rectangle of the
	// image is painted in the mean color. Both work with any Augment.
	ColorJitter [4]float64 `yaml:"color_jitter,flow"`
	RandomErase float64    `yaml:"random_erase"`
	// MixUp and CutMix mix the images and the classes of a batch: the parameter
	// of the Beta distribution that the shares come from; batches alternate at
	// random where both are above 0.
	MixUp  float64 `yaml:"mixup"`
	CutMix float64 `yaml:"cutmix"`
	// Fit is how an image comes to the resolution when it is evaluated: crop
	// (shorter side to 8/7 of it, center crop), letterbox (the whole image as
	// large as fits, centered on black) or pad (the same, never enlarged).
	Fit string `yaml:"fit"`
	// Decode is exact or fast: training takes photographs with a side above
	// 1,000 pixels from half their size where the crop is reduced to that or
	// less anyway. Evaluation is always exact.
	Decode string `yaml:"decode"`
	// EXIF turns images as their EXIF data says, in training, evaluation and
	// prediction. torchvision does not.
	EXIF bool `yaml:"exif"`

	// Precision is auto, fp32 or bf16; Device auto, cpu, cuda or cuda:N.
	Precision string `yaml:"precision"`
	// Kernels is auto, fused (the whole backbone one operation on the CPU) or torch
	// (libtorch's operations, which the others are checked against).
	Kernels string `yaml:"kernels"`
	Device  string `yaml:"device"`
	// Threads that compute. 0: one for each physical core.
	Threads int `yaml:"threads"`
	// Workers that decode images; they change nothing in the result. 0: decode
	// in the training loop; below zero: one for each physical core.
	Workers int `yaml:"workers"`
	// Seed of initialization, order, augmentation and dropout.
	Seed uint64 `yaml:"seed"`

	// Resume is "", auto (go on in Out with what is there, if anything) or a
	// checkpoint's file.
	Resume string `yaml:"resume,omitempty"`
	// CheckpointEvery is a time (10m) or a number of steps (500steps) between
	// checkpoints; each epoch's end always writes one. Empty: only those.
	CheckpointEvery string `yaml:"checkpoint_every"`
	// Keep is how many of the newest checkpoints stay.
	Keep int `yaml:"keep"`

	// Progress is how the command line tells of the run: auto, bar, plain, json or none.
	Progress string `yaml:"progress"`
}

// The values that settings with names can have, in the order messages list them.
var (
	Archs      = []string{"mobilenet_v1"}
	Optimizers = []string{"sgd", "rmsprop", "rmsprop_tf", "adamw"}
	Schedules  = []string{"constant", "step", "exp", "cosine", "onecycle"}
	Augments   = []string{"none", "basic", "randaug", "trivial"}
	Fits       = []string{"crop", "letterbox", "pad"}
	Decodes    = []string{data.DecodeExact, data.DecodeFast}
	Precisions = []string{"auto", "fp32", "bf16"}
	Kernels    = []string{"auto", "fused", "torch"}
	Devices    = []string{"auto", "cpu", "cuda", "cuda:N"}
	Progresses = []string{"auto", "bar", "plain", "json", "none"}
	NoDecays   = []string{"depthwise", "norm", "bias"}
)

// MNIST is the value of Config.Data that means the digits of the MNIST data set.
const MNIST = "mnist"

// Default is the run that nothing was said about, except for its data: the
// paper's network and a recipe that suits folders of any size.
func Default() Config {
	return Config{
		Arch: "mobilenet_v1",
		// Variant paper as mobilenet.Variant gives it; a test holds them together.
		Model: mobilenet.Config{Variant: "paper", Width: 1, Resolution: 224, Activation: "relu",
			Padding: "symmetric", BNEps: 1e-5, BNMomentum: 0.1},
		ShardCache:      shards.DefaultCacheBytes >> 30,
		Epochs:          90,
		BatchSize:       32,
		Accumulate:      1,
		Optimizer:       "sgd",
		LR:              0.05,
		Momentum:        0.9,
		WeightDecay:     4e-5,
		NoDecay:         []string{},
		Schedule:        "cosine",
		WarmupEpochs:    -1,
		LabelSmoothing:  0.1,
		Augment:         "basic",
		Decode:          data.DecodeExact,
		CropScale:       [2]float64{0.08, 1},        // torchvision, timm
		CropRatio:       [2]float64{3. / 4, 4. / 3}, // torchvision, timm
		Flip:            0.5,
		Fit:             "crop",
		Precision:       "auto",
		Kernels:         "auto",
		Device:          "auto",
		Workers:         -1,
		CheckpointEvery: "10m",
		Keep:            3,
		Progress:        "auto",
	}
}

// forMNIST sets what --data mnist implies: 28x28 digits on 32x32 black, which
// neither a flip nor a crop leaves what they are.
func (c *Config) forMNIST() {
	c.Model.Width, c.Model.Resolution, c.Fit = 0.5, 32, "pad"
	c.BatchSize, c.Epochs = 128, 4
	c.Precision = "fp32" // at 32x32 two and a half times as fast as bf16 without AMX (3,320 against 1,330 img/s, EPYC of Zen 5)
	c.Optimizer, c.LR, c.Schedule = "sgd", 0.1, "onecycle"
	c.Augment, c.Flip = "none", 0
}
