package config

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// YAML returns the configuration as [Load] reads it. Out and Resume are omitted, so that the file
// repeats the run in another folder.
func (c Config) YAML() ([]byte, error) {
	c.Out, c.Resume = "", ""
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(c), e.Close()); err != nil {
		return nil, fmt.Errorf("config: write YAML: %w", err)
	}
	return b.Bytes(), nil
}
