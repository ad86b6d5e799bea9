package peers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// ErrForeign is returned when a tool has no network that computes what the weights' network computes.
var ErrForeign = errors.New("has no such network")

// Target is a tool whose network weights are exported to. What its variant has is fixed, but for the width, the number of
// classes, dropout, the epsilon of batch norms, and what the fields list.
type Target struct {
	Name    string // for messages
	tool    tool
	variant string
	// Activations and paddings that the tool's network can be constructed with.
	activations []models.Function
	paddings    []models.Padding
}

// The tools that weights are exported to.
var (
	// Torchvision's class takes width_mult, norm_layer and dropout.
	Torchvision = Target{"torchvision", toolTorchvision, "torchvision", []models.Function{models.ReLU6}, []models.Padding{models.Symmetric}}
	// Timm's functions take bn_eps, act_layer and pad_type.
	Timm = Target{"timm", toolTimm, "timm", models.Functions, []models.Padding{models.Symmetric, models.Same}}
	// Transformers' classes have all of it in config.json.
	Transformers = Target{"Transformers", toolHF, "hf", models.Functions, []models.Padding{models.Symmetric, models.Same}}
)

// Foreign is a tool's network with weights.
type Foreign struct {
	// Config is of the tool's own variant, with the settings that make its network compute the same.
	Config mobilenet.Config
	// Arrays have the tool's names. After the running statistics of a batch norm comes PyTorch's counter of its batches, an
	// int64 without axes, which is 0.
	Arrays []checkpoints.Array
}

// Export finds the network of a tool that computes what the weights' network computes at its resolution, and names the arrays
// as the tool does. The error is [ErrForeign] with what the tool lacks.
func Export(w weights.Weights, t Target) (Foreign, error) {
	if w.Config == nil {
		return Foreign{}, fmt.Errorf("%s %w: the weights are of a graph that was built by hand, %s", t.Name, ErrForeign, w.Graph.Name)
	}
	c := *w.Config
	i := slices.IndexFunc(schemes, func(s scheme) bool { return s.tool == t.tool && s.arch == c.Arch })
	if i < 0 {
		return Foreign{}, fmt.Errorf("%s %w: it has no %s", t.Name, ErrForeign, c.Arch)
	}
	if c.ConvBias {
		return Foreign{}, fmt.Errorf("%s %w: its convolutions have no biases, those of variant %s have", t.Name, ErrForeign, c.Variant)
	}
	arrays, err := schemes[i].named(w)
	if err != nil {
		return Foreign{}, err
	}
	config, err := t.construct(w, &schemes[i], arrays)
	if err != nil {
		return Foreign{}, err
	}
	f := Foreign{Config: config}
	f.Arrays, err = t.stored(c.Arch, arrays)
	return f, err
}

// named are the weights under the names of a scheme.
func (s *scheme) named(w weights.Weights) ([]named, error) {
	values, err := w.Values()
	if err != nil {
		return nil, err
	}
	var list []named
	for _, p := range s.places(w.Graph) {
		name := p.names[0]
		list = append(list, named{name, Array{Name: name, Shape: p.shapes()[0], Values: values[p.array.Name]}})
	}
	return list, nil
}

// construct finds the settings of the tool's network.
func (t Target) construct(w weights.Weights, s *scheme, arrays []named) (mobilenet.Config, error) {
	var reason error
	for _, padding := range t.preferred(w.Config.Padding) {
		m, err := fit(arrays, []candidate{{scheme: s, variant: t.variant}}, t.settings(*w.Config, padding))
		if err != nil {
			return mobilenet.Config{}, fmt.Errorf("%s %w: its layers have other channels at every width: %w", t.Name, ErrForeign, err)
		}
		differences := differ(w.Graph, m.graph)
		if differences == nil {
			return m.config, nil
		}
		if reason == nil {
			reason = fmt.Errorf("%s %w: %s", t.Name, ErrForeign, strings.Join(differences, "; "))
		}
	}
	return mobilenet.Config{}, reason
}

// preferred lists the tool's paddings, the network's own first.
func (t Target) preferred(own models.Padding) []models.Padding {
	if own == mobilenet.KerasPadding { // which differs from Same at odd sizes alone
		own = models.Same
	}
	list := slices.Clone(t.paddings)
	slices.SortStableFunc(list, func(a, b models.Padding) int {
		switch {
		case a == own && b != own:
			return -1
		case b == own && a != own:
			return 1
		}
		return 0
	})
	return list
}

// settings are those of a configuration, as far as the tool's network has them.
func (t Target) settings(c mobilenet.Config, padding models.Padding) configuration {
	return configuration{width: c.Width, resolution: c.Resolution, change: func(m *mobilenet.Config) error {
		m.BNEps, m.Dropout, m.Padding = c.BNEps, c.Dropout, padding
		if slices.Contains(t.activations, c.Activation) {
			m.Activation = c.Activation
		}
		return nil
	}}
}

// stored are the arrays with the names that the tool's files have, and counters.
func (t Target) stored(arch string, arrays []named) ([]checkpoints.Array, error) {
	var list []checkpoints.Array
	for _, a := range arrays {
		name := a.name
		if t.tool == toolHF {
			name = hfPrefixed(arch, name)
		}
		array, err := checkpoints.NewArray(name, a.Values, a.Shape...)
		if err != nil {
			return nil, fmt.Errorf("peers: %w", err)
		}
		list = append(list, array)
		norm, isNorm := strings.CutSuffix(name, ".running_var")
		if !isNorm {
			continue
		}
		counter, err := checkpoints.NewArray(norm+".num_batches_tracked", []int64{0})
		if err != nil {
			return nil, fmt.Errorf("peers: %w", err)
		}
		list = append(list, counter)
	}
	return list, nil
}

// Rename gives arrays with the names of a tool of PyTorch the names of the graph that they belong to. ok is false if the names
// are those of no tool, or the arrays do not fit the graph.
func Rename(arch string, g *models.Graph, arrays []checkpoints.Array) (renamed []checkpoints.Array, ok bool) {
	list := make([]named, 0, len(arrays))
	byName := map[string]checkpoints.Array{}
	for _, a := range arrays {
		if !Ignored(a.Name) {
			list = append(list, named{a.Name, Array{Name: a.Name, Shape: a.Data.Shape()}})
			byName[a.Name] = a
		}
	}
	stripPrefixes(list)
	for i := range schemes {
		s := &schemes[i]
		m := match{candidate: candidate{scheme: s}, graph: g}
		if s.arch != arch || s.tool == toolKeras || m.compare(list) != nil {
			continue
		}
		found := index(list)
		for _, p := range s.places(g) {
			a := byName[p.find(found).Name]
			renamed = append(renamed, checkpoints.Array{Name: p.array.Name, Data: a.Data})
		}
		return renamed, true
	}
	return nil, false
}
