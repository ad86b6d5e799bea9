package config

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// The values of Config.ClassWeights, beside the name of a file.
const (
	WeightsNone      = "none"
	WeightsBalanced  = "balanced"  // images / (classes * images of the class), as scikit-learn's compute_class_weight
	WeightsEffective = "effective" // inverse to the effective number of images (https://arxiv.org/abs/1901.05555)
)

// ClassWeightings lists the values of Config.ClassWeights without files.
var ClassWeightings = []string{WeightsNone, WeightsBalanced, WeightsEffective}

// weightsExtensions are those of files of class weights; JSON is YAML too.
var weightsExtensions = []string{".csv", ".yaml", ".yml", ".json"}

// effectiveBeta is the beta of the effective number of images, (1 - beta^n) / (1 - beta). The paper's values are 0.9 to
// 0.9999; with 0.999 the weight of a class hardly changes above 3,000 images.
const effectiveBeta = 0.999

// WeightsFromFile reports whether ClassWeights is the name of a file.
func (c Config) WeightsFromFile() bool {
	return slices.Contains(weightsExtensions, strings.ToLower(filepath.Ext(c.ClassWeights)))
}

// WeightsOfClasses returns the weights of the classes in the training loss, in their order; counts are their numbers of
// training images. nil: all are 1. Weights that are read from a file must name every class; the error of a
// missing file matches fs.ErrNotExist.
func (c Config) WeightsOfClasses(classes []string, counts []int) ([]float64, error) {
	switch {
	case c.ClassWeights == WeightsBalanced:
		return balancedWeights(counts), nil
	case c.ClassWeights == WeightsEffective:
		return effectiveWeights(counts), nil
	case c.WeightsFromFile():
		return readClassWeights(c.ClassWeights, classes)
	}
	return nil, nil
}

// balancedWeights returns weights whose mean over the images is 1. A class without an image has the weight of one with
// a single image; it occurs in label smoothing alone.
func balancedWeights(counts []int) []float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	weights := make([]float64, len(counts))
	for i, n := range counts {
		weights[i] = float64(total) / (float64(len(counts)) * float64(max(n, 1)))
	}
	return weights
}

// effectiveWeights returns weights whose sum is the number of classes, as the paper's code does.
func effectiveWeights(counts []int) []float64 {
	weights, sum := make([]float64, len(counts)), 0.
	for i, n := range counts {
		weights[i] = (1 - effectiveBeta) / (1 - math.Pow(effectiveBeta, float64(max(n, 1))))
		sum += weights[i]
	}
	for i := range weights {
		weights[i] *= float64(len(counts)) / sum
	}
	return weights
}

// The range of a weight in a file, far beyond what trains well; the loss and its gradient stay finite.
const (
	minClassWeight = 1e-6
	maxClassWeight = 1e6
)

// checkClassWeight refuses a weight that the loss cannot use.
func checkClassWeight(weight float64) error {
	if weight >= minClassWeight && weight <= maxClassWeight {
		return nil
	}
	return fmt.Errorf("must be %v to %v; to train without a class, remove its folder", minClassWeight, maxClassWeight)
}
