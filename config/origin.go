package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/validate"
)

// origin records which settings were read from a file, so that an invalid value is reported with
// file and line instead of a flag.
type origin struct {
	path   string
	lines  map[string]int
	values map[string]string // as YAML
}

// origin returns the origin of the file's settings in c, nil if there are none.
func (f yamlFile) origin(c Config) (*origin, error) {
	if len(f.settings) == 0 {
		return nil, nil
	}
	values, err := c.values()
	if err != nil {
		return nil, err
	}
	o := &origin{path: f.path, lines: map[string]int{}, values: values}
	for _, s := range f.settings {
		o.lines[s.key.Value] = s.key.Line
	}
	return o, nil
}

// FromFile reports whether a setting, by its name in YAML, was read from a file.
func (c Config) FromFile(key string) bool { return c.origin != nil && c.origin.lines[key] > 0 }

// locate adds file and line to the invalid fields that were read from the file and have not changed
// since.
func (c Config) locate(err error) error {
	e, ok := errors.AsType[*validate.Error](err)
	if !ok || c.origin == nil {
		return err
	}
	now, encodeErr := c.values()
	if encodeErr != nil {
		return err
	}
	for i, f := range e.Fields {
		if line := c.origin.lines[f.Field]; line > 0 && f.Line == 0 && now[f.Field] == c.origin.values[f.Field] {
			e.Fields[i].File, e.Fields[i].Line = c.origin.path, line
		}
	}
	return err
}

// values returns every setting as YAML text.
func (c Config) values() (map[string]string, error) {
	var n yaml.Node
	if err := n.Encode(c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	values := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		text, err := yaml.Marshal(n.Content[i+1])
		if err != nil {
			return nil, fmt.Errorf("config: %s: %w", n.Content[i].Value, err)
		}
		values[n.Content[i].Value] = strings.TrimSpace(string(text))
	}
	return values, nil
}
