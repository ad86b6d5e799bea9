package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// UnmarshalJSON reads a graph as json.Marshal writes it, checks it and computes the shapes. Unknown,
// misspelled and repeated fields are errors: they would change what the network computes.
func (g *Graph) UnmarshalJSON(text []byte) error {
	if err := checkJSON(text); err != nil {
		return fmt.Errorf("models: %w: %w", ErrGraph, err)
	}
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

// maxTokens bounds the memory that a text can ask for: a layer has at most 60 tokens.
const maxTokens = 60 * maxLayers

// checkJSON finds what encoding/json accepts and a graph does not: repeated fields, of which it takes the
// last, names in capitals, and more values than a graph can have.
func checkJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // the number's type is checked when the field is known
	w := jsonWalk{decoder: d}
	if err := w.value(0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text follows the graph")
	}
	return nil
}

type jsonWalk struct {
	decoder *json.Decoder
	tokens  int
}

func (w *jsonWalk) token() (json.Token, error) {
	if w.tokens++; w.tokens > maxTokens {
		return nil, fmt.Errorf("more than %d values", maxTokens)
	}
	return w.decoder.Token()
}

// maxDepth is more than the depth of a graph's inputs: object, layers, layer, inputs, name.
const maxDepth = 8

// value reads one value at a depth.
func (w *jsonWalk) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nest deeper than %d", maxDepth)
	}
	t, err := w.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return w.object(depth + 1)
	case json.Delim('['):
		for w.decoder.More() {
			if err := w.value(depth + 1); err != nil {
				return err
			}
		}
		_, err = w.token()
	}
	return err
}

// object reads the fields behind a brace.
func (w *jsonWalk) object(depth int) error {
	seen := map[string]bool{}
	for w.decoder.More() {
		t, err := w.token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "":
			return fmt.Errorf("unknown field %q", name)
		case seen[name]:
			return fmt.Errorf("field %q is given twice", name)
		}
		seen[name] = true
		if err := w.value(depth); err != nil {
			return err
		}
	}
	_, err := w.token()
	return err
}
