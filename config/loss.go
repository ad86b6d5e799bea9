package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/internal/suggest"
)

// The values of Config.Loss.
const (
	LossAuto         = "auto" // cross entropy
	LossCrossEntropy = "cross_entropy"
	LossFocal        = "focal"
)

// Losses lists the values of Config.Loss.
var Losses = []string{LossAuto, LossCrossEntropy, LossFocal}

// maxGamma is the maximum of FocalGamma; the paper tries up to 5.
const maxGamma = 20

// loss checks the settings of the loss and of the classes' part in it.
func (v *collector) loss(c Config) {
	v.OneOf("loss", c.Loss, Losses)
	v.Within("focal_gamma", c.FocalGamma, 0, maxGamma, fmt.Sprintf("must be at least 0 and at most %d, such as 2", maxGamma))
	v.OneOf("sampler", c.Sampler, data.Samplers)
	v.Check(slices.Contains(ClassWeightings, c.ClassWeights) || c.WeightsFromFile(), "class_weights", strconv.Quote(c.ClassWeights),
		suggest.OneOf(c.ClassWeights, ClassWeightings)+", or a file that ends in "+strings.Join(weightsExtensions, ", "))
	computed := c.ClassWeights == WeightsBalanced || c.ClassWeights == WeightsEffective
	sampled := slices.Contains(data.Samplers, c.Sampler) && c.Sampler != data.SampleUniform
	v.Check(!computed || !sampled, "class_weights", strconv.Quote(c.ClassWeights),
		fmt.Sprintf("corrects the numbers of images a second time: sampler %s already does; leave one of the two out, or give weights for other reasons in a file", c.Sampler))
}

// NewLoss returns the loss of training with the weights of the classes, nil for none.
func (c Config) NewLoss(classWeights []float64) autograd.CrossEntropy {
	l := autograd.CrossEntropy{LabelSmoothing: c.LabelSmoothing, ClassWeights: classWeights}
	if c.Loss == LossFocal {
		l.Gamma = c.FocalGamma
	}
	return l
}
