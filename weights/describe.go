package weights

import (
	"cmp"
	"encoding/json"
	"fmt"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// The metadata entries that describe weights, each a JSON value. A file has a model or a graph.
const (
	metaModel      = "model"      // a mobilenet.Config: arch, variant, width, resolution, classes, ...
	metaGraph      = "graph"      // a models.Graph that the caller built
	metaClasses    = "classes"    // the names of the classes, in the order of the logits
	metaPreprocess = "preprocess" // preprocessing of images
)

// describing lists these entries.
var describing = []string{metaModel, metaGraph, metaClasses, metaPreprocess}

// oldArch is the architecture of files from versions that did not record it.
const oldArch = "mobilenet_v1"

// preprocess is data.Preprocess with derived values for other programs.
type preprocess struct {
	data.Preprocess
	CropFraction float64 `json:"crop_fraction,omitempty"` // side of the center crop over the resized shorter side
}

// description returns the entries that describe the weights.
func (w Weights) description() (map[string]string, error) {
	p := preprocess{Preprocess: w.Preprocess}
	p.Interpolation = cmp.Or(p.Interpolation, data.Bilinear)
	if w.Preprocess.Resize > 0 {
		p.CropFraction = float64(w.Preprocess.Resolution) / float64(w.Preprocess.Resize)
	}
	entries := map[string]any{metaClasses: w.Classes, metaPreprocess: p, metaModel: w.Config}
	if w.Config == nil {
		delete(entries, metaModel)
		entries[metaGraph] = w.Graph
	}
	meta := map[string]string{}
	for key, value := range entries {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("weights: metadata %q: %w", key, err)
		}
		meta[key] = string(text)
	}
	return meta, nil
}

// describe reads the entries that description wrote, and checks that they agree.
func (w *Weights) describe(meta map[string]string) error {
	var p preprocess
	for key, to := range map[string]any{metaClasses: &w.Classes, metaPreprocess: &p} {
		if err := entry(meta, key, to); err != nil {
			return err
		}
	}
	w.Preprocess = p.Preprocess
	if err := w.network(meta); err != nil {
		return err
	}
	if len(w.Classes) != w.Graph.Classes() {
		return fmt.Errorf("its metadata names %d classes for a network of %d", len(w.Classes), w.Graph.Classes())
	}
	return w.Preprocess.Validate()
}

// network reads the model or the graph.
func (w *Weights) network(meta map[string]string) error {
	if _, ok := meta[metaGraph]; ok {
		w.Graph = new(models.Graph)
		return entry(meta, metaGraph, w.Graph)
	}
	c := mobilenet.Config{Arch: oldArch}
	if err := entry(meta, metaModel, &c); err != nil {
		return err
	}
	g, err := c.Graph()
	w.Config, w.Graph = &c, g
	return err
}

func entry(meta map[string]string, key string, to any) error {
	text, ok := meta[key]
	if !ok {
		return fmt.Errorf("%w: its metadata has no %q; it was written by another program", ErrNoWeights, key)
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("its metadata %q: %w", key, err)
	}
	return nil
}
