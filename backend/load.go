package backend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// counter is the suffix of PyTorch's batch counter, which nothing here needs.
const counter = ".num_batches_tracked"

// Load copies values by name into the network's parameters and buffers. All of
// them must be there, in row-major order, and no others, PyTorch's
// num_batches_tracked excepted; otherwise every difference is named and nothing
// is changed.
func (n *Network) Load(s *autograd.Scope, values map[string][]float32) error {
	if err := n.compare(values); err != nil {
		return err
	}
	for i, a := range n.arrays {
		autograd.CopyFromSlice(s, n.tensors[i], values[a.Name])
	}
	return s.Err()
}

// compare names what is missing, unexpected or of another size.
func (n *Network) compare(values map[string][]float32) error {
	var missing, unexpected, sizes []string
	known := make(map[string]bool, len(n.arrays))
	for _, a := range n.arrays {
		known[a.Name] = true
		v, ok := values[a.Name]
		if !ok {
			missing = append(missing, a.Name)
		} else if len(v) != a.Size() {
			sizes = append(sizes, fmt.Sprintf("%s has %d values, the network's has shape %v", a.Name, len(v), a.Shape))
		}
	}
	for name := range values {
		if !known[name] && !strings.HasSuffix(name, counter) {
			unexpected = append(unexpected, name)
		}
	}
	slices.Sort(unexpected)
	var errs []error
	for _, group := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"unexpected", unexpected}, {"of another size", sizes}} {
		if len(group.names) > 0 {
			errs = append(errs, fmt.Errorf("backend: weights do not fit %v: %s: %s", n, group.what, strings.Join(group.names, ", ")))
		}
	}
	return errors.Join(errs...)
}

// New makes a network with initial values on the machine's device.
func (m Machine) New(s *autograd.Scope, g *models.Graph, seed uint64) *Network {
	n := New(s, g, seed)
	if s.Err() == nil {
		n.To(s, m.Place)
	}
	return n
}

// Load makes the network of weights on the machine's device.
func (m Machine) Load(s *autograd.Scope, w weights.Weights) (*Network, error) {
	return Load(s, w, m.Place)
}

// Load makes the network of weights on a device.
func Load(s *autograd.Scope, w weights.Weights, device autograd.Device) (*Network, error) {
	n := New(s, w.Graph, 0)
	values, err := w.Values()
	if err != nil {
		return nil, fmt.Errorf("backend: load weights: %w", err)
	}
	if err := n.Load(s, values); err != nil {
		return nil, err
	}
	n.To(s, device)
	return n, s.Err()
}

// LoadMatching copies the values that belong to an array of the network: of its name and size. It returns the
// names of the network's arrays that keep their values, in file order, and those of the other values, sorted.
func (n *Network) LoadMatching(s *autograd.Scope, values map[string][]float32) (kept, unused []string) {
	used := map[string]bool{}
	for i, a := range n.arrays {
		v, ok := values[a.Name]
		if !ok || len(v) != a.Size() {
			kept = append(kept, a.Name)
			continue
		}
		used[a.Name] = true
		autograd.CopyFromSlice(s, n.tensors[i], v)
	}
	for name := range values {
		if !used[name] && !strings.HasSuffix(name, counter) {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	return kept, unused
}
