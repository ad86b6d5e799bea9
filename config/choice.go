package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SmallImages is the number of training images below which a run without pretrained weights has the recipe
// scratch-small: its 180 epochs of 20,000 images have twice as many steps as the 90 epochs of the recipe imagenet.
// docs/recipes.md has what was measured on 600 photographs.
const SmallImages = 20_000

// choice is what [Config.Choose] needs to choose the recipe.
type choice struct {
	sources Sources
	text    []byte            // of the file
	before  map[string]string // the settings, as YAML, before the caller changed some
}

func newChoice(s Sources, text []byte, c Config) (*choice, error) {
	before, err := c.values()
	return &choice{s, text, before}, err
}

// recipeSource says which recipe a configuration starts from.
type recipeSource struct {
	used     string // "auto": not yet known
	overFile bool   // it takes precedence over the file's settings
	auto     bool   // it was not named
}

// recipe returns the named recipe, or the one that follows from the data and the weights to start from.
func (s Sources) recipe(f yamlFile, data, init string) recipeSource {
	r := recipeSource{used: s.Recipe, overFile: s.Recipe != ""}
	if r.used == "" {
		r.used = f.text("recipe")
	}
	r.auto = r.used == AutoRecipe
	named := r.used != "" || f.has("recipe")
	switch {
	case named && !r.auto:
	case s.chosen != "":
		r.used = s.chosen
	case init != "":
		r.used = fineTune
	case data == MNIST:
		r.used = mnistRecipe
	}
	return r
}

// Images describes the training images by which a recipe is chosen.
type Images struct{ Train, Classes int }

// Choose returns the configuration with the recipe that suits the images, if Recipe is auto, and one line that says
// which and why: finetune with weights to start from, mnist for MNIST, scratch-small below [SmallImages] images,
// otherwise imagenet. Settings that the caller has changed since the configuration was made, or named in
// [Sources.Explicit], are kept. With a named recipe c is returned as it is, with "".
func (c Config) Choose(images Images) (Config, string, error) {
	if c.choice == nil && c.Recipe != AutoRecipe {
		return c, "", nil
	}
	name := c.Recipe
	if name == AutoRecipe {
		name = largeScratch
		if images.Train < SmallImages {
			name = scratchSmall
		}
	}
	next, err := c.WithRecipe(name)
	if err != nil {
		return c, "", err
	}
	return next, next.announcement(images), nil
}

// WithRecipe returns the configuration with a recipe where Recipe is auto, as [Config.Choose] does.
func (c Config) WithRecipe(name string) (Config, error) {
	if c.Recipe != AutoRecipe {
		return c, nil
	}
	how := c.choice
	if how == nil { // auto was assigned to a configuration of the caller's own
		before, err := Default().values()
		if err != nil {
			return c, err
		}
		how = &choice{sources: Sources{Recipe: AutoRecipe}, before: before}
	}
	s := how.sources
	s.chosen = name
	if name == "" {
		s.chosen = NoRecipe
	}
	next, err := s.merge(how.text)
	if err != nil {
		return c, err
	}
	if err := next.keep(c, how); err != nil {
		return c, err
	}
	next.Recipe = name
	return next, nil
}

// keep sets the settings that the caller of the configuration c has changed, and the fields that are no settings.
func (c *Config) keep(of Config, how *choice) error {
	var all yaml.Node
	if err := all.Encode(of); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	now, err := of.values()
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(all.Content); i += 2 {
		key := all.Content[i].Value
		explicit := slices.Contains(how.sources.Explicit, key) || now[key] != how.before[key]
		if key == "recipe" || !explicit {
			continue
		}
		one := yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: all.Content[i : i+2]}
		if err := one.Decode(c); err != nil {
			return fmt.Errorf("config: %s: %w", key, err)
		}
	}
	c.Data, c.Out, c.Resume = of.Data, of.Out, of.Resume
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(of)
	for i := range to.NumField() {
		if to.Type().Field(i).Tag.Get("yaml") == "-" {
			to.Field(i).Set(from.Field(i))
		}
	}
	return nil
}

// announcement says in one line which recipe was chosen and why, and which of its settings were given otherwise.
func (c Config) announcement(images Images) string {
	counts := fmt.Sprintf("%d training images of %d classes", images.Train, images.Classes)
	reasons := map[string]string{
		fineTune:     "starts from --init, " + counts,
		mnistRecipe:  "the data is MNIST, " + counts,
		scratchSmall: counts + ", no --init",
		largeScratch: fmt.Sprintf("%s (%d or more), no --init", counts, SmallImages),
	}
	line := fmt.Sprintf("recipe %s%s: %s", c.Recipe, c.otherThanRecipe(), reasons[c.Recipe])
	if s := c.choice; c.Freeze == FreezeNorms && s != nil && s.sources.Freeze == FreezeNorms && !slices.Contains(s.sources.Explicit, "lr") {
		line += fmt.Sprintf("; with --freeze %s a tenth of its learning rate: %.4g", FreezeNorms, c.LR)
	}
	if c.Recipe == scratchSmall && c.Published != "" {
		line += fmt.Sprintf("; --init %s is usually more accurate", c.Published)
	}
	return line
}

// otherThanRecipe lists the settings of the recipe that were given otherwise, as flags.
func (c Config) otherThanRecipe() string {
	r, err := FindRecipe(c.Recipe)
	if err != nil {
		return ""
	}
	recipe := c
	if err := recipe.useRecipe(c.Recipe, c.Init != ""); err != nil {
		return ""
	}
	is, err := c.values()
	if err != nil {
		return ""
	}
	want, err := recipe.values()
	if err != nil {
		return ""
	}
	var given []string
	for _, s := range r.settings.settings {
		key := s.key.Value
		if key == "epochs" && c.Epochs == 0 && c.Time > 0 {
			key = "time" // the flag that was given: it sets epochs to 0
		}
		if key == "time" || is[key] != want[key] {
			given = append(given, "--"+strings.ReplaceAll(key, "_", "-"))
		}
	}
	switch n := len(given); n {
	case 0:
		return ""
	case 1:
		return ", except " + given[0]
	default:
		return ", except " + strings.Join(given[:n-1], ", ") + " and " + given[n-1]
	}
}
