package models

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// UnmarshalJSON reads a graph as json.Marshal writes it, checks it and computes the shapes. Unknown
// fields are an error: they would change what the network computes.
func (g *Graph) UnmarshalJSON(text []byte) error {
	type plain Graph // without this method
	var p plain
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return fmt.Errorf("models: %w: %w", ErrGraph, err)
	}
	read, err := NewGraph(p.Name, p.Input, p.Layers)
	if err != nil {
		return err
	}
	*g = *read
	return nil
}
