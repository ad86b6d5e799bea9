package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/checkpoints"
)

// Metadata entries of a weights file that training adds.
const (
	MetaBest     = "best"      // step, epoch and validation accuracy of the weights
	MetaImages   = "images"    // the numbers of images that the weights were trained and validated on, an [Images] as JSON
	MetaValSplit = "val_split" // fraction of the images held out for validation, if the data set has no val/
	MetaSeed     = "seed"      // random seed that selected those images
	MetaSplit    = "split"     // a datasets.Split as JSON: which images those are
	// MetaTemperature is that of calibrated weights: the number by which their logits were divided (train eval).
	MetaTemperature = "temperature"
	MetaData        = "data_digest" // of a checkpoint: the digest of the training and validation images
)

// Best is the validation of weights, [MetaBest].
type Best struct {
	Step  int64   `json:"step"`
	Epoch int     `json:"epoch"` // from 1
	Top1  float64 `json:"top1"`  // fractions
	Top5  float64 `json:"top5"`
	Loss  float64 `json:"loss"`          // cross entropy
	MAP   float64 `json:"map,omitempty"` // mean average precision of multi-label weights, of which Top1 counts exact matches
}

// Images are numbers of images, [MetaImages].
type Images struct {
	Train int `json:"train"`
	Val   int `json:"val"`
}

// Validation returns the recorded validation of the weights and the numbers of images; nil of what is not recorded.
func (w Weights) Validation() (best *Best, images *Images, err error) {
	if best, err = recorded[Best](w.Meta, MetaBest); err != nil {
		return nil, nil, err
	}
	images, err = recorded[Images](w.Meta, MetaImages)
	return best, images, err
}

// recorded reads a metadata entry, nil if there is none.
func recorded[T any](meta map[string]string, key string) (*T, error) {
	text, ok := meta[key]
	if !ok {
		return nil, nil
	}
	value := new(T)
	if err := json.Unmarshal([]byte(text), value); err != nil {
		return nil, fmt.Errorf("weights: metadata %q: %w", key, err)
	}
	return value, nil
}

// Prefixes of arrays that are weights too.
const (
	// AveragePrefix is that of a weight average in a checkpoint.
	AveragePrefix = "ema/"
	// rawPrefix is that of Raw in a weights file.
	rawPrefix = "raw/"
)

// derived lists the metadata that weights derived from others keep.
var derived = []string{MetaBest, MetaImages, MetaValSplit, MetaSeed, MetaSplit, MetaOrigin, MetaTemperature, MetaTask, MetaThresholds}

// Derived returns weights for a file of their own: without the state of a training and the weights beside an average.
func (w Weights) Derived() Weights {
	w.Raw = nil
	meta := map[string]string{}
	for _, key := range derived {
		if value, ok := w.Meta[key]; ok {
			meta[key] = value
		}
	}
	w.Meta = meta
	return w
}

// Described reports whether a file's metadata describes weights: it was written by this program.
func Described(f checkpoints.File) bool {
	for _, key := range describing {
		if _, ok := f.Meta[key]; ok {
			return true
		}
	}
	return false
}

// FromFile takes the weights from a file's arrays and metadata. Other arrays of a checkpoint, which
// have a '/' in their names and are not of the network, are ignored.
func FromFile(f checkpoints.File) (Weights, error) {
	w := Weights{Meta: map[string]string{}}
	if err := w.describe(f.Meta); err != nil {
		return Weights{}, err
	}
	for key, value := range f.Meta {
		if !slices.Contains(describing, key) {
			w.Meta[key] = value
		}
	}
	w.setArrays(f.Arrays)
	return w, w.checkTask()
}

// setArrays sorts a file's arrays. A checkpoint has the last weights under the network's names and
// their average below ema/; a weights file has the average under the names and the last weights
// below raw/. A layer that the caller named can have a '/' in its name too.
func (w *Weights) setArrays(arrays []checkpoints.Array) {
	own := w.Graph.ArrayNames()
	var average []checkpoints.Array
	for _, a := range arrays {
		switch folder, name, nested := strings.Cut(a.Name, "/"); {
		case !nested || own[a.Name]:
			w.Arrays = append(w.Arrays, a)
		case folder+"/" == AveragePrefix:
			average = append(average, checkpoints.Array{Name: name, Data: a.Data})
		case folder+"/" == rawPrefix:
			w.Raw = append(w.Raw, checkpoints.Array{Name: name, Data: a.Data})
		}
	}
	if average != nil {
		w.Arrays, w.Raw = average, w.Arrays
	}
}

// File returns the weights as arrays and metadata, from which [FromFile] restores them.
func (w Weights) File() (checkpoints.File, error) {
	f := checkpoints.File{Arrays: append(slices.Clip(w.Arrays), Prefixed(rawPrefix, w.Raw)...), Meta: map[string]string{}}
	for key, value := range w.Meta {
		f.Meta[key] = value
	}
	description, err := w.description()
	maps.Copy(f.Meta, description)
	return f, err
}

// Prefixed returns the arrays with a prefix before their names.
func Prefixed(prefix string, arrays []checkpoints.Array) []checkpoints.Array {
	list := make([]checkpoints.Array, len(arrays))
	for i, a := range arrays {
		list[i] = checkpoints.Array{Name: prefix + a.Name, Data: a.Data}
	}
	return list
}

// ValSplit returns the fraction of the images that training held out for validation and the seed
// that selected them. The fraction is 0 if the data set had a validation set.
func (w Weights) ValSplit() (fraction float64, seed uint64, err error) {
	text, ok := w.Meta[MetaValSplit]
	if !ok {
		return 0, 0, nil
	}
	if fraction, err = strconv.ParseFloat(text, 64); err != nil {
		return 0, 0, fmt.Errorf("weights: metadata %q is %q; must be a number", MetaValSplit, text)
	}
	if seed, err = strconv.ParseUint(w.Meta[MetaSeed], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("weights: metadata %q is %q; must be a whole number", MetaSeed, w.Meta[MetaSeed])
	}
	return fraction, seed, nil
}

// SetValSplit records what [Weights.ValSplit] returns.
func (w *Weights) SetValSplit(fraction float64, seed uint64) {
	if w.Meta == nil {
		w.Meta = map[string]string{}
	}
	w.Meta[MetaValSplit], w.Meta[MetaSeed] = strconv.FormatFloat(fraction, 'g', -1, 64), strconv.FormatUint(seed, 10)
}
