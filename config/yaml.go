package config

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/redact"
)

// YAML returns the configuration as [Load] reads it. Out and Resume are omitted, so that the file
// repeats the run in another folder. The address of remote data has no password and no signature: to
// repeat such a run, Data must be set again.
func (c Config) YAML() ([]byte, error) {
	c.Out, c.Resume, c.Data = "", "", redact.Address(c.Data)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(c), e.Close()); err != nil {
		return nil, fmt.Errorf("config: write YAML: %w", err)
	}
	return b.Bytes(), nil
}
