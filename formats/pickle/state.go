package pickle

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is a tensor of a state dict.
type Entry struct {
	Name   string
	Tensor *Tensor
}

// Keys under which training scripts save a state dict, and those of its moving average.
var (
	stateKeys   = []string{"state_dict", "model_state_dict", "model", "model_state", "net", "network", "weights", "params", "module"}
	averageKeys = []string{"state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema_model", "ema"}
)

// State returns the tensors of the saved state dict in its order, and of a training checkpoint with a moving average
// also those of the average. A state dict may be nested under the keys that training scripts use. Other values of a
// checkpoint are ignored.
func (f *File) State() (entries, average []Entry, err error) {
	const maxNested = 4
	root := f.Root
	for range maxNested {
		d, ok := root.(*Dict)
		if !ok {
			return nil, nil, fmt.Errorf("%w: it holds %s, not a state dict. In Python: torch.save(model.state_dict(), FILE)", ErrRefused, describe(root))
		}
		if average == nil {
			if average, err = d.first(averageKeys); err != nil {
				return nil, nil, err
			}
		}
		nested := d.firstDict(stateKeys)
		if nested == nil {
			entries, err = d.tensors()
			break
		}
		root = nested
	}
	switch {
	case err != nil:
		return nil, nil, err
	case len(entries) > 0:
		return entries, average, nil
	case average != nil:
		return average, nil, nil
	}
	return nil, nil, fmt.Errorf("%w: it holds no state dict: its keys are %s; one of %s was expected", ErrRefused, f.keys(), strings.Join(slices.Concat(stateKeys, averageKeys), ", "))
}

// first returns the tensors of the first of the keys that has some.
func (d *Dict) first(keys []string) ([]Entry, error) {
	nested := d.firstDict(keys)
	if nested == nil {
		return nil, nil
	}
	if below := nested.firstDict(stateKeys); below != nil { // ModelEma of some scripts: {"module": {...}, "updates": n}
		nested = below
	}
	return nested.tensors()
}

// firstDict returns the value of the first of the keys that is a dict, nil if there is none.
func (d *Dict) firstDict(keys []string) *Dict {
	for _, key := range keys {
		if nested, ok := d.Get(key).(*Dict); ok {
			return nested
		}
	}
	return nil
}

// tensors lists the tensors of a dict.
func (d *Dict) tensors() ([]Entry, error) {
	var list []Entry
	seen := map[string]bool{}
	for i, key := range d.Keys {
		t, isTensor := d.Values[i].(*Tensor)
		name, isText := key.(string)
		if !isTensor || !isText {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("%w: two tensors %q", ErrFormat, name)
		}
		seen[name] = true
		list = append(list, Entry{name, t})
	}
	return list, nil
}

// keys names some keys of the root for a message.
func (f *File) keys() string {
	d, ok := f.Root.(*Dict)
	if !ok || len(d.Keys) == 0 {
		return "none"
	}
	var names []string
	for _, k := range d.Keys[:min(len(d.Keys), 10)] {
		if text, ok := k.(string); ok {
			names = append(names, text)
		} else {
			names = append(names, describe(k))
		}
	}
	return strings.Join(names, ", ")
}
