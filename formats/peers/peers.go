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

var (
	// ErrUnknown is returned when the names of the arrays are those of no known network.
	ErrUnknown = errors.New("not weights of a network that is implemented")
	// ErrMisfit is returned when a network is recognized and its arrays are incomplete or have other shapes.
	ErrMisfit = errors.New("the arrays do not fit the network")
	// ErrConfig is returned when a configuration beside the weights asks for something that is not computed.
	ErrConfig = errors.New("unsupported configuration")
)

// Array is an array of a file, row-major, in float32.
type Array struct {
	Name   string
	Shape  []int
	Values []float32
}

// State is what a file holds.
type State struct {
	Arrays []Array
	// Average is the moving average of the weights that a training checkpoint has beside them; nil: none.
	Average []Array
	// Keras: kernels are (H, W, in, out), those of depthwise layers (H, W, channels, 1), those of dense layers (in, out).
	Keras bool
	// Files are the configuration files beside the weights, by name; see [Sidecars].
	Files map[string][]byte
	// KerasConfig is the JSON of a Keras model, where the file has it.
	KerasConfig []byte
}

// Options are the choices that names and shapes leave open.
type Options struct {
	// Variant of the network; "": that of the tool whose names the arrays have.
	Variant string
}

// Weights recognizes the state and converts it. The error is [ErrUnknown], [ErrMisfit], [ErrConfig] or a
// *validate.Error.
func Weights(s State, o Options) (weights.Weights, error) {
	main := s.Arrays
	if s.Average != nil {
		main = s.Average
	}
	arrays, err := normalize(main, s.Keras)
	if err != nil {
		return weights.Weights{}, err
	}
	candidates, err := recognize(arrays, o)
	if errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("%w%s", err, s.describeModel())
	}
	if err != nil {
		return weights.Weights{}, err
	}
	c, err := s.configuration(candidates[0].scheme)
	if err != nil {
		return weights.Weights{}, err
	}
	m, err := fit(arrays, candidates, c)
	if err != nil {
		return weights.Weights{}, err
	}
	w, err := m.weights(c)
	if err != nil || s.Average == nil {
		return w, err
	}
	if arrays, err = normalize(s.Arrays, s.Keras); err != nil {
		return weights.Weights{}, err
	}
	if w.Raw, err = m.arrays(arrays); err != nil {
		return weights.Weights{}, fmt.Errorf("the weights beside their moving average: %w", err)
	}
	return w, nil
}

// match is a network that fits the arrays.
type match struct {
	candidate
	config mobilenet.Config
	graph  *models.Graph
	mapped []checkpoints.Array
}

// weights completes the match with classes and preprocessing.
func (m match) weights(c configuration) (weights.Weights, error) {
	w := weights.Weights{Graph: m.graph, Config: &m.config, Arrays: m.mapped, Meta: map[string]string{}}
	w.Classes = c.classes
	if len(w.Classes) == 0 {
		for i := range m.config.Classes {
			w.Classes = append(w.Classes, fmt.Sprint(i))
		}
	}
	if len(w.Classes) != m.config.Classes {
		return w, fmt.Errorf("%w: %d class names for %d outputs", ErrConfig, len(w.Classes), m.config.Classes)
	}
	pre, err := c.preprocess(m.config)
	w.Preprocess = pre
	if err == nil {
		err = pre.Validate()
	}
	w.Origin = m.origin(c)
	return w, err
}

// origin says in a line what was inferred.
func (m match) origin(c configuration) string {
	text := fmt.Sprintf("names of %s: %v", m.scheme.name, m.config)
	if len(c.classes) == 0 {
		text += " without names"
	}
	from := "; resolution and preprocessing are the variant's defaults"
	if c.source != "" {
		from = "; " + c.source
	}
	return text + from
}

// normalize brings names to the form in which schemes have them, and leaves out arrays that are no weights: PyTorch's
// batch counters, n_averaged of its AveragedModel, Keras' generators and optimizers.
func normalize(list []Array, keras bool) ([]named, error) {
	var arrays []named
	for _, a := range list {
		if !Ignored(a.Name) {
			arrays = append(arrays, named{a.Name, a})
		}
	}
	if keras || slices.ContainsFunc(arrays, func(a named) bool { return isKerasName(a.name) }) {
		normalizeKeras(arrays)
	} else {
		stripPrefixes(arrays)
	}
	seen := map[string]string{}
	for _, a := range arrays {
		if other, twice := seen[a.name]; twice {
			return nil, fmt.Errorf("%w: both %s and %s are %s", ErrMisfit, other, a.Name, a.name)
		}
		seen[a.name] = a.Name
	}
	return arrays, nil
}

// named is an array with its name in a scheme; Array.Name stays that of the file.
type named struct {
	name string
	Array
}

// Ignored reports whether an array of a name is no weight: PyTorch's counters and Keras' generators.
func Ignored(name string) bool {
	last := name[strings.LastIndexAny(name, "./")+1:]
	return last == "num_batches_tracked" || name == "n_averaged" || strings.Contains(name, "seed_generator")
}

// wrappers are prefixes that PyTorch's wrappers and training scripts put before all names: DataParallel and
// AveragedModel, torch.compile, Lightning modules.
var wrappers = []string{"module.", "_orig_mod.", "model.", "net.", "network.", "ema."}

// stripPrefixes removes wrappers that all names have, and Hugging Face's name of the model, which its head does not have.
func stripPrefixes(arrays []named) {
	for again := true; again && len(arrays) > 0; {
		again = false
		for _, prefix := range wrappers {
			if slices.ContainsFunc(arrays, func(a named) bool { return !strings.HasPrefix(a.name, prefix) }) {
				continue
			}
			for i := range arrays {
				arrays[i].name = arrays[i].name[len(prefix):]
			}
			again = true
		}
	}
	for i := range arrays {
		for _, prefix := range []string{"mobilenet_v1.", "mobilenet_v2."} {
			arrays[i].name = strings.TrimPrefix(arrays[i].name, prefix)
		}
	}
}

// candidate is a scheme with a variant, and how many of its names the file has.
type candidate struct {
	scheme  *scheme
	variant string
	matched int
}

// recognize lists the schemes and variants whose names the arrays have, the best first. Names of another network are
// an error that says which.
func recognize(arrays []named, o Options) ([]candidate, error) {
	if other := otherNetwork(arrays); other != "" {
		return nil, fmt.Errorf("%w: it is %s", ErrUnknown, other)
	}
	var list []candidate
	best, expected := 0, 1
	for i := range schemes {
		s := &schemes[i]
		for _, v := range s.variants {
			matched, all, err := s.count(v, arrays)
			if err != nil {
				return nil, err
			}
			if matched > best {
				best, expected = matched, all
			}
			list = append(list, candidate{s, v, matched})
		}
	}
	if 2*best < expected {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, describeNames(arrays))
	}
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.matched < best })
	return o.choose(list)
}

// choose replaces the variants of the candidates by the one that the user names.
func (o Options) choose(list []candidate) ([]candidate, error) {
	if o.Variant == "" {
		return list, nil
	}
	var chosen []candidate
	for _, c := range list {
		if slices.ContainsFunc(chosen, func(other candidate) bool { return other.scheme == c.scheme }) {
			continue
		}
		if _, err := mobilenet.Default(c.scheme.arch, o.Variant); err != nil {
			return nil, fmt.Errorf("the arrays are of %s: %w", c.scheme.arch, err)
		}
		chosen = append(chosen, candidate{c.scheme, o.Variant, c.matched})
	}
	return chosen, nil
}

// describeNames shows the first names of a file.
func describeNames(arrays []named) string {
	if len(arrays) == 0 {
		return "it holds no arrays"
	}
	var names []string
	for _, a := range arrays[:min(len(arrays), 4)] {
		names = append(names, a.Name)
	}
	return fmt.Sprintf("its %d arrays have names such as %s", len(arrays), strings.Join(names, ", "))
}

// count is how many of the names of a variant's arrays the file has, and how many there are. Names do not depend on the
// width. Arrays that the scheme has no place for count against it.
func (s *scheme) count(variant string, arrays []named) (matched, all int, err error) {
	c, err := mobilenet.Default(s.arch, variant)
	if err != nil {
		return 0, 0, err
	}
	g, err := c.Graph()
	if err != nil {
		return 0, 0, err
	}
	have := map[string]bool{}
	for _, a := range arrays {
		have[a.name] = true
	}
	for _, p := range s.places(g) {
		all++
		if slices.ContainsFunc(p.names, func(name string) bool { return have[name] }) {
			matched++
		}
	}
	return matched, all, nil
}
