package config

import (
	"time"

	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// Config holds every setting of a training run. Start from [Default], [Sources] or [Load], change
// fields, and give it to train.Fit, which validates it.
//
// The YAML names are the names of the command line's flags with '-' replaced by '_'.
type Config struct {
	// Data is a folder with train/CLASS/* and val/CLASS/*, or with CLASS/*, a CSV file that lists images, or local or remote
	// shards, see [datasets.Source], or the word "mnist".
	Data string `yaml:"data"`
	// ValSplit is the approximate fraction of a data set without val that is held out for validation,
	// see [datasets.Split]. 0: such a data set is an error. With a val it has no effect.
	ValSplit float64 `yaml:"val_split"`
	// Images is the folder that relative paths in a CSV file start from, LabelDelimiter what separates the labels of an image
	// there, and MultiLabel makes a multi-label data set of any data, see [datasets.Source]. Without it that follows from the
	// labels: it is one if an image has several.
	Images         string `yaml:"images"`
	LabelDelimiter string `yaml:"label_delimiter"`
	MultiLabel     bool   `yaml:"multi_label"`
	// PosWeight of multi-label classes is none or balanced: images with a class weigh as much in its loss as those without.
	PosWeight string `yaml:"pos_weight"`
	// ShuffleBuffer is the size of the shuffle buffer for shards, in images, see
	// [data.LoaderOptions]. 0: all images, and 16,384 for remote shards.
	ShuffleBuffer int `yaml:"shuffle_buffer"`
	// ShardCache is the size of the cache for remote shards, in gigabytes, in the user's cache
	// folder.
	ShardCache int `yaml:"shard_cache"`
	// Out is the run's folder. Empty: runs/DATA-N, see [Config.OutFolder].
	Out string `yaml:"out,omitempty"`
	// Recipe is the name of the recipe that the settings started from, or the path of a recipe's file. "" or none:
	// the defaults; auto: that which the data suggests, see [Config.Choose].
	Recipe string `yaml:"recipe"`

	// Init names the weights that the run starts from, a file or a folder, see [formats.Read]. Their
	// network and preprocessing are those of the run, see [Config.UseWeights]. "": initial values.
	Init string `yaml:"init"`
	// Freeze is none, bn (all batch norms), backbone (all layers but the head) or blocks:N (the stem
	// and the first N blocks); see [Config.Frozen]. After UnfreezeAfter epochs all layers train, with
	// a new optimizer; 0: never.
	Freeze        string `yaml:"freeze"`
	UnfreezeAfter int    `yaml:"unfreeze_after"`
	// LayerDecay multiplies the learning rate of a block for each block between it and the head, and
	// HeadLRScale that of the head's linear layer. 1: no change.
	LayerDecay  float64 `yaml:"layer_decay"`
	HeadLRScale float64 `yaml:"head_lr_scale"`
	// Preprocessing of the images. The zero value is that of the variant's published weights.
	Preprocessing models.Preprocessing `yaml:"preprocessing,omitempty"`

	// Model is the network; Arch and Variant select the architecture. Classes 0: that of the data.
	Model mobilenet.Config `yaml:",inline"`

	// Epochs is the length of the run, and of its schedule. 0: that of Time.
	Epochs int `yaml:"epochs"`
	// MaxSteps ends the run, and its schedule, after this number of optimizer steps. 0: no limit.
	MaxSteps int64 `yaml:"max_steps"`
	// Time is the duration of the whole run, resumed or not: the number of steps, and with it the schedule, is
	// chosen from the measured speed so that the run ends within it. With Epochs above 0 the shorter
	// counts. 0: the run has Epochs.
	Time time.Duration `yaml:"time"`
	// StopAfter stops the process with a checkpoint after this duration. The schedule remains that of the
	// whole run, which Resume continues. 0: no limit.
	StopAfter time.Duration `yaml:"stop_after"`
	// Patience ends the run after this number of epochs without improvement of Monitor by more than MinDelta. 0: never.
	Patience int     `yaml:"patience"`
	MinDelta float64 `yaml:"min_delta"`
	// Monitor is what Patience and the schedule plateau observe on the validation images: top1 or loss, of the weights or
	// of their average, whichever is better.
	Monitor string `yaml:"monitor"`
	// BatchSize is the number of images in a batch, of each rank where several train together; Accumulate the number of
	// batches whose gradients make one step. AutoBatchSize chooses the former by the machine.
	BatchSize  int `yaml:"batch_size"`
	Accumulate int `yaml:"accumulate"`
	// Ranks is the number of ranks that BatchSize is meant for: a batch has BatchSize*Ranks images in all, also when the run is
	// continued by another number of ranks. 0: that of the process group. Runs record it if it is above 1.
	Ranks int `yaml:"ranks,omitempty"`

	// Optimizer is sgd, rmsprop, rmsprop_tf or adamw.
	Optimizer string  `yaml:"optimizer"`
	LR        float64 `yaml:"lr"`
	// Momentum is SGD's and RMSProp's momentum and AdamW's beta1.
	Momentum    float64 `yaml:"momentum"`
	WeightDecay float64 `yaml:"weight_decay"`
	// NoDecay names the parameters without weight decay: depthwise, norm, bias.
	NoDecay []string `yaml:"no_decay,flow"`

	// Schedule of the learning rate: constant, step, exp, cosine, onecycle or plateau.
	Schedule string `yaml:"schedule"`
	// StepEpochs and Gamma: the schedules step and exp multiply the rate by
	// Gamma every StepEpochs. 0: step x0.1 every 30, exp x0.94 every 2.5. Plateau multiplies it by Gamma too, 0: x0.1.
	StepEpochs float64 `yaml:"step_epochs"`
	Gamma      float64 `yaml:"gamma"`
	// WarmupEpochs is the length of the linear warmup. Negative: 5 % of the run for cosine, none
	// for the others (onecycle includes a warmup).
	WarmupEpochs float64 `yaml:"warmup_epochs"`
	// The schedule plateau, see [optim.PlateauOptions].
	PlateauPatience  int     `yaml:"plateau_patience"`
	PlateauThreshold float64 `yaml:"plateau_threshold"`
	PlateauCooldown  int     `yaml:"plateau_cooldown"`
	PlateauMinLR     float64 `yaml:"plateau_min_lr"`

	// Loss is auto or cross_entropy, or focal: the loss of a class is multiplied by (1-p)^FocalGamma of its probability.
	Loss           string  `yaml:"loss"`
	FocalGamma     float64 `yaml:"focal_gamma"`
	LabelSmoothing float64 `yaml:"label_smoothing"`
	// ClassWeights are the weights of the classes in the training loss: none, balanced, effective, or a CSV or YAML file,
	// see [Config.WeightsOfClasses]. Sampler decides which images an epoch has: uniform, balanced or sqrt, see package data.
	ClassWeights string `yaml:"class_weights"`
	Sampler      string `yaml:"sampler"`
	// ClipGradNorm clips the global L2 norm of the gradients. 0: no clipping.
	ClipGradNorm float64 `yaml:"clip_grad_norm"`
	// EMADecay is the decay of an exponential moving average of the weights, such as 0.9999. The
	// best weights are the better of weights and average; evaluation, prediction and export use the
	// average of a checkpoint. 0: no average.
	EMADecay float64 `yaml:"ema_decay"`
	// EMAWarmup is how the decay rises to EMADecay: none, timm (see [optim.TimmWarmup]) or torchvision (see
	// [optim.TorchvisionDecay]).
	EMAWarmup string `yaml:"ema_warmup"`
	// EMASteps is the number of steps between updates of the average. 0: 32 with torchvision, else 1.
	EMASteps int `yaml:"ema_steps"`
	// SWAEpochs averages the weights at the ends of this number of last epochs, which train with the constant learning rate
	// SWALR (0: half of LR): stochastic weight averaging. 0: none.
	SWAEpochs int     `yaml:"swa_epochs"`
	SWALR     float64 `yaml:"swa_lr"`

	// Augment is none; basic: a random crop, resized, and a flip; randaug or
	// trivial: RandAugment or TrivialAugmentWide after those.
	Augment string `yaml:"augment"`
	// CropScale is the range of a random crop's area as a fraction of the image, CropRatio the
	// range of its aspect ratio, width by height. Flip is the probability of a horizontal flip.
	// None of them has an effect with Augment none.
	CropScale [2]float64 `yaml:"crop_scale,flow"`
	CropRatio [2]float64 `yaml:"crop_ratio,flow"`
	Flip      float64    `yaml:"flip"`
	// ColorJitter is the range of brightness, contrast and saturation, as factors from 1-x to 1+x,
	// and of hue, as a fraction of the circle up to 0.5. RandomErase is the probability that a
	// rectangle of the image is filled with the mean color. Both work with any Augment.
	ColorJitter [4]float64 `yaml:"color_jitter,flow"`
	RandomErase float64    `yaml:"random_erase"`
	// MixUp and CutMix are the alpha of the Beta distribution that lambda is drawn from. Where both
	// are above 0, each batch uses one of them at random.
	MixUp  float64 `yaml:"mixup"`
	CutMix float64 `yaml:"cutmix"`
	// Fit is how evaluation makes an image square: crop (resize the shorter side to 8/7 of the
	// resolution, center crop), letterbox (the whole image as large as fits, centered on black) or
	// pad (the same, never enlarged).
	Fit string `yaml:"fit"`
	// Decode is exact or fast: fast decodes training images with a side above 1,000 pixels at half
	// their size where the crop is at least halved anyway. Evaluation is always exact.
	Decode string `yaml:"decode"`
	// EXIF says whether the EXIF orientation is applied in training, evaluation and prediction: true, false
	// (as torchvision) or auto. auto: if training images have one; see [Config.UseOrientations].
	EXIF EXIF `yaml:"exif"`

	// Precision is auto, fp32, bf16 or fp16, which scales the loss in training; Device auto, cpu, cuda or cuda:N.
	Precision string `yaml:"precision"`
	// Backend is auto, fused (the whole backbone as one operation on the CPU) or torch
	// (operations of libtorch, the reference).
	Backend string `yaml:"backend"`
	Device  string `yaml:"device"`
	// CUDAGraph says whether the steps of a GPU are recorded as CUDA graphs and replayed: auto (where it is possible), on
	// or off. It does not change the result.
	CUDAGraph string `yaml:"cuda_graph"`
	// TF32 lets a GPU round the operands of float32 products to 10 bits, which is faster.
	TF32 bool `yaml:"tf32"`
	// Deterministic makes a GPU compute the same bits in each run. false: cuDNN measures and takes the fastest algorithms.
	Deterministic bool `yaml:"deterministic"`
	// SyncBN makes batch norm in training use the statistics of the images of all processes of a run, as one process with all
	// of them would: torch.nn.SyncBatchNorm. It has no effect in one process, and none on frozen batch norms.
	SyncBN bool `yaml:"sync_bn"`
	// GradientCompression is how the gradients of several processes are sent: none, or bf16, which is half the bytes and
	// rounds them to 8 bits. It has no effect in one process.
	GradientCompression string `yaml:"gradient_compression"`
	// Threads is the number of threads that compute. 0: that of the checkpoint of a resumed run, otherwise as for
	// [backend.Options]. A run records the number, because its results depend on it.
	Threads int `yaml:"threads"`
	// Workers is the number of goroutines that decode images; it does not change the result. 0:
	// decode in the training loop. Negative: one for each physical core.
	Workers int `yaml:"workers"`
	// Seed of initialization, order, augmentation and dropout.
	Seed uint64 `yaml:"seed"`

	// Resume is "", auto (continue the run in Out if there is one) or the file of a checkpoint.
	Resume string `yaml:"resume,omitempty"`
	// ExtendEpochs makes the run that Resume continues longer by this number of epochs, finished or not. Its
	// schedule is that of the longer run from the next step on. 0: no change.
	ExtendEpochs int `yaml:"-"`
	// CheckpointEvery is the interval between checkpoints, a time (10m) or a number of steps
	// (500steps). The end of each epoch always writes one. "": only those.
	CheckpointEvery string `yaml:"checkpoint_every"`
	// Keep is the number of newest checkpoints to keep.
	Keep int `yaml:"keep"`

	// Progress is how the command line shows progress: auto, bar, plain, json or none.
	Progress string `yaml:"progress"`
	// Report makes the command line write the report of the run, see package report/page. It does not change the result.
	Report bool `yaml:"report"`
	// TensorBoard is what the command line writes for TensorBoard: off, scalars or all. It does not change the result.
	TensorBoard string `yaml:"tensorboard"`

	// Remote opens URLs such as s3://bucket/train-000.tar; see package data/remote. nil: Data
	// must be local.
	Remote shards.Remote `yaml:"-"`

	// ReadWeights reads the weights that Init names, such as published ones; see package hub. nil: Init is
	// a file or a folder.
	ReadWeights func(name string) (weights.Weights, error) `yaml:"-"`

	// Published is a name of published weights that fit the network, for advice about Init. "": none.
	Published string `yaml:"-"`

	// Launch identifies the run of the launcher that started this process, such as torchrun; "": none. config.yaml has it in a
	// comment ([LaunchComment]), by which ranks that are started again find their run.
	Launch string `yaml:"-"`

	origin *origin // of the fields that were read from a file; nil: none
	given  []given // settings of files that differ from what the settings would be without them
	choice *choice // of the recipe by the data; nil: it was named
}

// Default returns the settings of a run without any options, except for its data: the paper's
// network and settings that suit folders of any size.
func Default() Config {
	return Config{
		// Variant paper as mobilenet.Default returns it, without classes; a test compares them.
		Model: mobilenet.Config{Arch: "mobilenet_v1", Variant: "paper", Width: 1, Resolution: 224, Activation: models.ReLU,
			Padding: models.Symmetric, BNEps: 1e-5, BNMomentum: 0.1},
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
		Loss:            LossAuto,
		FocalGamma:      2, // Lin et al. 2017
		LabelSmoothing:  0.1,
		ClassWeights:    WeightsNone,
		Sampler:         data.SampleUniform,
		LabelDelimiter:  "auto",
		PosWeight:       PosWeightNone,
		Freeze:          FreezeNone,
		LayerDecay:      1,
		HeadLRScale:     1,
		Augment:         "basic",
		Decode:          data.DecodeExact,
		CropScale:       [2]float64{0.08, 1},        // torchvision, timm
		CropRatio:       [2]float64{3. / 4, 4. / 3}, // torchvision, timm
		Flip:            0.5,
		Fit:             "crop",
		EXIF:            EXIFAuto,
		Precision:       "auto",
		Backend:         "auto",
		Device:          "auto",
		CUDAGraph:       backend.GraphAuto,
		Deterministic:   true,
		Workers:         -1,
		CheckpointEvery: "10m",
		Keep:            3,
		Progress:        "auto",
		Report:          true,
		TensorBoard:     TensorBoardScalars,

		Monitor:          MonitorTop1,
		EMAWarmup:        WarmupTimm,
		PlateauPatience:  10,   // torch
		PlateauThreshold: 1e-4, // torch

		GradientCompression: CompressNone,
	}
}
