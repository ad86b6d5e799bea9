package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
)

func newRecipes() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "recipes [NAME|FILE] [flags]",
		Short: "List the recipes, or describe one",
		Long: `List the recipes that --recipe starts from. With the name of one, or the YAML
file of your own, show its purpose, its source, the settings that differ from
the defaults, the results that were measured, and a command.

A recipe's file has the keys name, purpose, source, command and expected, which
are texts, and settings, with keys as in config.yaml. Required are name and
settings.`,
		Example: `  train recipes
  train recipes scratch-small
  train recipes my-recipe.yaml
  train recipes finetune --json`,
		ValidArgsFunction: completeRecipes,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("recipes takes one name, got also %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return show(cmd, asJSON, describeAll(), recipeTable)
			}
			r, err := config.FindRecipe(args[0])
			if err != nil {
				return err
			}
			d, err := describeRecipe(r)
			if err != nil {
				return err
			}
			return show(cmd, asJSON, d, d.text)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// recipeDoc is a recipe as train recipes prints it.
type recipeDoc struct {
	Name     string         `json:"name"`
	Purpose  string         `json:"purpose"`
	Source   string         `json:"source"`
	Settings map[string]any `json:"settings,omitempty"` // that differ from the defaults
	Expected string         `json:"expected,omitempty"`
	Command  string         `json:"command,omitempty"`

	lines []config.Setting
}

func describeAll() []recipeDoc {
	var list []recipeDoc
	for _, r := range config.Recipes() {
		list = append(list, recipeDoc{Name: r.Name, Purpose: r.Purpose, Source: r.Source})
	}
	return list
}

func describeRecipe(r config.Recipe) (d recipeDoc, err error) {
	d = recipeDoc{Name: r.Name, Purpose: r.Purpose, Source: r.Source, Expected: r.Expected, Command: r.Command, Settings: map[string]any{}}
	d.lines, err = r.Settings()
	for _, s := range d.lines {
		var value any
		if err := yaml.Unmarshal([]byte(s.Value), &value); err != nil {
			return d, fmt.Errorf("recipe %s: %s: %w", r.Name, s.Key, err)
		}
		if _, err := json.Marshal(value); err != nil { // infinite
			value = s.Value
		}
		d.Settings[s.Key] = value
	}
	return d, err
}

// recipeTable has a paragraph for each recipe: purpose and source are sentences.
func recipeTable() string {
	var b strings.Builder
	for _, r := range config.Recipes() {
		writeEntry(&b, r.Name, r.Purpose)
		writeEntry(&b, "", "source: "+r.Source)
	}
	b.WriteString("\ntrain recipes NAME shows the settings of one, train --recipe NAME starts from it.\n")
	return b.String()
}

// text is the full description.
func (d recipeDoc) text() string {
	var b strings.Builder
	for _, entry := range []struct{ name, text string }{{"name", d.Name}, {"purpose", d.Purpose}, {"source", d.Source}, {"expected", d.Expected}, {"command", d.Command}} {
		if entry.text != "" {
			writeEntry(&b, entry.name, entry.text)
		}
	}
	if len(d.lines) == 0 {
		writeEntry(&b, "settings", "those of the defaults")
		return b.String()
	}
	b.WriteString("\nsettings that differ from the defaults:\n")
	width := 16
	for _, s := range d.lines {
		width = max(width, len(s.Key)+2)
	}
	for _, s := range d.lines {
		fmt.Fprintf(&b, "  %-*s%s\n", width, s.Key, strings.Join(strings.Fields(s.Value), " "))
	}
	return b.String()
}

const recipeColumn = 15 // where texts begin

// writeEntry writes a text, wrapped, beside a name.
func writeEntry(b *strings.Builder, name, text string) {
	for _, line := range wrap(text, helpWidth-recipeColumn) {
		fmt.Fprintf(b, "%-*s%s\n", recipeColumn, name, line)
		name = ""
	}
}

// completeRecipes completes the names of recipes, with their purposes, and files.
func completeRecipes(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []cobra.Completion
	for _, r := range config.Recipes() {
		if strings.HasPrefix(r.Name, toComplete) {
			list = append(list, cobra.CompletionWithDesc(r.Name, r.Purpose))
		}
	}
	if list != nil {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	return []cobra.Completion{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}
