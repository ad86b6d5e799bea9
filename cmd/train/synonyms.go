package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// synonym is the name of a flag in another tool.
type synonym struct {
	names string // separated by spaces
	flag  string // here
	hint  string // an example or an explanation, or ""
}

// synonyms are names from PyTorch's and torchvision's scripts, Keras, timm and Ultralytics. Of
// several rows with a name, the first whose flag the command has is used.
var synonyms = []synonym{
	{"learning-rate lr0 base-lr initial-lr", "lr", ""},
	{"batch b bs train-batch-size val-batch-size", "batch-size", ""},
	{"imgsz img img-size image-size input-size train-crop-size size", "resolution", ""},
	{"model net network architecture backbone a", "arch", ""},
	{"num-classes nc n-classes", "classes", ""},
	{"alpha depth-multiplier width-mult width-multiplier multiplier", "width", ""},
	{"wd weight-decay-rate l2", "weight-decay", ""},
	{"gpu gpus gpu-id cuda", "device", "--device cuda, or cuda:0 for the first GPU"},
	{"cpu no-cuda", "device", "--device cpu"},
	{"num-workers workers-per-gpu j nw", "workers", ""},
	{"name project output-dir save-dir exp-name experiment", "out", ""},
	{"o outfile output-path", "output", ""},
	{"data-dir data-path dataset train-dir root source", "data", ""},
	{"num-epochs n-epochs e", "epochs", ""},
	{"extend-epochs", "epochs", "train resume RUN --extend-epochs N"},
	{"epochs num-epochs n-epochs e extend more-epochs", "extend-epochs", "--extend-epochs N, which adds N epochs"},
	{"opt optim", "optimizer", ""},
	{"sched scheduler lr-scheduler lr-schedule", "schedule", ""},
	{"lr-warmup-epochs warmup", "warmup-epochs", ""},
	{"decay-epochs lr-step-size", "step-epochs", ""},
	{"decay-rate lr-gamma", "gamma", ""},
	{"smoothing", "label-smoothing", ""},
	{"criterion loss-fn loss-function objective", "loss", ""},
	{"focal focal-loss", "loss", "--loss focal"},
	{"fl-gamma gamma-focal", "focal-gamma", "--loss focal --focal-gamma 2"},
	{"class-weight weighted-loss balance-classes alpha-balanced", "class-weights", "--class-weights balanced"},
	{"balanced-sampling balanced-sampler weighted-sampler oversample class-balanced sampling", "sampler", "--sampler balanced"},
	{"clip-grad clipnorm clip gradient-clip max-grad-norm", "clip-grad-norm", ""},
	{"model-ema model-ema-decay ema", "ema-decay", "--ema-decay 0.9999"},
	{"grad-accum-steps grad-accum accumulate-grad-batches gradient-accumulation-steps", "accumulate", ""},
	{"half fp16 float16", "precision", "--precision fp16"},
	{"amp bf16 dtype mixed-precision", "precision", "--precision bf16"},
	{"nproc-per-node nprocs num-processes processes procs ranks world-size ngpu num-gpus n-gpus", "nproc", "--nproc N, which starts N processes on this machine"},
	{"backend-timeout ddp-timeout nccl-timeout", "dist-timeout", ""},
	{"sync-batch-norm sync-batchnorm sync-batch-normalization", "sync-bn", ""},
	{"ddp-comm-hook bf16-compress fp16-allreduce gradient-compress", "gradient-compression", "--gradient-compression bf16"},
	{"aa auto-augment autoaugment", "augment", "--augment randaug"},
	{"reprob random-erasing erasing", "random-erase", ""},
	{"hflip fliplr horizontal-flip", "flip", ""},
	{"scale", "crop-scale", ""},
	{"ratio", "crop-ratio", ""},
	{"validation-split val-fraction split", "val-split", ""},
	{"random-seed manual-seed", "seed", ""},
	{"checkpoint ckpt weight pretrained model model-path initial-checkpoint w", "weights", ""},
	{"pretrained", "init", "--init imagenet, or the file or name of weights"},
	{"pretrained-weights init-checkpoint initial-checkpoint finetune weights", "init", ""},
	{"freeze-backbone freeze-layers", "freeze", "--freeze backbone"},
	{"llrd layer-wise-decay", "layer-decay", ""},
	{"checkpoint ckpt resume-from continue", "resume", ""},
	{"save-period save-freq", "checkpoint-every", ""},
	{"cfg conf", "config", ""},
	{"quiet q", "progress", "--progress none"},
	{"topk top-k k", "top", ""},
	{"v", "version", ""},
}

// synonymHint is the hint for a flag that another tool has under this name, or "". A single letter
// counts only as a short flag.
func synonymHint(cmd *cobra.Command, written, name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if len(name) == 1 && strings.HasPrefix(written, "--") {
		return ""
	}
	for _, s := range synonyms {
		for _, other := range strings.Fields(s.names) {
			switch {
			case other != name || cmd.Flags().Lookup(s.flag) == nil:
			case s.hint != "":
				return "use " + s.hint
			default:
				return "did you mean --" + s.flag + "?"
			}
		}
	}
	return ""
}
