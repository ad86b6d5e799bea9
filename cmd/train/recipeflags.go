package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/hub"
)

// recipeFlag adds --recipe.
func recipeFlag(fs *pflag.FlagSet, c *config.Config) {
	values := append(recipeNames(), config.NoRecipe)
	fs.Var(known{&c.Recipe, values, "NAME"}, "recipe", "start from the settings of a recipe, or of a YAML file (train recipes NAME shows one)")
	filePath(fs, "recipe", "yaml", "yml")
	defaultText(fs, "recipe", "by the data: finetune with --init; without it scratch-small, or imagenet from "+strconv.Itoa(config.SmallImages)+" images; mnist for mnist")
}

func recipeNames() []string {
	var names []string
	for _, r := range config.Recipes() {
		names = append(names, r.Name)
	}
	return names
}

// published is the name of published weights that --init takes for the network, for advice: "" if there are none.
func (s *settings) published(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("variant"); f == nil || f.Changed || s.Init != "" {
		return ""
	}
	if _, err := hub.Lookup(hub.Best, hub.Options{Arch: s.Model.Arch, Width: s.Model.Width}); err != nil {
		return ""
	}
	return hub.Best
}

// exifValues are the values of --exif.
var exifValues = []string{string(config.EXIFAuto), string(config.EXIFOn), string(config.EXIFOff)}

// optional is the value of --exif: auto or a boolean.
type optional struct{ value *config.EXIF }

func (o optional) String() string   { return string(*o.value) }
func (o optional) Type() string     { return "auto|true|false" }
func (o optional) Values() []string { return exifValues }
func (o optional) Set(text string) error {
	if text == string(config.EXIFAuto) {
		*o.value = config.EXIFAuto
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("must be auto, true or false")
	}
	*o.value = config.EXIF(strconv.FormatBool(on))
	return nil
}
