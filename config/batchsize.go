package config

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
