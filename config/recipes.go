package config

import "depthwise.dev/internal/validate"

// Recipe is a published training procedure, as settings over the defaults.
type Recipe struct {
	Name   string
	Source string
	// apply sets what the source specifies. Other settings keep their values.
	apply func(*Config)
}

// Recipes is the table of named recipes.
func Recipes() []Recipe {
	return []Recipe{
		{
			Name:   "paper",
			Source: "TensorFlow-slim's MobileNet v1: RMSProp, lr 0.045 x0.94 every 2.5 epochs, batch 64",
			apply: func(c *Config) {
				c.Optimizer, c.Momentum = "rmsprop_tf", 0.9 // decay 0.9, eps 1: NewOptimizer
				c.LR, c.Schedule, c.StepEpochs, c.Gamma = 0.045, "exp", 2.5, 0.94
				c.WarmupEpochs = 0
				c.BatchSize = 64 // per replica
				c.WeightDecay, c.NoDecay = 4e-5, []string{"depthwise", "norm", "bias"}
				c.Model.BNMomentum = 0.0003 // decay 0.9997
				c.LabelSmoothing = 0.1
			},
		},
		{
			Name:   "torchvision",
			Source: "torchvision's MobileNetV2: SGD, lr 0.045 x0.98 an epoch, batch 32, 300 epochs",
			apply: func(c *Config) {
				c.Optimizer, c.Momentum = "sgd", 0.9
				c.LR, c.Schedule, c.StepEpochs, c.Gamma = 0.045, "exp", 1, 0.98
				c.WarmupEpochs = 0
				c.BatchSize, c.Epochs = 32, 300
				c.WeightDecay, c.NoDecay = 4e-5, []string{}
				c.LabelSmoothing = 0
			},
		},
		{
			Name:   "modern",
			Source: "current practice for small networks: AdamW, cosine, RandAugment, mixup, random erasing, weight averaging, 300 epochs",
			apply: func(c *Config) {
				c.Optimizer, c.LR, c.Momentum = "adamw", 1e-3, 0.9
				c.Schedule, c.WarmupEpochs = "cosine", 5
				c.BatchSize, c.Epochs = 128, 300
				c.WeightDecay, c.NoDecay = 0.05, []string{"norm", "bias"}
				c.LabelSmoothing = 0.1
				c.EMADecay = 0.999 // timm's default is 0.9998; averaging over a thousand steps also suits runs of a few thousand
				c.Augment, c.MixUp, c.RandomErase = "randaug", 0.2, 0.25
			},
		},
		{
			Name:   fineTune,
			Source: "fine-tuning on a small data set, chosen on 600 photographs: the stem and four blocks frozen, SGD, one cycle to lr 0.01, 10 epochs",
			apply: func(c *Config) {
				c.Freeze = "blocks:4" // the filters there fit all photographs; 4 points more than none, in 60 % of the time (MobileNet v2)
				c.Optimizer, c.LR, c.Momentum = "sgd", 0.01, 0.9
				c.Schedule, c.WarmupEpochs = "onecycle", 0
				c.BatchSize, c.Epochs = 32, 10
				c.WeightDecay, c.NoDecay = 4e-5, []string{}
				c.LabelSmoothing = 0.1
				c.CropScale = [2]float64{0.35, 1}
			},
		},
	}
}

// fineTune is the recipe of runs that start from weights.
const fineTune = "finetune"

// recipe returns the recipe of a name.
func recipe(name string) (Recipe, error) {
	var names []string
	for _, r := range Recipes() {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Recipe{}, validate.OneOf("recipe", name, names)
}

// knownRecipe returns an *Error for a name that no recipe has.
func knownRecipe(name string) error {
	_, err := recipe(name)
	return err
}
