package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// recipeKeys are the keys of a recipe's file. name and settings are required.
var recipeKeys = []string{"name", "source", "purpose", "command", "expected", "settings"}

// notInRecipes are the settings that a recipe cannot have, with what sets them.
var notInRecipes = map[string]string{
	"data": "a recipe is for any data: give --data", "out": "give --out", "resume": "give --resume", "recipe": "a recipe cannot name another",
	"init": "give --init", "arch": "a recipe is for any architecture: give --arch", "variant": "give --variant",
	"classes": "the data has them", "preprocessing": "--init and --variant imply it",
}

// recipeName matches the names of recipes.
var recipeName = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]*$`)

// readRecipe reads a user's recipe.
func readRecipe(path string) (Recipe, error) {
	text, err := readFile(path)
	if err != nil {
		return Recipe{}, validate.Field("recipe", fmt.Sprintf("%q", path), strings.TrimPrefix(err.Error(), "config: "))
	}
	r, err := parseRecipe(path, text)
	if err != nil {
		return r, err
	}
	return r, r.validate()
}

// parseRecipe reads the file of a recipe. Unknown keys, unknown settings and values of the wrong type are an *Error
// with file and line.
func parseRecipe(path string, text []byte) (Recipe, error) {
	f := yamlFile{path: path}
	top, err := f.document(text)
	if err != nil {
		return Recipe{}, err
	}
	if top == nil || top.Kind != yaml.MappingNode {
		return Recipe{}, f.fieldError("", "", 1, "a recipe has the keys "+strings.Join(recipeKeys, ", "))
	}
	r := Recipe{settings: f}
	texts := map[string]*string{"name": &r.Name, "source": &r.Source, "purpose": &r.Purpose, "command": &r.Command, "expected": &r.Expected}
	var v validate.Collector
	first := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		line, repeated := first[key.Value]
		first[key.Value] = key.Line
		switch to := texts[key.Value]; {
		case repeated:
			v.Add(f.field(shorten(key.Value), "", key.Line, fmt.Sprintf("set twice, first in line %d", line)))
		case key.Value == "settings":
			if err := r.settings.read(value, "the settings of a recipe are a list of `setting: value`"); err != nil {
				return r, err
			}
		case to == nil:
			v.Add(f.field(shorten(key.Value), "", key.Line, unknownRecipeKey(key.Value)))
		case value.Kind != yaml.ScalarNode:
			v.Add(f.field(key.Value, shown(value), value.Line, "must be text"))
		default:
			*to = strings.TrimSpace(value.Value)
		}
	}
	if first["name"] == 0 && first["settings"] == 0 {
		return r, f.fieldError("", "", top.Line, "not a recipe, which has the keys "+strings.Join(recipeKeys, ", ")+"; a configuration is given as --config")
	}
	v.Check(first["settings"] > 0, "settings", "", path+" lacks it: a recipe has the keys "+strings.Join(recipeKeys, ", "))
	if !recipeName.MatchString(r.Name) {
		v.Add(f.field("name", fmt.Sprintf("%q", shorten(r.Name)), max(1, first["name"]), "must be a word, such as my-recipe"))
	}
	r.refuse(&v)
	if err := v.Err(); err != nil {
		return r, err
	}
	c := Default()
	return r, r.settings.decode(&c)
}

// unknownRecipeKey explains a key that recipes do not have.
func unknownRecipeKey(key string) string {
	if settingTypes()[key] != nil {
		return "a setting: move it below settings"
	}
	want := "no such key"
	if c := suggest.Closest(key, recipeKeys); c != "" {
		want += "; did you mean " + c + "?"
	}
	return want + " A recipe has " + strings.Join(recipeKeys, ", ")
}

// refuse finds settings that are no part of a recipe.
func (r Recipe) refuse(v *validate.Collector) {
	for _, s := range r.settings.settings {
		if why, no := notInRecipes[s.key.Value]; no {
			v.Add(r.settings.field(s.key.Value, shown(s.value), s.key.Line, "no setting of a recipe: "+why))
		}
	}
}

// validate checks the values of the settings, over the defaults.
func (r Recipe) validate() error {
	c := Default()
	c.Data = "photos"
	if err := r.settings.decode(&c); err != nil {
		return err
	}
	return r.settings.locate(c.Validate(), Sources{})
}

// settingOrder lists the keys of a configuration file in its order.
func settingOrder() []string {
	c := Default()
	c.Out, c.Resume = "set", "set" // omitted when empty
	var n yaml.Node
	if err := n.Encode(c); err != nil {
		return sortedKeys(settingTypes())
	}
	var keys []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return slices.Clip(keys)
}
