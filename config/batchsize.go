package config

import "math"

// AutoBatchSize as BatchSize lets train.Fit measure which batch size suits the network and the machine; in files it is the word
// auto. A run records the number.
const AutoBatchSize = -1

// RecipeBatchSize is the batch size that the learning rate of the recipe is meant for: the recipe's, else that of [Default].
func (c Config) RecipeBatchSize() (int, error) {
	recipe := c
	recipe.BatchSize = Default().BatchSize
	err := recipe.useRecipe(c.Recipe, c.Init != "")
	return recipe.BatchSize, err
}

// GlobalBatch is the number of images in a batch of all ranks together.
func (c Config) GlobalBatch() int {
	ranks := max(c.Ranks, 1)
	if c.BatchSize > math.MaxInt/ranks {
		return math.MaxInt // a batch is cut to the number of images
	}
	return c.BatchSize * ranks
}
