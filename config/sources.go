package config

import (
	"cmp"
	"slices"
	"strconv"

	"depthwise.dev/internal/validate"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
	"depthwise.dev/weights"
)

// Sources are the sources of a configuration. Later ones take precedence: the defaults (with the
// variant's network, or that of the weights to start from), the recipe mnist for data "mnist", the file's
// recipe, the file, the explicit choices below. Values that the caller sets afterwards override the result.
type Sources struct {
	// File is a YAML file with some or all of Config's fields. "": none.
	File string
	// Explicit choices that imply other settings. "": those of the file, the recipe and the
	// defaults.
	Data, Recipe, Arch, Variant, Optimizer, Freeze string
	// Init names the weights to start from, see [Config.Init]. Unless a recipe is named, a run that starts from
	// weights has the recipe finetune, and one of data "mnist" the recipe mnist. Recipe "auto" chooses others by
	// the data too: [Config.Choose] completes such a configuration.
	Init string
	// ReadWeights reads the weights of a name, to give the configuration their network and preprocessing.
	// It is not called for a file that describes these itself, as a run's config.yaml does. nil: they
	// are read when the run starts.
	ReadWeights func(name string) (weights.Weights, error)
	// Explicit names the settings that the caller sets afterwards, such as by flags: [Config.Choose] keeps them,
	// even those with the value of the default.
	Explicit []string

	weights *weights.Weights // that were read
	chosen  string           // the recipe that the data suggests; "": not yet known
}

// Load reads a configuration, such as a run's config.yaml. Settings that the file does not name are
// those that its data, recipe, variant and optimizer imply.
func Load(path string) (Config, error) {
	return Sources{File: path}.Config()
}

// Config merges the sources. An unknown name or a value of the wrong type is an *Error with file
// and line. [Config.Validate] checks the values.
func (s Sources) Config() (Config, error) {
	if s.File == "" {
		return s.merge(nil)
	}
	text, err := readFile(s.File)
	if err != nil {
		return Config{}, err
	}
	return s.merge(text)
}

// merge applies the file over the settings that it and the explicit choices imply, then the
// explicit choices.
func (s Sources) merge(text []byte) (Config, error) {
	f, err := parse(s.File, text)
	if err != nil {
		return Config{}, err
	}
	if s.Arch != "" && s.Variant == "" && s.Arch != cmp.Or(f.text("arch"), Default().Model.Arch) {
		s.Variant = defaultVariant(s.Arch) // the variant in the file belongs to another architecture
	}
	init, data := cmp.Or(s.Init, f.text("init")), cmp.Or(s.Data, f.text("data"))
	if err := s.readWeights(init, f); err != nil {
		return Config{}, err
	}
	recipe := s.recipe(f, data, init)
	named := Sources{weights: s.weights, Data: data, Init: init, Recipe: recipe.used,
		Arch: cmp.Or(s.Arch, f.text("arch")), Variant: cmp.Or(s.Variant, f.text("variant")),
		Optimizer: cmp.Or(s.Optimizer, f.text("optimizer")), Freeze: cmp.Or(s.Freeze, f.text("freeze"))}
	c, err := named.implied()
	if err != nil {
		return Config{}, f.locate(err, s)
	}
	before := c
	before.NoDecay = slices.Clone(c.NoDecay)
	if err := f.decode(&c); err != nil {
		return Config{}, err
	}
	if c.given, err = f.given(before, c); err != nil {
		return Config{}, err
	}
	if c.Time > 0 && f.has("time") && !f.has("epochs") {
		c.Epochs = 0 // as many as fit
	}
	if m, err := mobilenet.Default(c.Model.Arch, c.Model.Variant); err == nil {
		c.Model.Variant = m.Variant // for an alias
	}
	if c.origin, err = f.origin(c); err != nil {
		return Config{}, err
	}
	c.Data, c.Init = data, init
	if err := c.useNetwork(s.Arch, s.Variant); err != nil {
		return Config{}, err
	}
	if recipe.overFile {
		if err := c.useRecipeOverFile(recipe.used, init != ""); err != nil {
			return Config{}, err
		}
	}
	c.useOptimizer(s.Optimizer)
	c.useFreeze(s.Freeze)
	if c.Recipe, err = recordedRecipe(recipe.used); err != nil {
		return Config{}, err
	}
	byRecipe, err := givenByRecipe(recipe.used)
	if err != nil {
		return Config{}, err
	}
	c.given = append(byRecipe, c.given...)
	if recipe.auto {
		c.choice, err = newChoice(s, text, c)
	}
	return c, err
}

// readWeights reads the weights that the run starts from, unless the file describes their network.
func (s *Sources) readWeights(init string, f yamlFile) error {
	described := s.Init == "" && f.has("preprocessing") && f.has("arch")
	if init == "" || described || s.ReadWeights == nil {
		return nil
	}
	w, err := s.ReadWeights(init)
	s.weights = &w
	return err
}

// implied returns the configuration of the choices alone.
func (s Sources) implied() (Config, error) {
	c := Default()
	if s.Data == MNIST {
		if err := c.useRecipe(mnistRecipe, false); err != nil {
			return Config{}, err
		}
	}
	if s.weights != nil {
		if err := c.UseWeights(*s.weights); err != nil {
			return Config{}, err
		}
	}
	if err := c.useNetwork(s.Arch, s.Variant); err != nil {
		return Config{}, err
	}
	if err := c.useRecipe(s.Recipe, s.Init != ""); err != nil {
		return Config{}, err
	}
	c.useOptimizer(s.Optimizer)
	c.useFreeze(s.Freeze)
	return c, nil
}

// useNetwork changes the architecture, the variant or both, and keeps width, resolution and
// classes. A change of the architecture alone takes its default variant.
func (c *Config) useNetwork(arch, variant string) error {
	arch = cmp.Or(arch, c.Model.Arch)
	if arch == CustomArch {
		return validate.Field("arch", strconv.Quote(arch), "this run trained a network that its program built; only that program can repeat it, with train.Trainer")
	}
	if arch == c.Model.Arch {
		variant = cmp.Or(variant, c.Model.Variant)
	}
	m, err := mobilenet.Default(arch, variant)
	if err != nil || m.Arch == c.Model.Arch && m.Variant == c.Model.Variant {
		return err
	}
	m.Width, m.Resolution, m.Classes = c.Model.Width, c.Model.Resolution, c.Model.Classes
	c.Model = m
	return nil
}

// defaultVariant returns the default variant of an architecture, "" for an unknown one.
func defaultVariant(arch string) string {
	if variants := mobilenet.Variants(arch); len(variants) > 0 {
		return variants[0]
	}
	return ""
}

// useOptimizer changes the optimizer and the learning rate, whose scale depends on the optimizer.
func (c *Config) useOptimizer(name string) {
	if name == "" || name == c.Optimizer {
		return
	}
	c.Optimizer, c.LR = name, Default().LR
	if spec, err := optim.FindOptimizer(optim.Optimizers, name); err == nil {
		c.LR = spec.LR
	}
	if c.Freeze == FreezeNorms {
		c.LR /= frozenNormsDivisor
	}
}

// frozenNormsDivisor divides the usual learning rate where batch norms are frozen: without the statistics of the batch, training
// diverges at the rate of the recipe finetune and learns at a tenth of it (docs/finetune.md). 0.1 is divided to 0.01; times 0.1 it would
// be 0.010000000000000002 in config.yaml.
const frozenNormsDivisor = 10

// useRecipeOverFile applies a recipe over the settings of a file. Where batch norms are frozen and the recipe does not say what is
// frozen, its learning rate is reduced as by [Config.useFreeze].
func (c *Config) useRecipeOverFile(name string, pretrained bool) error {
	freeze, lr := c.Freeze, c.LR
	c.Freeze, c.LR = "", 0
	if err := c.useRecipe(name, pretrained); err != nil {
		return err
	}
	switch {
	case c.LR == 0: // the recipe has none
		c.Freeze, c.LR = cmp.Or(c.Freeze, freeze), lr
	case c.Freeze == "":
		c.useFreeze(freeze)
	}
	return nil
}

// useFreeze changes what is frozen, and the learning rate where batch norms become frozen.
func (c *Config) useFreeze(freeze string) {
	if freeze == FreezeNorms && c.Freeze != FreezeNorms {
		c.LR /= frozenNormsDivisor
	}
	c.Freeze = cmp.Or(freeze, c.Freeze)
}
