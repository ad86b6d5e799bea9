package train

import (
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// describeInit gives c the network of the weights that the run starts from, unless it describes it already, as a
// run's own configuration does.
func describeInit(c *config.Config) error {
	if c.Init == "" || !c.Untouched() {
		return nil
	}
	w, err := readWeights(*c)
	if err != nil {
		return err
	}
	return c.UseWeights(w)
}

// readWeights reads the weights that the run starts from.
func readWeights(c config.Config) (weights.Weights, error) {
	if c.ReadWeights != nil {
		return c.ReadWeights(c.Init)
	}
	return formats.Read(c.Init)
}

// loadInit copies the weights that a new run starts from. The head keeps its initial values where the classes are
// others.
func (r *run) loadInit(s *autograd.Scope) error {
	if r.folder.resume != nil {
		r.origin = r.folder.resume.Meta[weights.MetaOrigin]
		return s.Err()
	}
	if r.config.Init == "" {
		r.startAtPriors(s)
		return s.Err()
	}
	w, err := readWeights(r.config)
	if err != nil {
		return err
	}
	if r.trainer.Graph == nil {
		if err := r.config.CheckWeights(w); err != nil {
			return err
		}
	}
	r.origin = w.Meta[weights.MetaOrigin]
	head := r.replacedHead(w)
	values, err := w.Values()
	if err != nil {
		return fmt.Errorf("train: start from %s: %w", r.config.Init, err)
	}
	for name := range head {
		delete(values, name)
	}
	kept, unused := r.network.LoadMatching(s, values)
	kept = slices.DeleteFunc(kept, func(name string) bool { return head[name] })
	if len(kept)+len(unused) > 0 {
		return fmt.Errorf("train: start from %s: the weights do not fit %v: missing or of another size: %s; not used: %s", r.config.Init, r.network, strings.Join(kept, ", "), strings.Join(unused, ", "))
	}
	r.startNote = fmt.Sprintf("starts from %s: %s, with its head, because the classes are the same", r.config.Init, w.Graph.Name)
	if len(head) > 0 {
		r.startAtPriors(s)
		r.startNote = fmt.Sprintf("starts from %s: %s; the head for its %d classes is replaced by one for %d", r.config.Init, w.Graph.Name, len(w.Classes), len(r.images.train.Classes))
	}
	return s.Err()
}

// replacedHead names the arrays of the head if the classes of the data are not those of the weights, in their order.
func (r *run) replacedHead(w weights.Weights) map[string]bool {
	head, layers := map[string]bool{}, r.net.graph.Layers
	if slices.Equal(w.Classes, r.images.train.Classes) {
		return head
	}
	for _, l := range layers[len(layers)-r.net.graph.HeadLayers():] {
		for _, a := range l.Arrays() {
			head[a.Name] = true
		}
	}
	return head
}

// noteInit records what the run starts from.
func (r *run) noteInit() error {
	if r.startNote == "" {
		return nil
	}
	return r.note(report.Info, r.startNote)
}
