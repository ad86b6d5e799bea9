package train

import (
	"cmp"
	"fmt"
	"os"

	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// Layers says what a configuration is put together from. Each later one wins:
// the defaults (with the variant's network), what data "mnist" implies, the
// file's recipe, the file, the explicit choices below. A caller's explicit
// values come on top of the result.
type Layers struct {
	// File is a YAML file with some or all of Config's fields; "" is none.
	File string
	// The explicit choices that imply other settings. "" leaves one to the
	// file, the recipe and the defaults.
	Data, Recipe, Variant, Optimizer string
}

// LoadConfig reads a configuration, such as a run's config.yaml. Settings that
// the file does not name are what its data, recipe, variant and optimizer imply.
func LoadConfig(path string) (Config, error) {
	return Layers{File: path}.Config()
}

// Config puts the layers together. It fails with a *ConfigError where a name is
// unknown; values are checked by [Config.Validate].
func (l Layers) Config() (Config, error) {
	if l.File == "" {
		return l.over(nil)
	}
	file, err := os.ReadFile(l.File)
	if err != nil {
		return Config{}, fmt.Errorf("train: configuration: %w", err)
	}
	c, err := l.over(file)
	if err != nil {
		return Config{}, fmt.Errorf("train: %s: %w", l.File, err)
	}
	return c, nil
}

// over puts the explicit choices over the file, and the file over what both imply.
func (l Layers) over(file []byte) (Config, error) {
	if err := checkKeys(file); err != nil {
		return Config{}, err
	}
	named, err := choices(file)
	if err != nil {
		return Config{}, err
	}
	named.Data = cmp.Or(l.Data, named.Data)
	named.Recipe = cmp.Or(l.Recipe, named.Recipe)
	named.Variant = cmp.Or(l.Variant, named.Variant)
	named.Optimizer = cmp.Or(l.Optimizer, named.Optimizer)

	c, err := named.implied()
	if err != nil {
		return Config{}, err
	}
	if err := decode(file, &c); err != nil {
		return Config{}, err
	}
	c.Data, c.Recipe = named.Data, named.Recipe
	if err := c.useVariant(l.Variant); err != nil {
		return Config{}, err
	}
	if err := c.useRecipe(l.Recipe); err != nil {
		return Config{}, err
	}
	c.useOptimizer(l.Optimizer)
	return c, nil
}

// implied is the configuration of the choices alone.
func (l Layers) implied() (Config, error) {
	c := Default()
	if err := c.useVariant(l.Variant); err != nil {
		return Config{}, err
	}
	if l.Data == MNIST {
		c.forMNIST()
	}
	if err := c.useRecipe(l.Recipe); err != nil {
		return Config{}, err
	}
	c.useOptimizer(l.Optimizer)
	return c, nil
}

// useRecipe sets what a recipe says, and leaves the rest.
func (c *Config) useRecipe(name string) error {
	if name == "" {
		return nil
	}
	r, err := recipe(name)
	if err == nil {
		r.apply(c)
	}
	return err
}

// useVariant makes the network that of another variant and keeps its width,
// resolution and classes.
func (c *Config) useVariant(name string) error {
	if name == "" || name == c.Model.Variant {
		return nil
	}
	m, err := mobilenet.Variant(name)
	if err != nil {
		return wrong("variant", name, oneOf(name, mobilenet.Variants()))
	}
	m.Width, m.Resolution, m.Classes = c.Model.Width, c.Model.Resolution, c.Model.Classes
	c.Model = m
	return nil
}

// useOptimizer changes the optimizer, and with it the learning rate, which
// means something else to each.
func (c *Config) useOptimizer(name string) {
	if name == "" || name == c.Optimizer {
		return
	}
	c.Optimizer, c.LR = name, Default().LR
	if spec, err := optim.FindOptimizer(optim.Optimizers, name); err == nil {
		c.LR = spec.LR
	}
}
