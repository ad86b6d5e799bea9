// Package config holds the configuration of a training run: its settings and defaults, the sources
// that they come from and their precedence, recipes, YAML files and validation.
package config
