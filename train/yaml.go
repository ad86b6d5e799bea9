package train

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// YAML is the configuration as [LoadConfig] reads it. Where the run lies and
// whether it was continued are left out: the file repeats the run elsewhere.
func (c Config) YAML() ([]byte, error) {
	c.Out, c.Resume = "", ""
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(c), e.Close()); err != nil {
		return nil, fmt.Errorf("train: write the configuration: %w", err)
	}
	return b.Bytes(), nil
}

// choices reads the settings of a YAML file that imply others.
func choices(file []byte) (Layers, error) {
	var named struct{ Data, Recipe, Variant, Optimizer string }
	if err := yaml.Unmarshal(file, &named); err != nil {
		return Layers{}, typeError(err)
	}
	return Layers{Data: named.Data, Recipe: named.Recipe, Variant: named.Variant, Optimizer: named.Optimizer}, nil
}

// decode reads a YAML file, whose keys were checked, over c.
func decode(file []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(file))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return typeError(err)
	}
	return nil
}

// checkKeys names every key that is not a setting, with what it probably means.
func checkKeys(file []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(file, &doc); err != nil {
		return typeError(err)
	}
	if len(doc.Content) == 0 {
		return nil // empty, or comments alone
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return validate.Field(fmt.Sprintf("line %d", top.Line), "", "a configuration is a list of `setting: value`")
	}
	known, err := settings()
	if err != nil {
		return err
	}
	var e validate.Collector
	for i := 0; i < len(top.Content); i += 2 {
		key := top.Content[i]
		if known[key.Value] {
			continue
		}
		want := fmt.Sprintf("no such setting (line %d)", key.Line)
		if c := suggest.Closest(key.Value, sortedKeys(known)); c != "" {
			want += "; did you mean " + c + "?"
		}
		e.Add(FieldError{Field: key.Value, Want: want})
	}
	return e.Err()
}

// typeError tells of values of the wrong type by their lines.
func typeError(err error) error {
	var t *yaml.TypeError
	if !errors.As(err, &t) {
		return validate.Field("YAML", "", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var e validate.Collector
	for _, text := range t.Errors {
		line, what, _ := strings.Cut(text, ": ")
		e.Add(FieldError{Field: line, Want: what})
	}
	return e.Err()
}
