package config

import (
	"cmp"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"depthwise.dev/internal/validate"
)

// Names of recipes that the code refers to. Every other recipe is its file alone.
const (
	// AutoRecipe stands for the recipe that the data suggests, see [Config.Choose].
	AutoRecipe = "auto"
	// NoRecipe stands for the defaults alone; so does "".
	NoRecipe = "none"

	fineTune     = "finetune"
	scratchSmall = "scratch-small"
	largeScratch = "imagenet"
	mnistRecipe  = "mnist"
)

// Recipe is a training procedure, as settings over the defaults. It is a YAML file: those of this program are in
// config/recipes, and Config.Recipe may name a user's own.
type Recipe struct {
	Name     string
	Source   string // where the settings come from
	Purpose  string // what it is for
	Expected string // measured results; "": none
	Command  string // an example

	settings yamlFile
}

//go:embed recipes/*.yaml
var recipeFiles embed.FS

// Recipes returns the recipes of this program by name. One whose file is invalid is left out; a test reads them all.
func Recipes() []Recipe { return slices.Clone(builtIn()) }

var builtIn = sync.OnceValue(func() []Recipe {
	var list []Recipe
	for _, name := range recipeFileNames() {
		text, err := recipeFiles.ReadFile(name)
		if err != nil {
			continue
		}
		if r, err := parseRecipe(name, text); err == nil {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Recipe) int { return cmp.Compare(a.Name, b.Name) })
	return list
})

func recipeFileNames() []string {
	entries, _ := recipeFiles.ReadDir("recipes") // embedded: it exists
	var list []string
	for _, e := range entries {
		list = append(list, path.Join("recipes", e.Name()))
	}
	return list
}

// FindRecipe returns the recipe of a name, or of a user's YAML file. An unknown name or an invalid file is an *Error.
func FindRecipe(name string) (Recipe, error) {
	if isRecipeFile(name) {
		return readRecipe(name)
	}
	var names []string
	for _, r := range builtIn() {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Recipe{}, validate.OneOf("recipe", name, names)
}

// isRecipeFile reports whether the value of Config.Recipe is the path of a file.
func isRecipeFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// recordedRecipe returns what a run records for a value of Config.Recipe. For a user's file that is "NAME (FILE)":
// nothing is read from FILE again, because config.yaml holds every setting.
func recordedRecipe(name string) (string, error) {
	if setsNothing(name) || !isRecipeFile(name) {
		return name, nil
	}
	r, err := FindRecipe(name)
	return fmt.Sprintf("%s (%s)", r.Name, name), err
}

func isRecord(name string) bool { return strings.HasSuffix(name, ")") && strings.Contains(name, " (") }

// setsNothing reports whether a value of Config.Recipe stands for no settings.
func setsNothing(name string) bool {
	return name == "" || name == NoRecipe || name == AutoRecipe || isRecord(name)
}

// knownRecipe returns an *Error for a recipe that does not exist.
func knownRecipe(name string) error {
	if setsNothing(name) {
		return nil
	}
	_, err := FindRecipe(name)
	return err
}

// useRecipe applies a recipe. Settings that it does not name keep their values. With pretrained the width is that of
// weights, whatever the recipe says.
func (c *Config) useRecipe(name string, pretrained bool) error {
	if setsNothing(name) {
		return nil
	}
	r, err := FindRecipe(name)
	if err != nil {
		return err
	}
	width := c.Model.Width
	if err := r.settings.decode(c); err != nil {
		return err
	}
	if pretrained {
		c.Model.Width = width
	}
	return nil
}

// Setting is a setting of a recipe, as YAML.
type Setting struct{ Key, Value string }

// Settings returns the settings of the recipe that differ from [Default]'s, in the order of a configuration.
func (r Recipe) Settings() ([]Setting, error) {
	c := Default()
	if err := r.settings.decode(&c); err != nil {
		return nil, err
	}
	was, err := Default().values()
	if err != nil {
		return nil, err
	}
	is, err := c.values()
	if err != nil {
		return nil, err
	}
	var list []Setting
	for _, key := range settingOrder() {
		if is[key] != was[key] {
			list = append(list, Setting{key, is[key]})
		}
	}
	return list, nil
}
