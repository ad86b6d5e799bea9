package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"depthwise.dev/formats/modelcard"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/weights"
)

// ErrCardExists is returned when a file is in the place of a model card, and is not the same text: people add to cards.
var ErrCardExists = errors.New("exists and differs from the model card that would be written; move it away, or export into a folder of its own")

// card is a model card to write; the zero value is none.
type card struct {
	path string
	text []byte
	// other is the path if the export itself has a file with the card's name.
	other string
}

// newCard makes the card of an export if there is to be one, and refuses to replace a file, before the work of the export.
func newCard(w weights.Weights, f Format, o ExportOptions) (card, error) {
	if !o.ModelCard {
		return card{}, nil
	}
	if info, err := os.Stat(o.Output); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return card{}, fmt.Errorf("a model card needs a file beside it, and %s is no regular file", o.Output)
	}
	text, err := modelcard.Render(w, modelcard.Export{File: filepath.Base(o.Output), Format: f.Name, Folder: f.Folder, Uint8Input: o.Uint8Input, DType: o.DType})
	if err != nil {
		return card{}, err
	}
	if f.Folder {
		return card{filepath.Join(o.Output, modelcard.FileName), text, filepath.Join(o.Output, "MODEL_CARD.md")}, nil
	}
	c := card{path: filepath.Join(filepath.Dir(o.Output), modelcard.FileName), text: text}
	if filepath.Clean(o.Output) == c.path {
		return card{}, fmt.Errorf("%s is the name of the model card: choose another output", o.Output)
	}
	existing, err := os.ReadFile(c.path)
	if err == nil && !bytes.Equal(existing, text) {
		return card{}, fmt.Errorf("%s: %w", c.path, ErrCardExists)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return card{}, err
	}
	return c, nil
}

// write writes the card.
func (c card) write(o ExportOptions) error {
	if c.path == "" {
		return nil
	}
	path := c.path
	if _, err := os.Stat(path); err == nil && c.other != "" {
		path = c.other
	}
	if err := atomicfile.WriteFile(path, 0o666, c.text); err != nil {
		return err
	}
	if o.Wrote != nil {
		o.Wrote(path)
	}
	return nil
}
